"""What a client does when it is told to come back later."""

import time
from typing import Final

from hashmatch.errors import HashmatchError, Overloaded, Unavailable

NOT_BEGUN: Final = {"begun": "no"}
"""Details of Unavailable where a server stopped before it began the call, which gRPC then cancels."""
_PAUSE_SECONDS: Final = 0.1


class Patience:
    """One call's: it is made again when the server said, later each time, and not past its own time.

    Only a server that is busy for a moment (Overloaded), or that had not begun the call, is asked again here;
    UNAVAILABLE is tried again by gRPC itself. TooManyReports, which may last an hour, is the caller's to wait for.
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
        seconds = _seconds(error)
        if seconds is None or (pause := self._attempts * seconds) >= self.remaining:
            raise error
        return pause


def _seconds(error: HashmatchError) -> float | None:
    """The first pause; None where the call must not be made again."""
    if isinstance(error, Overloaded):
        return error.retry_seconds
    return _PAUSE_SECONDS if isinstance(error, Unavailable) and error.details == NOT_BEGUN else None
