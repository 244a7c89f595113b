"""An upload that is too large for a message: chunks into a file without a name, gone with its last descriptor."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import IO, Any, TypeVar

from hashmatch import errors

_IN_MEMORY = 16 * 2**20
"""Larger uploads are kept on disk while they are scanned."""
_WRITTEN_AT_ONCE = 2**20
_LONGEST_SILENCE_SECONDS = 30.0
_T = TypeVar("_T")


async def promptly(messages: AsyncIterator[_T], longest: float = _LONGEST_SILENCE_SECONDS) -> AsyncIterator[_T]:
    """The messages as they come; raises DeadlineExceeded where the next one takes longer than so many seconds."""
    while True:
        try:
            async with asyncio.timeout(longest):
                message = await anext(messages)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise errors.DeadlineExceeded(f"nothing more of the upload came within {longest:g} s") from None
        yield message


class Uploads:
    """Receives uploads; what comes faster than it is written waits in the caller's hands."""

    def __init__(self, folder: Path, most: int, writer: Executor) -> None:
        self._folder = folder
        self._most = most
        self._writer = writer

    async def receive(self, parts: AsyncIterator[Any], size: int, read: Callable[[Any], bytes]) -> IO[bytes]:
        """A file of the chunks that `read` takes out of the parts; it is `size` bytes long.

        Raises MediaTooLarge, and InvalidField where the chunks are more or fewer than was said.
        """
        if size < 1:
            raise errors.InvalidField("start.upload.size", f"expected 1 or more, got {size}")
        if size > self._most:
            raise errors.MediaTooLarge("max_video_bytes", self._most, size)
        file: IO[bytes] = await self._write(self._make, size)
        try:
            await self._fill(file, parts, size, read)
        except BaseException:
            file.close()
            raise
        return file

    async def _fill(self, file: IO[bytes], parts: AsyncIterator[Any], size: int, read: Callable[[Any], bytes]) -> None:
        received, pending = 0, bytearray()
        async for part in parts:
            chunk = read(part)
            received += len(chunk)
            if received > size:
                raise errors.InvalidField("chunk", f"more bytes than the {size:,} of start.upload.size")
            pending += chunk
            if len(pending) >= _WRITTEN_AT_ONCE:
                await self._write(file.write, bytes(pending))
                pending.clear()
        await self._write(file.write, bytes(pending))
        if received < size:
            raise errors.InvalidField("chunk", f"{received:,} bytes came of the {size:,} of start.upload.size")

    async def _write(self, work: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, work, *arguments)
        except OSError as error:
            raise errors.Unavailable(f"there is no room for the upload: {error.strerror}") from error

    def _make(self, size: int) -> IO[bytes]:
        if size <= _IN_MEMORY:
            return os.fdopen(os.memfd_create("upload", os.MFD_CLOEXEC), "w+b", buffering=0)
        return tempfile.TemporaryFile(buffering=0, dir=self._folder)
