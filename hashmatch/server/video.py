"""The calls of videos: uploads and streams of frames in, matches and verdicts out."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import grpc

from hashmatch import errors, types, wire
from hashmatch.engine import Engine
from hashmatch.server.admission import Admission, Caller
from hashmatch.server.options import content_id, permitted
from hashmatch.server.turns import Turns, connection
from hashmatch.server.upload import Uploads, promptly
from hashmatch.settings import Settings
from hashmatch.types import ScanProgress
from hashmatch.v1 import hash_pb2, match_pb2, video_pb2
from hashmatch.video_engine import VideoCall

Context = grpc.aio.ServicerContext[Any, Any]
_T = TypeVar("_T")

_WRITERS = 4
_CALLS_A_THREAD = 4
"""So many videos a thread are received, wait and are scanned at most; twice as many while connections share that."""
_RETRY_SECONDS = 1.0
_PROGRESS_SECONDS = 0.5


class Videos:
    """Answers the calls of videos. One worker is left to images, where there are several."""

    def __init__(self, engine: Engine, admission: Admission, settings: Settings) -> None:
        """Uploads that do not fit memory are kept in the data directory while they are scanned, without a name."""
        threads = max(1, settings.workers - 1)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self._engine = engine
        self._admission = admission
        self._most = _CALLS_A_THREAD * threads
        self._calls: Counter[str] = Counter()
        self._turns = Turns(threads)
        self._scans = ThreadPoolExecutor(threads, "video")
        self._writers = ThreadPoolExecutor(_WRITERS, "upload")
        self._uploads = Uploads(settings.data_dir, settings.limits.max_video_bytes, self._writers)

    def close(self) -> None:
        """Wait for what is running, drop what is not."""
        self._scans.shutdown(cancel_futures=True)
        self._writers.shutdown(cancel_futures=True)

    async def match(self, messages: AsyncIterator[bytes], context: Context) -> None:
        """Answer MatchVideo."""
        with self._let_in(context):
            parts = _parsed(match_pb2.MatchVideoRequest.FromString, messages)
            await context.write(await self._match(parts, context))

    async def hash(self, messages: AsyncIterator[bytes], context: Context) -> None:
        """Answer HashVideo."""
        with self._let_in(context):
            parts = _parsed(hash_pb2.HashVideoRequest.FromString, messages)
            await context.write(await self._hash(parts, context))

    async def match_frames(self, parts: AsyncIterator[Any], context: Context) -> match_pb2.MatchFramesResponse:
        """Answer MatchFrames."""
        with self._let_in(context):
            return await self._match_frames(parts, context)

    @contextmanager
    def _let_in(self, context: Context) -> Iterator[None]:
        """Count a call in; raises Overloaded where its connection, or all, have too many."""
        caller = Caller.of(context)
        own, clients = self._calls[caller.client], len(self._calls.keys() | {caller.client})
        if own >= max(1, self._most // clients) or self._calls.total() >= 2 * self._most:
            raise errors.Overloaded(f"{own} videos in progress on this connection", "videos", _RETRY_SECONDS)
        with self._admission.hold(caller, receiving=False):
            self._calls[caller.client] += 1
            try:
                yield
            finally:
                self._calls -= Counter((caller.client,))

    async def _match(self, parts: AsyncIterator[Any], context: Context) -> match_pb2.MatchVideoResponse:
        start = await _first(parts)
        video = wire.video_options_from_wire(start.video)
        options = await permitted(start.options, self._engine, context)
        told = _Told(match_pb2.MatchVideoResponse, context, start.upload)
        file = await self._uploads.receive(parts, start.upload.size, _chunk)
        found = await self._scan(file, told, lambda number: self._engine.match_video(number, options, video, told.call))
        return match_pb2.MatchVideoResponse(result=wire.video_decision_to_wire(found))

    async def _hash(self, parts: AsyncIterator[Any], context: Context) -> hash_pb2.HashVideoResponse:
        start = await _first(parts)
        video = wire.video_options_from_wire(start.video)
        told = _Told(hash_pb2.HashVideoResponse, context, start.upload)
        file = await self._uploads.receive(parts, start.upload.size, _chunk)
        found = await self._scan(file, told, lambda number: self._engine.hash_video(number, video, told.call))
        return wire.hashed_video_to_wire(found)

    async def _match_frames(self, parts: AsyncIterator[Any], context: Context) -> match_pb2.MatchFramesResponse:
        start = await _first(parts)
        video = wire.video_options_from_wire(start.video)
        options = await permitted(start.options, self._engine, context)
        query = self._engine.match_frames(options, video, content_id(start.content_id))
        run = asyncio.get_running_loop().run_in_executor
        count, stopped = 0, False
        try:
            async for part in promptly(parts):
                time, picture = _frame(part, count)
                count += 1
                if not await run(self._scans, query.take, time, picture):
                    stopped = True
                    break
        finally:
            query.end()
        found = await run(self._scans, lambda: query.decision(stopped=stopped))
        return match_pb2.MatchFramesResponse(result=wire.video_decision_to_wire(found))

    async def _scan(self, file: IO[bytes], told: "_Told", verb: Callable[[int], _T]) -> _T:
        """Run a verb on an upload in the caller's turn; where the caller goes away, so does the worker."""
        try:
            await self._turns.take(connection.get())
        except BaseException:
            file.close()
            raise

        def scan() -> _T:
            with file:
                return verb(file.fileno())

        scanning = asyncio.get_running_loop().run_in_executor(self._scans, scan)
        scanning.add_done_callback(lambda _: self._turns.give())
        try:
            await told.until(scanning)
        except BaseException:
            scanning.cancel()
            told.call.stop.throw()
            raise
        return await scanning


