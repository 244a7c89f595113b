"""Many images on one stream, for the client for asyncio."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Any

import grpc

from hashmatch.client import calls
from hashmatch.errors import HashmatchError
from hashmatch.types import ImageDecision

_END: Any = grpc.aio.EOF  # type: ignore[attr-defined]  # missing in the stubs


class AsyncPipeline:
    """One `match_many`: a task draws items within the window, another sends them, the caller reads the answers."""

    def __init__(
        self,
        method: Any,
        items: AsyncIterable[tuple[str, bytes]] | Iterable[tuple[str, bytes]],
        request: Callable[[str, bytes], Any],
    ) -> None:
        self._method = method
        self._items = items if isinstance(items, AsyncIterable) else _each(items)
        self._request = request
        self._window = asyncio.Semaphore(calls.STREAM_WINDOW)
        self._drawn: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._unanswered: deque[tuple[str, bytes]] = deque()

    async def run(self) -> AsyncIterator[tuple[str, ImageDecision | HashmatchError]]:
        drawing = asyncio.create_task(self._draw())
        attempt = 0
        try:
            while True:
                stream = self._method()
                sending = asyncio.create_task(self._send(stream))
                try:
                    while (answer := await stream.read()) is not _END:
                        attempt = 0
                        key, _ = self._unanswered.popleft()
                        self._window.release()
                        yield key, calls.stream_answer(answer)
                    await drawing
                    break
                except grpc.RpcError as failure:
                    attempt += 1
                    await asyncio.sleep(calls.stream_pause(failure, attempt))
                finally:
                    await _end(sending)
                    stream.cancel()
        finally:
            await _end(drawing)

    async def _draw(self) -> None:
        try:
            async for item in self._items:
                await self._window.acquire()
                self._drawn.put_nowait(item)
        finally:
            self._drawn.put_nowait(None)

    async def _send(self, stream: Any) -> None:
        """Send what has no answer yet, then what is drawn; each item is noted before it is sent."""
        for sent in tuple(self._unanswered):
            await stream.write(self._request(*sent))
        while (item := await self._drawn.get()) is not None:
            self._unanswered.append(item)
            await stream.write(self._request(*item))
        self._drawn.put_nowait(None)
        await stream.done_writing()


async def _each(items: Iterable[tuple[str, bytes]]) -> AsyncIterator[tuple[str, bytes]]:
    for item in items:
        yield item


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
