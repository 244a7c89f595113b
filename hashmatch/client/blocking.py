"""The blocking client."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import grpc

from hashmatch import wire
from hashmatch.client import bank_calls, calls
from hashmatch.client.audit import Audit
from hashmatch.client.blocking_banks import BankMethods
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
from hashmatch.client.feedback import Feedback
from hashmatch.client.patience import Patience
from hashmatch.client.pipeline import Pipeline
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


class Client(BankMethods):
    """A connection to a server; thread-safe, to be closed or used in a `with` statement.

    Every method raises the errors of `hashmatch.errors` that the server names, Unavailable where no
    server answers after several attempts, and DeadlineExceeded after `timeout` seconds. Calls are tried
    again on UNAVAILABLE, where a server that stops had not begun them, and when an overloaded server said
    they should be; Overloaded is raised where that would be past `timeout`. Writes carry a request id, so
    that trying again never writes twice.
    Raises ConfigurationError where `security` cannot be used.
    """

    def __init__(
        self, target: str = DEFAULT_TARGET, *, timeout: float = DEFAULT_TIMEOUT, security: Security = OPEN
    ) -> None:
        credentials = security.credentials(target)
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options=calls.CHANNEL_OPTIONS)
        else:
            self._channel = grpc.secure_channel(target, credentials, options=calls.CHANNEL_OPTIONS)
        self._methods = {name: security.apply(method) for name, method in calls.methods(self._channel).items()}
        self._timeout = timeout
        self.audit = Audit(self._run)
        """Reads the audit log, and proves it."""
        self.feedback = Feedback(self._run)
        """Says what the uploads of matches were found to be, and reads that."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls in flight are cancelled."""
        self._channel.close()

    def match_image(
        self, media: bytes, options: MatchOptions = DEFAULT_OPTIONS, *, content_id: str = ""
    ) -> ImageDecision:
        """Hash one image on the server and look it up.

        A server that keeps a log of hashes keeps those of an image that has a `content_id`.
        """
        return self._run(calls.match_image(media, options, content_id))

    def match_many(
        self, items: Iterable[tuple[str, bytes]], options: MatchOptions = DEFAULT_OPTIONS, *, log_keys: bool = False
    ) -> Iterator[tuple[str, ImageDecision | HashmatchError]]:
        """Match many images, given as (key, bytes), on one stream; yields (key, outcome) in their order.

        The keys are content ids, as of `match_image`, where `log_keys`.
        An item that cannot be scanned yields its error. `items` is drawn from another thread, a bounded
        number ahead of the answers. A stream that breaks off is opened again, and what has no answer is
        sent again.
        """
        return Pipeline(self._methods["MatchStream"], items, calls.stream_requests(options, log_keys)).run()

    def lookup_hashes(self, hashes: Sequence[Hash], options: MatchOptions = DEFAULT_OPTIONS) -> list[Decision]:
        """Look up hashes as they are given; 1 to 4,096 at once."""
        return self._run(calls.lookup_hashes(hashes, options))

    def hash_image(self, media: bytes, kinds: Sequence[str] = (), *, approximate: bool = False) -> HashedImage:
        """Hash one image on the server, in its 8 orientations; by pdq where no kinds are named.

        `approximate` is as in `MatchOptions`.
        """
        return self._run(calls.hash_image(media, kinds, approximate))

    def match_video(
        self,
        path: str | Path,
        options: MatchOptions = DEFAULT_OPTIONS,
        video: VideoOptions = DEFAULT_VIDEO,
        *,
        content_id: str = "",
        on_progress: OnProgress | None = None,
    ) -> VideoDecision:
        """Match a video, animated image or still, streamed from disk; it may take minutes.

        A server that keeps a log of hashes keeps those of a video that has a `content_id`. `on_progress` is told
        about twice a second how far the server has come, once all is sent.
        """
        sent = Sent(path, content_id, on_progress)
        answer = self._upload("MatchVideo", calls.video_upload(options, video, sent))
        return wire.video_decision_from_wire(answer.result)

    def hash_video(
        self,
        path: str | Path,
        video: VideoOptions = DEFAULT_VIDEO,
        *,
        content_id: str = "",
        on_progress: OnProgress | None = None,
    ) -> HashedVideo:
        """The hashes of a video's frames, streamed from disk; it may take minutes. The rest is as of `match_video`."""
        upload = calls.hash_video_upload(video, Sent(path, content_id, on_progress))
        return wire.hashed_video_from_wire(self._upload("HashVideo", upload))

    def match_frames(
        self,
        frames: Iterable[tuple[int, bytes | LumaPlane]],
        options: MatchOptions = DEFAULT_OPTIONS,
        video: VideoOptions = DEFAULT_VIDEO,
        *,
        content_id: str = "",
    ) -> VideoDecision:
        """Match frames decoded here as one video: times in microseconds, ascending, and image files or luma.

        Luma has no colours, by which dull frames (PDQ quality below 80) of video files are hashed: such a frame's hash
        may differ by some bits from what `match_video` and the reference make of it.
        """
        requests = calls.frames_request(frames, options, video, content_id)
        try:
            answer = self._methods["MatchFrames"](requests)
        except grpc.RpcError as failure:
            raise calls.as_error(failure) from failure
        return wire.video_decision_from_wire(answer.result)

    def add_video(  # noqa: PLR0913 - one parameter for each fact about the video
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
        """Make a video known: hash its frames and add them as entries; `content_id` names it. The revision, too.

        A bank's entries of one content id are one video. Raises InvalidField where there is no content id.
        """
        if not provenance.content_id:
            raise InvalidField("provenance.content_id", "must name the video")
        hashed = self.hash_video(path, video, on_progress=on_progress)
        adding, revision = Adding(f"video {provenance.content_id}"[:128]), 0
        for entries in bank_calls.video_entries(hashed, provenance, expires):
            revision = self.load_entries(bank, entries, reason=reason, adding=adding).revision
        return hashed, revision

    def status(self) -> Status:
        """What the server says of itself."""
        return self._run(calls.get_status())

    def wait_for_revision(self, revision: int) -> tuple[int, ...]:
        """Return once every process of the server answers at a revision; the revision of each."""
        return self._run(calls.wait_for_revision(revision))

    def _upload(self, method: str, upload: calls.Upload) -> Any:
        """Send an upload and read its answer; it is sent anew when the server says."""
        patience = Patience(math.inf)
        while True:
            try:
                for answer in self._methods[method](iter(upload)):
                    if upload.is_result(answer):
                        return answer
                raise HashmatchError("the server ended the call without a result")
            except grpc.RpcError as failure:
                time.sleep(patience.pause(calls.as_error(failure)))

    def _run(self, call: Call[T]) -> T:
        patience = Patience(self._timeout)
        while True:
            try:
                return call.read(self._methods[call.method](call.request, timeout=patience.remaining))
            except grpc.RpcError as failure:
                time.sleep(patience.pause(calls.as_error(failure)))