class _Told:
    """What the caller of a scan is told while it goes on."""

    def __init__(self, response: Callable[..., Any], context: Context, upload: video_pb2.Upload) -> None:
        """Raises InvalidField."""
        self.call = VideoCall(content_id(upload.content_id), self._reach)
        self._wanted = upload.progress
        self._response = response
        self._context = context
        self._reached: ScanProgress | None = None

    async def until(self, scanning: "asyncio.Future[Any]") -> None:
        """Tell how far it has come, now and then and when it is over."""
        pause = _PROGRESS_SECONDS if self._wanted else None
        while not scanning.done():
            await asyncio.wait((scanning,), timeout=pause)
            if self._wanted and self._reached is not None:
                await self._context.write(self._response(progress=wire.progress_to_wire(self._reached)))

    def _reach(self, progress: ScanProgress) -> None:
        self._reached = progress


async def _parsed(read: Callable[[bytes], _T], messages: AsyncIterator[bytes]) -> AsyncIterator[_T]:
    async for message in promptly(messages):
        yield wire.parsed(read, message)


async def _first(parts: AsyncIterator[Any]) -> Any:
    async for part in parts:
        if part.WhichOneof("part") == "start":
            return part.start
        break
    raise errors.InvalidField("start", "the first message says what to do")


def _chunk(part: Any) -> bytes:
    if part.WhichOneof("part") != "chunk":
        raise errors.InvalidField("chunk", "all messages but the first are chunks")
    return bytes(part.chunk)


def _frame(part: Any, at: int) -> tuple[int, bytes | types.LumaPlane]:
    if part.WhichOneof("part") != "frame":
        raise errors.InvalidField("frame", "all messages but the first are frames")
    match part.frame.WhichOneof("picture"):
        case "media":
            return part.frame.time_us, part.frame.media
        case "luma":
            return part.frame.time_us, wire.luma_from_wire(part.frame.luma, f"frames[{at}].luma")
        case _:
            raise errors.InvalidField(f"frames[{at}]", "expected media or luma")
