"""What both clients share: channel options, each call's request and answer, and statuses to our errors."""

import json
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from hashmatch import errors, types, wire
from hashmatch.client.patience import NOT_BEGUN
from hashmatch.v1 import (
    audit_pb2_grpc,
    bank_pb2_grpc,
    feedback_pb2_grpc,
    hash_pb2,
    hash_pb2_grpc,
    match_pb2,
    match_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
)

T = TypeVar("T")

DEFAULT_TARGET: Final = "127.0.0.1:50051"
DEFAULT_TIMEOUT: Final = 10.0
DEFAULT_OPTIONS: Final = types.MatchOptions()
CHUNK: Final = 256 * 2**10
"""Bytes of one message of an upload."""
DEFAULT_VIDEO: Final = types.VideoOptions()
STREAM_WINDOW: Final = 32
"""Items sent on a stream and not yet answered."""
STREAM_ATTEMPTS: Final = 8
"""How often in a row a stream may break before `match_many` gives up."""

_MATCHING: Final = match_pb2.DESCRIPTOR.services_by_name["MatchService"]
_MEDIA: Final = (match_pb2.MatchImageRequest.MEDIA_FIELD_NUMBER,)
_STREAMED_MEDIA: Final = (match_pb2.MatchStreamRequest.IMAGE_FIELD_NUMBER, *_MEDIA)
_RETRY = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
CHANNEL_OPTIONS: Final = (
    ("grpc.service_config", json.dumps(_RETRY)),
    ("grpc.per_rpc_retry_buffer_size", 64 * 2**20),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
)


def stream_pause(failure: Any, attempt: int) -> float:
    """Seconds to wait before a stream that broke is opened again, for the `attempt`th time in a row, from 1.

    Raises the failure as our error where it must not be.
    """
    error = as_error(failure)
    if not isinstance(error, errors.Unavailable | errors.Overloaded) or attempt >= STREAM_ATTEMPTS:
        raise error from failure
    return error.retry_seconds if isinstance(error, errors.Overloaded) else min(0.1 * 2.0 ** (attempt - 1), 2.0)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call, ready to be made: the method, its request, and how to read its answer."""

    method: str
    request: Any
    read: Callable[[Any], T]


class Run(Protocol):
    """How the blocking client makes a call."""

    def __call__(self, call: Call[T], /) -> T: ...


class AsyncRun(Protocol):
    """How the asyncio client does."""

    def __call__(self, call: Call[T], /) -> Awaitable[T]: ...


OnProgress = Callable[[types.ScanProgress], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """A video that is sent."""

    path: str | Path
    content_id: str = ""
    on_progress: OnProgress | None = None


def methods(channel: Any) -> dict[str, Any]:
    """Every method of the contract by name, bound to a channel of either sort.

    Requests are messages, and bytes of messages for the methods of images, which most of the time goes into.
    """
    stubs = (
        match_pb2_grpc.MatchServiceStub(channel),
        hash_pb2_grpc.HashServiceStub(channel),
        bank_pb2_grpc.BankServiceStub(channel),
        feedback_pb2_grpc.FeedbackServiceStub(channel),
        audit_pb2_grpc.AuditServiceStub(channel),
        status_pb2_grpc.StatusServiceStub(channel),
    )
    made = {name: method for stub in stubs for name, method in vars(stub).items()}
    service = f"/{_MATCHING.full_name}"
    made["MatchImage"] = channel.unary_unary(
        f"{service}/MatchImage", response_deserializer=match_pb2.MatchImageResponse.FromString
    )
    made["MatchStream"] = channel.stream_stream(
        f"{service}/MatchStream", response_deserializer=match_pb2.MatchStreamResponse.FromString
    )
    return made


def match_image(media: bytes, options: types.MatchOptions, content_id: str = "") -> Call[types.ImageDecision]:
    request = match_pb2.MatchImageRequest(options=wire.options_to_wire(options), content_id=content_id)
    return Call("MatchImage", wire.with_bytes(request, _MEDIA, media), wire.image_decision_from_wire)


def lookup_hashes(hashes: Iterable[types.Hash], options: types.MatchOptions) -> Call[list[types.Decision]]:
    return Call(
        "LookupHashes",
        match_pb2.LookupHashesRequest(hashes=map(wire.hash_to_wire, hashes), options=wire.options_to_wire(options)),
        lambda answer: [wire.decision_from_wire(result) for result in answer.results],
    )


def hash_image(media: bytes, kinds: Iterable[str], approximate: bool) -> Call[types.HashedImage]:
    request = hash_pb2.HashImageRequest(media=media, kinds=kinds, approximate=approximate)
    return Call("HashImage", request, wire.hashed_image_from_wire)


def get_status() -> Call[types.Status]:
    return Call("GetStatus", status_pb2.GetStatusRequest(), wire.status_from_wire)


def wait_for_revision(revision: int) -> Call[tuple[int, ...]]:
    request = status_pb2.WaitForRevisionRequest(revision=revision)
    return Call("WaitForRevision", request, lambda answer: tuple(answer.process_revisions))


def stream_requests(options: types.MatchOptions, log_keys: bool) -> Callable[[str, bytes], bytes]:
    """What makes a message of an item's key and media; the key is also its content id where `log_keys`."""
    image = match_pb2.MatchImageRequest(options=wire.options_to_wire(options))

    def request(key: str, media: bytes) -> bytes:
        message = match_pb2.MatchStreamRequest(key=key, image=image)
        if log_keys:
            message.image.content_id = key
        return wire.with_bytes(message, _STREAMED_MEDIA, media)

    return request


