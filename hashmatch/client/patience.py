"""What a client does when it is told to come back later."""

import time
from typing import Final

from hashmatch.errors import HashmatchError, Overloaded, Unavailable


class NotBegun(Unavailable):
    """A server stopped before it began the call, which gRPC then cancels."""

    retry_seconds: Final = 0.1


class Patience:
    """One call's: it is made again when the server said, later each time, and not past its own time.

    Only a server that says when (Overloaded), or that had not begun the call, is asked again here; UNAVAILABLE is tried
    again by gRPC itself.
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
        if (
            isinstance(error, Overloaded | NotBegun)
            and (pause := self._attempts * error.retry_seconds) < self.remaining
        ):
            return pause
        raise error
