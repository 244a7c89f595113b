"""What a client does when it is told to come back later."""

import time
from typing import Final

from hashmatch.errors import HashmatchError, Overloaded

ATTEMPTS: Final = 5
"""How often one call is made before its caller is told that the server is overloaded."""


class Patience:
    """One call's: it is made again when the server said, a few times, and not past its own time.

    Only a server that says when (Overloaded) is asked again here; UNAVAILABLE is tried again by gRPC itself.
    """

    def __init__(self, timeout: float) -> None:
        self._end = time.monotonic() + timeout
        self._attempts = 1

    @property
    def remaining(self) -> float:
        """Seconds until the call's time is over, at least 0."""
        return max(0.0, self._end - time.monotonic())

    def pause(self, error: HashmatchError) -> float:
        """Seconds to wait before the call is made again; raises the error where it must not be."""
        if not isinstance(error, Overloaded) or self._attempts == ATTEMPTS or error.retry_seconds >= self.remaining:
            raise error
        self._attempts += 1
        return error.retry_seconds