def stream_answer(answer: match_pb2.MatchStreamResponse) -> types.ImageDecision | errors.HashmatchError:
    """What became of one item of `match_many`."""
    if answer.HasField("error"):
        return errors.received(answer.error.reason, answer.error.message, dict(answer.error.details))
    return wire.image_decision_from_wire(answer.image)


_BROKEN: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)
"""What gRPC itself says of a connection that broke, the latter where something was being sent."""


def as_error(failure: Any) -> errors.HashmatchError:
    """Our error for a failed call: by ErrorInfo's reason, or by the code where gRPC itself refused."""
    status = rpc_status.from_call(failure)
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return errors.received(info.reason, status.message, dict(info.metadata))
    code, details = failure.code(), failure.details() or ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return errors.DeadlineExceeded("no answer in time")
    if code is grpc.StatusCode.CANCELLED:
        return errors.Unavailable("the server stopped before it began the call", **NOT_BEGUN)
    known = errors.Unavailable if code in _BROKEN else errors.HashmatchError
    return known(f"{code.name}: {details}")


def video_upload(options: types.MatchOptions, video: types.VideoOptions, sent: Sent) -> "Upload":
    """What `match_video` sends."""
    start = match_pb2.MatchVideoStart(options=wire.options_to_wire(options), video=wire.video_options_to_wire(video))
    return Upload(sent, start, match_pb2.MatchVideoRequest)


def hash_video_upload(video: types.VideoOptions, sent: Sent) -> "Upload":
    """What `hash_video` sends."""
    return Upload(sent, hash_pb2.HashVideoStart(video=wire.video_options_to_wire(video)), hash_pb2.HashVideoRequest)


class Upload:
    """The messages of an upload, read from disk as they are sent, and anew for every attempt."""

    def __init__(self, sent: Sent, start: Any, message: Any) -> None:
        self._path = Path(sent.path)
        self._on_progress = sent.on_progress
        self._start = start
        self._start.upload.content_id = sent.content_id
        self._start.upload.progress = sent.on_progress is not None
        self._message = message

    def is_result(self, answer: Any) -> bool:
        """Whether an answer is the last; one that says how far the server has come is passed on."""
        if not answer.HasField("progress"):
            return True
        if self._on_progress is not None:
            self._on_progress(wire.progress_from_wire(answer.progress))
        return False

    def __iter__(self) -> Iterator[Any]:
        with self._path.open("rb") as file:
            self._start.upload.size = os.fstat(file.fileno()).st_size
            yield self._message(start=self._start)
            while chunk := file.read(CHUNK):
                yield self._message(chunk=chunk)


def frames_request(
    frames: Iterable[tuple[int, bytes | types.LumaPlane]],
    options: types.MatchOptions,
    video: types.VideoOptions,
    content_id: str,
) -> Iterator[match_pb2.MatchFramesRequest]:
    """What `match_frames` sends."""
    start = match_pb2.MatchFramesStart(
        options=wire.options_to_wire(options), video=wire.video_options_to_wire(video), content_id=content_id
    )
    yield match_pb2.MatchFramesRequest(start=start)
    for time, picture in frames:
        if isinstance(picture, types.LumaPlane):
            frame = match_pb2.TimedFrame(time_us=time, luma=wire.luma_to_wire(picture))
        else:
            frame = match_pb2.TimedFrame(time_us=time, media=picture)
        yield match_pb2.MatchFramesRequest(frame=frame)
