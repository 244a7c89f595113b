"""What the log says of calls: method, reason and time; never media, names of files, or hashes."""

import time
from collections import Counter
from typing import Final

import structlog

from hashmatch.errors import HashmatchError, Overloaded, Unauthenticated

_FLOOD_SECONDS: Final = 10.0

_log = structlog.get_logger()


class CallLog:
    """One line a refused call; of floods one line in a while, with the number of calls it stands for.

    A flood is whatever anybody can send without end: calls past capacity, and calls without a token.
    """

    def __init__(self) -> None:
        self._untold: Counter[str] = Counter()
        self._silent_until: dict[str, float] = {}

    def answered(self, method: str, seconds: float) -> None:
        """At debug level alone."""
        _log.debug("call answered", method=method, ms=_milliseconds(seconds))

    def refused(self, method: str, error: HashmatchError, seconds: float) -> None:
        """The reason and not the message, which may quote what was sent."""
        match error:
            case Overloaded():
                self._flood("overloaded", method, limit=error.details["limit"])
            case Unauthenticated():
                self._flood("unauthenticated", method)
            case _:
                _log.info("call refused", method=method, reason=error.reason, ms=_milliseconds(seconds))

    def failed(self, method: str) -> None:
        """A defect of ours, with its trace; called where the exception is handled."""
        _log.exception("call failed", method=method)

    def _flood(self, event: str, method: str, **said: str) -> None:
        self._untold[event] += 1
        now = time.monotonic()
        if now >= self._silent_until.get(event, 0.0):
            _log.warning(event, method=method, **said, refused=self._untold.pop(event))
            self._silent_until[event] = now + _FLOOD_SECONDS


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
