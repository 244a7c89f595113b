"""What a server does beside its calls, again and again."""

import threading
from abc import ABC, abstractmethod


class Background(ABC):
    """Something done in a thread of its own, from `start` to `stop`."""

    def __init__(self, name: str) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if it was begun."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Do it until `_stopping` is set."""
