"""MatchService and HashService: media and hashes in, matches and verdicts out."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import grpc

from hashmatch import errors, wire
from hashmatch.engine import Engine
from hashmatch.server.admission import Caller
from hashmatch.server.errors import item_error, status_code
from hashmatch.server.metrics import Metrics
from hashmatch.server.options import content_id, permitted
from hashmatch.server.video import Videos
from hashmatch.server.work import Work
from hashmatch.types import MatchOptions
from hashmatch.v1 import hash_pb2, hash_pb2_grpc, match_pb2, match_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

_MOST_HASHES = 4096
_LONGEST_KEY = 256


class MatchService(match_pb2_grpc.MatchServiceServicer):
    """Looks media and hashes up. `draining` is set once the server stops taking work."""

    def __init__(self, engine: Engine, work: Work, videos: Videos, metrics: Metrics, draining: asyncio.Event) -> None:
        self._engine = engine
        self._videos = videos
        self._work = work
        self._metrics = metrics
        self._draining = draining
        self._window = 4 * work.media_threads

    async def MatchImage(self, request: match_pb2.MatchImageRequest, context: Context) -> match_pb2.MatchImageResponse:
        return await self._match(request, context, Caller.of(context))

    async def LookupHashes(
        self, request: match_pb2.LookupHashesRequest, context: Context
    ) -> match_pb2.LookupHashesResponse:
        if not 1 <= len(request.hashes) <= _MOST_HASHES:
            raise errors.InvalidField("hashes", f"expected 1 to {_MOST_HASHES}, got {len(request.hashes)}")
        options = await permitted(request.options, self._engine, context)
        return await self._work.media(Caller.of(context), self._look_up, request, options)

    async def MatchStream(  # type: ignore[override]  # a coroutine that writes, which the stubs do not know
        self, request_iterator: AsyncIterator[bytes], context: Context
    ) -> None:
        """Reads ahead by a bounded window while earlier items are at work, and answers in order.

        Nothing is refused for want of room: what the client may not hold yet is not read, and waits with the client.
        """
        with self._work.admission.hold(Caller.of(context), receiving=False) as held:
            answers: asyncio.Queue[asyncio.Task[match_pb2.MatchStreamResponse] | None] = asyncio.Queue(self._window)
            async with asyncio.TaskGroup() as group:

                async def read() -> None:
                    await self._work.admission.until_room(held)
                    async for message in request_iterator:
                        size = len(message)
                        self._work.admission.add(held, size)
                        answering = group.create_task(self._answer(message, context, held.caller))
                        answering.add_done_callback(lambda _, size=size: self._work.admission.add(held, -size))  # type: ignore[misc]  # binds this turn's
                        await answers.put(answering)
                        await self._work.admission.until_room(held)

                group.create_task(self._read_until_drained(read(), answers))
                while (answer := await answers.get()) is not None:
                    await context.write(await answer)
        if self._draining.is_set():
            raise errors.Unavailable("the server is stopping; send what has no answer again")

    async def MatchVideo(  # type: ignore[override]  # a coroutine that writes, which the stubs do not know
        self, request_iterator: AsyncIterator[bytes], context: Context
    ) -> None:
        await self._videos.match(request_iterator, context)

    async def MatchFrames(
        self, request_iterator: AsyncIterator[match_pb2.MatchFramesRequest], context: Context
    ) -> match_pb2.MatchFramesResponse:
        return await self._videos.match_frames(request_iterator, context)

    async def _read_until_drained(self, read: Coroutine[Any, Any, None], answers: "asyncio.Queue[Any]") -> None:
        reading = asyncio.create_task(read)
        draining = asyncio.create_task(self._draining.wait())
        try:
            await asyncio.wait((reading, draining), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
        finally:
            reading.cancel()
            draining.cancel()
        await answers.put(None)

    def _look_up(self, request: match_pb2.LookupHashesRequest, options: MatchOptions) -> match_pb2.LookupHashesResponse:
        """From message to message, as thousands of hashes take too long for the event loop; in a media thread."""
        hashes = [wire.hash_from_wire(message) for message in request.hashes]
        decisions = self._engine.lookup_hashes(hashes, options)
        return match_pb2.LookupHashesResponse(results=map(wire.decision_to_wire, decisions))

    async def _match(
        self, request: match_pb2.MatchImageRequest, context: Context, caller: Caller
    ) -> match_pb2.MatchImageResponse:
        options = await permitted(request.options, self._engine, context)
        name = content_id(request.content_id)
        match = self._engine.match_image
        # request.media makes a copy of the bytes: not before their turn comes
        decision = await self._work.media(caller, lambda: match(request.media, options, name))
        return wire.image_decision_to_wire(decision)

    async def _answer(self, message: bytes, context: Context, caller: Caller) -> match_pb2.MatchStreamResponse:
        key = ""
        try:
            request = wire.parsed(match_pb2.MatchStreamRequest.FromString, message)
            del message
            key = request.key
            if len(key) > _LONGEST_KEY:
                key = ""
                raise errors.InvalidField("key", f"expected at most {_LONGEST_KEY} characters")
            image = await self._match(request.image, context, caller)
            self._metrics.item_ended(grpc.StatusCode.OK)
            return match_pb2.MatchStreamResponse(key=key, image=image)
        except errors.HashmatchError as error:
            self._metrics.item_ended(status_code(error), error)
            return match_pb2.MatchStreamResponse(key=key, error=item_error(error))


class HashService(hash_pb2_grpc.HashServiceServicer):
    """Hashes media without looking them up."""

    def __init__(self, engine: Engine, work: Work, videos: Videos) -> None:
        self._engine = engine
        self._work = work
        self._videos = videos

    async def HashImage(self, request: hash_pb2.HashImageRequest, context: Context) -> hash_pb2.HashImageResponse:
        kinds = tuple(request.kinds)
        image = await self._work.media(
            Caller.of(context),
            lambda: self._engine.hash_image(request.media, kinds, approximate=request.approximate),
        )
        return wire.hashed_image_to_wire(image)

    async def HashVideo(  # type: ignore[override]  # as MatchVideo
        self, request_iterator: AsyncIterator[bytes], context: Context
    ) -> None:
        await self._videos.hash(request_iterator, context)
