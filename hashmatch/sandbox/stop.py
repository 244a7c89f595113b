"""Giving up a job that is at work, from another thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """The job was given up by who asked for it."""


class Stop:
    """A switch that stays on once it is thrown; any thread may throw it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thrown = False
        self._action: Callable[[], None] | None = None

    def throw(self) -> None:
        """Give the job up, at once."""
        with self._lock:
            self._thrown = True
            if self._action is not None:
                self._action()

    def check(self) -> None:
        """Raise Stopped once it is thrown."""
        if self._thrown:
            raise Stopped

    @contextmanager
    def doing(self, action: Callable[[], None]) -> Iterator[None]:
        """Within the block, throwing it does `action` besides, which must not wait; raises Stopped where it was."""
        with self._lock:
            self.check()
            self._action = action
        try:
            yield
        finally:
            with self._lock:
                self._action = None
