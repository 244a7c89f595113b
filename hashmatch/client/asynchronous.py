"""The asyncio client."""

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import grpc

from hashmatch import wire
from hashmatch.client import bank_calls, calls
from hashmatch.client.async_pipeline import AsyncPipeline
from hashmatch.client.asynchronous_banks import AsyncBankMethods
from hashmatch.client.audit import AsyncAudit
from hashmatch.client.calls import (
    DEFAULT_OPTIONS,
    DEFAULT_TARGET,
    DEFAULT_TIMEOUT,
    DEFAULT_VIDEO,
    Call,
    OnProgress,
    Sent,
    T,
)
from hashmatch.client.feedback import AsyncFeedback
from hashmatch.client.patience import Patience
from hashmatch.client.security import OPEN, Security
from hashmatch.errors import HashmatchError, InvalidField
from hashmatch.types import (
    Adding,
    Decision,
    Hash,
    HashedImage,
    HashedVideo,
    ImageDecision,
    LumaPlane,
    MatchOptions,
    Provenance,
    Status,
    VideoDecision,
    VideoOptions,
)


class AsyncClient(AsyncBankMethods):
    """`Client` for asyncio: the same calls, errors and retries, to be made within a running event loop."""

    def __init__(
        self, target: str = DEFAULT_TARGET, *, timeout: float = DEFAULT_TIMEOUT, security: Security = OPEN
    ) -> None:
        credentials = security.credentials(target)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(target, options=calls.CHANNEL_OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(target, credentials, options=calls.CHANNEL_OPTIONS)
        self._methods = {name: security.apply(method) for name, method in calls.methods(self._channel).items()}
        self._timeout = timeout
        self.audit = AsyncAudit(self._run)
        """Reads the audit log, and proves it."""
        self.feedback = AsyncFeedback(self._run)
        """As `Client.feedback`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls in flight are cancelled."""
        await self._channel.close(None)

    async def match_image(
        self, media: bytes, options: MatchOptions = DEFAULT_OPTIONS, *, content_id: str = ""
    ) -> ImageDecision:
        """As `Client.match_image`."""
        return await self._run(calls.match_image(media, options, content_id))

    async def match_many(
        self,
        items: AsyncIterable[tuple[str, bytes]] | Iterable[tuple[str, bytes]],
        options: MatchOptions = DEFAULT_OPTIONS,
        *,
        log_keys: bool = False,
    ) -> AsyncIterator[tuple[str, ImageDecision | HashmatchError]]:
        """As `Client.match_many`; `items` may be asynchronous, and is drawn from a task of its own."""
        async for outcome in AsyncPipeline(
            self._methods["MatchStream"], items, calls.stream_requests(options, log_keys)
        ).run():
            yield outcome

    async def lookup_hashes(self, hashes: Sequence[Hash], options: MatchOptions = DEFAULT_OPTIONS) -> list[Decision]:
        """As `Client.lookup_hashes`."""
        return await self._run(calls.lookup_hashes(hashes, options))

    async def hash_image(self, media: bytes, kinds: Sequence[str] = (), *, approximate: bool = False) -> HashedImage:
        """As `Client.hash_image`."""
        return await self._run(calls.hash_image(media, kinds, approximate))

    async def match_video(
        self,
        path: str | Path,
        options: MatchOptions = DEFAULT_OPTIONS,
        video: VideoOptions = DEFAULT_VIDEO,
        *,
        content_id: str = "",
        on_progress: OnProgress | None = None,
    ) -> VideoDecision:
        """As `Client.match_video`."""
        sent = Sent(path, content_id, on_progress)
        answer = await self._upload("MatchVideo", calls.video_upload(options, video, sent))
        return wire.video_decision_from_wire(answer.result)

    async def hash_video(
        self,
        path: str | Path,
        video: VideoOptions = DEFAULT_VIDEO,
        *,
        content_id: str = "",
        on_progress: OnProgress | None = None,
    ) -> HashedVideo:
        """As `Client.hash_video`."""
        upload = calls.hash_video_upload(video, Sent(path, content_id, on_progress))
        return wire.hashed_video_from_wire(await self._upload("HashVideo", upload))

    async def match_frames(
        self,
        frames: Iterable[tuple[int, bytes | LumaPlane]],
        options: MatchOptions = DEFAULT_OPTIONS,
        video: VideoOptions = DEFAULT_VIDEO,
        *,
        content_id: str = "",
    ) -> VideoDecision:
        """As `Client.match_frames`."""
        requests = calls.frames_request(frames, options, video, content_id)
        try:
            answer = await self._methods["MatchFrames"](requests)
        except grpc.RpcError as failure:
            raise calls.as_error(failure) from failure
        return wire.video_decision_from_wire(answer.result)

    async def add_video(  # noqa: PLR0913 - as of Client
        self,
        bank: str,
        path: str | Path,
        provenance: Provenance,
        video: VideoOptions = DEFAULT_VIDEO,
        *,
        expires: datetime | None = None,
        reason: str = "",
        on_progress: OnProgress | None = None,
    ) -> tuple[HashedVideo, int]:
        """As `Client.add_video`."""
        if not provenance.content_id:
            raise InvalidField("provenance.content_id", "must name the video")
        hashed = await self.hash_video(path, video, on_progress=on_progress)
        adding, revision = Adding(f"video {provenance.content_id}"[:128]), 0
        for entries in bank_calls.video_entries(hashed, provenance, expires):
            revision = (await self.load_entries(bank, entries, reason=reason, adding=adding)).revision
        return hashed, revision

    async def status(self) -> Status:
        """As `Client.status`."""
        return await self._run(calls.get_status())

    async def wait_for_revision(self, revision: int) -> tuple[int, ...]:
        """As `Client.wait_for_revision`."""
        return await self._run(calls.wait_for_revision(revision))

    async def _upload(self, method: str, upload: calls.Upload) -> Any:
        """Send an upload and read its answer; it is sent anew when the server says."""
        patience = Patience(math.inf)
        while True:
            try:
                async for answer in self._methods[method](iter(upload)):
                    if upload.is_result(answer):
                        return answer
                raise HashmatchError("the server ended the call without a result")
            except grpc.RpcError as failure:
                await asyncio.sleep(patience.pause(calls.as_error(failure)))

    async def _run(self, call: Call[T]) -> T:
        patience = Patience(self._timeout)
        while True:
            try:
                return call.read(await self._methods[call.method](call.request, timeout=patience.remaining))
            except grpc.RpcError as failure:
                await asyncio.sleep(patience.pause(calls.as_error(failure)))
