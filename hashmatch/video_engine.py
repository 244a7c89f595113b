"""The verbs of videos, blocking and thread-safe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hashmatch import hashing
from hashmatch.errors import InvalidField, MediaError, MediaTooLarge
from hashmatch.hash_log import HashLog
from hashmatch.hashing import FrameKind
from hashmatch.index import Snapshot
from hashmatch.sandbox import Hasher, Job, Stop, Take, VideoJob
from hashmatch.settings import MediaLimits
from hashmatch.types import (
    Frame,
    HashedFrame,
    HashedVideo,
    Incomplete,
    LumaPlane,
    MatchOptions,
    Scan,
    ScanProgress,
    SeenFrame,
    VideoDecision,
    VideoInfo,
    VideoOptions,
)
from hashmatch.videos import Run, Runs, Tracker, VideoQuery


@dataclass(frozen=True, slots=True)
class VideoCall:
    """Who asks for a video: what they call it, what they are told meanwhile, and how they give it up."""

    content_id: str = ""
    """Where there is a hash log, the frames of a video that has one are kept there."""
    on_progress: Callable[[ScanProgress], None] = lambda _: None
    """Called by the thread that scans, as frames come; quick to return."""
    stop: Stop = field(default_factory=Stop)


class Videos:
    """Hashes videos for callers."""

    def __init__(self, hasher: Hasher, hash_log: HashLog | None = None) -> None:
        self._hasher = hasher
        self._log = hash_log

    def match(
        self, query: VideoQuery, file: int, options: MatchOptions, video: VideoOptions, call: VideoCall
    ) -> VideoDecision:
        """Hash a video and look it up."""
        return query.decision(self._scan(file, VideoJob(video, options.all_views, stop=call.stop), call, query.take))

    def hash(self, file: int, video: VideoOptions, call: VideoCall) -> HashedVideo:
        """Hash a video."""
        runs = Runs(keep_repeats=video.keep_repeats)
        frames: list[HashedFrame] = []

        def take(seen: Sequence[SeenFrame]) -> bool:
            frames.extend(run.hashed for run in runs.add(seen))
            return True

        scan = self._scan(file, VideoJob(video, stop=call.stop), call, take)
        return HashedVideo(scan, (*frames, *(run.hashed for run in runs.end())))

    def _scan(self, file: int, job: VideoJob, call: VideoCall, take: Take) -> Scan:
        infos: list[VideoInfo] = []
        kept = Kept(self._log, call.content_id)

        def taken(frames: Sequence[SeenFrame]) -> bool:
            kept.add(frames)
            call.on_progress(ScanProgress(infos[0].duration, frames[-1].time))
            return take(frames)

        try:
            return self._hasher.hash_video(file, replace(job, told=infos.append), taken)
        finally:
            kept.end()


class Kept:
    """What of a video's frames goes into the hash log, where there is one and the video has a name."""

    def __init__(self, log: HashLog | None, content_id: str) -> None:
        self._log = log if content_id else None
        self._content_id = content_id
        self._runs = Runs()

    def add(self, frames: Sequence[SeenFrame]) -> None:
        """Take frames, later than those before them."""
        self._append(self._runs.add(frames))

    def end(self) -> None:
        """No more frames come."""
        self._append(self._runs.end())

    def _append(self, runs: Sequence[Run]) -> None:
        if self._log is not None:
            for run in runs:
                self._log.append(self._content_id, run.frame.hashes[:1], run.frame.time)


def query(snapshot: Snapshot, options: MatchOptions, video: VideoOptions, ceilings: Mapping[str, int]) -> VideoQuery:
    """A video to match; raises InvalidField for its kind, NotFound (a bank)."""
    check_kind(video, options)
    snapshot.roster.check(options.banks)
    return VideoQuery(Tracker(snapshot, options, ceilings), stop_at_block=video.stop_at_block)


def check_kind(video: VideoOptions, options: MatchOptions = MatchOptions()) -> None:  # noqa: B008 - immutable
    """Raise InvalidField unless there is one kind, and it hashes pixels."""
    hashing.check_kind(video.kind, "video.kind")
    if not isinstance(hashing.KINDS[video.kind], FrameKind):
        raise InvalidField("video.kind", f"{video.kind} does not hash pixels")
    if set(options.kinds) - {video.kind}:
        raise InvalidField("options.kinds", "a video is looked up by one kind, which is video.kind")


class FrameQuery:
    """Frames that were decoded elsewhere, matched as one video."""

    def __init__(
        self,
        hasher: Hasher,
        matched: VideoQuery,
        options: MatchOptions,
        video: VideoOptions,
        limits: MediaLimits,
        kept: Kept,
    ) -> None:
        self._hasher = hasher
        self._query = matched
        self._kept = kept
        self._job = Job((video.kind,), options.all_views)
        self._limits = limits
        self._count = self._last = 0
        self._size = (0, 0)

    def take(self, time: int, picture: bytes | LumaPlane) -> bool:
        """Look a frame up; whether more are wanted.

        What is within a border is looked for in an image file, not in a luma plane. Raises MediaError, and
        InvalidField for a time before the last one.
        """
        if self._count >= self._limits.max_video_frames:
            raise MediaTooLarge("max_video_frames", self._limits.max_video_frames, self._count + 1)
        field = f"frames[{self._count}]"
        if not self._last <= time < 2**53:
            raise InvalidField(f"{field}.time_us", f"{time} is not between {self._last} and {2**53}")
        try:
            frame = self._plane(time, picture) if isinstance(picture, LumaPlane) else self._still(time, picture)
        except MediaError as error:
            error.at(field)
            raise
        self._count, self._last = self._count + 1, time
        self._kept.add([frame])
        return self._query.take([frame])

    def end(self) -> None:
        """No more frames come; what is to be kept of them is."""
        self._kept.end()

    def decision(self, *, stopped: bool) -> VideoDecision:
        """What all frames amount to; raises InvalidField where there was none."""
        if not self._count:
            raise InvalidField("frame", "expected one frame at least")
        info = VideoInfo("video/frames", *self._size)
        return self._query.decision(Scan(info, self._count, self._last, Incomplete.STOPPED if stopped else None))

    def _plane(self, time: int, luma: LumaPlane) -> SeenFrame:
        for limit, maximum, actual in (
            ("max_side", self._limits.max_side, max(luma.width, luma.height)),
            ("max_pixels", self._limits.max_pixels, luma.width * luma.height),
        ):
            if actual > maximum:
                raise MediaTooLarge(limit, maximum, actual)
        self._size = luma.width, luma.height
        pixels = np.frombuffer(luma.samples, np.uint8).reshape(luma.height, luma.width)
        frame = Frame(pixels, "video/frames", luma.width, luma.height, limited=luma.limited_range)
        return SeenFrame(time, hashing.hash_frame(frame, self._job.kinds[0]))

    def _still(self, time: int, media: bytes) -> SeenFrame:
        image = self._hasher.hash_image(media, self._job)
        self._size = image.width, image.height
        return SeenFrame(time, image.hashes, image.inner)
