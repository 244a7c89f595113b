"""Listens to PostgreSQL's notices in a thread of its own, and again after every loss of the connection."""

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

import structlog
from sqlalchemy import Engine

CHANNEL: Final = "hashmatch"
_FIRST_BACKOFF: Final = 0.1
_LONGEST_BACKOFF: Final = 5.0
_LOOK_SECONDS: Final = 0.5
"""How long a wait for a notice lasts before the thread looks whether it is to stop."""

_log = structlog.get_logger(__name__)


class Listener:
    """Calls `wake` after each notice, and once after each connection, as notices may have been missed before it."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        self._engine = engine
        self._wake = wake
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Begin; a database that is out of reach is tried again and again."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        backoff = _FIRST_BACKOFF
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001  # whatever it is, followers poll, and this tries again
                _log.info("listening failed", error=str(error).partition("\n")[0], seconds=backoff)
                self._stopping.wait(backoff)
                backoff = min(2 * backoff, _LONGEST_BACKOFF)
            else:
                backoff = _FIRST_BACKOFF

    def _listen(self) -> None:
        """Listen until told to stop or until the connection ends, which raises."""
        pooled = self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()
        with closing(driver):
            driver.autocommit = True
            driver.execute(f"LISTEN {CHANNEL}")
            self._wake()
            while not self._stopping.is_set():
                for _ in driver.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                    self._wake()
