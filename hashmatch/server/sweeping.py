"""Removes entries that have expired, in the background: they do not match in any case."""

from collections.abc import Callable
from typing import Final

import structlog

from hashmatch.errors import HashmatchError
from hashmatch.server.background import Background

SWEEP_SECONDS: Final = 60.0

_log = structlog.get_logger(__name__)


class Sweeper(Background):
    """A thread that sweeps again and again; that several processes do so is harmless."""

    def __init__(self, sweep: Callable[[], int], seconds: float = SWEEP_SECONDS) -> None:
        """`sweep` removes some and answers how many; it is called again at once until it finds none."""
        super().__init__("sweeper")
        self._sweep = sweep
        self._seconds = seconds

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                count = self._sweep()
            except HashmatchError as error:
                _log.warning("sweep failed", error=str(error))
                count = 0
            if count:
                _log.info("expired entries removed", count=count)
            else:
                self._stopping.wait(self._seconds)
