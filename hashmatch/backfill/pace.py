"""A limit on bytes a second, shared by threads."""

import threading
import time


class Pace:
    """Makes whoever has read wait until that many bytes are due; without a limit it never waits."""

    def __init__(self, bytes_a_second: float | None) -> None:
        self._rate = bytes_a_second
        self._lock = threading.Lock()
        self._due = 0.0

    def spend(self, count: int) -> None:
        """Return once `count` more bytes fit the rate; a pause before does not allow a burst after."""
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            self._due = max(self._due, now) + count / self._rate
            wait = self._due - now
        time.sleep(wait)
