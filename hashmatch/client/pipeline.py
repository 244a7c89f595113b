"""Many images on one stream, for the blocking client."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any

import grpc

from hashmatch.client import calls
from hashmatch.errors import HashmatchError
from hashmatch.types import ImageDecision


class Pipeline:
    """One `match_many`: a thread sends ahead within the window, the caller's thread reads the answers."""

    def __init__(self, method: Any, items: Iterable[tuple[str, bytes]], request: Callable[[str, bytes], Any]) -> None:
        self._method = method
        self._items = items
        self._request = request
        self._lock = threading.Lock()
        self._window = threading.Semaphore(calls.STREAM_WINDOW)
        self._unanswered: deque[tuple[str, bytes]] = deque()
        self._requests: SimpleQueue[Any] = SimpleQueue()
        self._exhausted = False
        self._abandoned = False
        self._source_error: BaseException | None = None

    def run(self) -> Iterator[tuple[str, ImageDecision | HashmatchError]]:
        threading.Thread(target=self._send, name="match_many", daemon=True).start()
        attempt = 0
        answers = self._open()
        try:
            while True:
                try:
                    for answer in answers:
                        attempt = 0
                        yield self._answered(), calls.stream_answer(answer)
                    break
                except grpc.RpcError as failure:
                    attempt += 1
                    time.sleep(calls.stream_pause(failure, attempt))
                    answers = self._open()
        finally:
            self._abandoned = True
            self._window.release()
            answers.cancel()
        if self._source_error is not None:
            raise self._source_error

    def _send(self) -> None:
        try:
            for item in self._items:
                self._window.acquire()
                if self._abandoned:
                    return
                with self._lock:
                    self._unanswered.append(item)
                    self._requests.put(self._request(*item))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread, after the answers
            self._source_error = error
        finally:
            with self._lock:
                self._exhausted = True
                self._requests.put(None)

    def _open(self) -> Any:
        with self._lock:
            self._requests.put(None)
            self._requests = SimpleQueue()
            for item in self._unanswered:
                self._requests.put(self._request(*item))
            if self._exhausted:
                self._requests.put(None)
            return self._method(iter(self._requests.get, None))

    def _answered(self) -> str:
        with self._lock:
            key, _ = self._unanswered.popleft()
        self._window.release()
        return key
