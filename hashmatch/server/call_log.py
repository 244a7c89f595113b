"""What the log says of calls: method, reason and time; never media, names of files, or hashes."""

import time
from typing import Final

import structlog

from hashmatch.errors import HashmatchError, Overloaded

_OVERLOAD_SECONDS: Final = 10.0

_log = structlog.get_logger()


class CallLog:
    """One line a refused call; under overload one line in a while, with the number of calls it stands for."""

    def __init__(self) -> None:
        self._overloads = 0
        self._silent_until = 0.0

    def answered(self, method: str, seconds: float) -> None:
        """At debug level alone."""
        _log.debug("call answered", method=method, ms=_milliseconds(seconds))

    def refused(self, method: str, error: HashmatchError, seconds: float) -> None:
        """The reason and not the message, which may quote what was sent."""
        if not isinstance(error, Overloaded):
            _log.info("call refused", method=method, reason=error.reason, ms=_milliseconds(seconds))
            return
        self._overloads += 1
        now = time.monotonic()
        if now >= self._silent_until:
            _log.warning("overloaded", method=method, limit=error.details["limit"], refused=self._overloads)
            self._overloads = 0
            self._silent_until = now + _OVERLOAD_SECONDS

    def failed(self, method: str) -> None:
        """A defect of ours, with its trace; called where the exception is handled."""
        _log.exception("call failed", method=method)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
