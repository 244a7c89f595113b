"""What a client does when it is told to come back later."""

import time

from hashmatch.errors import HashmatchError, Overloaded


class Patience:
    """One call's: it is made again when the server said, later each time, and not past its own time.

    Only a server that says when (Overloaded) is asked again here; what nobody served is tried again by gRPC itself.
    """

    def __init__(self, timeout: float) -> None:
        self._end = time.monotonic() + timeout
        self._attempts = 0

    @property
    def remaining(self) -> float:
        """Seconds until the call's time is over, at least 0."""
        return max(0.0, self._end - time.monotonic())

    def pause(self, error: HashmatchError) -> float:
        """Seconds to wait before the call is made again; raises the error where it must not be.

        The nth pause is n times what the server said, so that callers it cannot serve become fewer.
        """
        self._attempts += 1
        if not isinstance(error, Overloaded) or (pause := self._attempts * error.retry_seconds) >= self.remaining:
            raise error
        return pause
