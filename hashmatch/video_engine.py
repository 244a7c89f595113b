"""The verbs of videos, blocking and thread-safe."""

from collections.abc import Mapping, Sequence

import numpy as np

from hashmatch import hashing
from hashmatch.errors import InvalidField, MediaError, MediaTooLarge
from hashmatch.hashing import FrameKind
from hashmatch.index import Snapshot
from hashmatch.sandbox import Hasher, Job, Stop, VideoJob
from hashmatch.settings import MediaLimits
from hashmatch.types import (
    Frame,
    HashedFrame,
    HashedVideo,
    Incomplete,
    LumaPlane,
    MatchOptions,
    Scan,
    SeenFrame,
    VideoDecision,
    VideoInfo,
    VideoOptions,
)
from hashmatch.videos import Runs, Tracker, VideoQuery


def match_video(
    hasher: Hasher, query: VideoQuery, file: int, options: MatchOptions, video: VideoOptions, stop: Stop
) -> VideoDecision:
    """Hash a video and look it up."""
    scan = hasher.hash_video(file, VideoJob(video, options.all_views, stop=stop), query.take)
    return query.decision(scan)


def hash_video(hasher: Hasher, file: int, video: VideoOptions, stop: Stop) -> HashedVideo:
    """Hash a video."""
    runs = Runs(keep_repeats=video.keep_repeats)
    frames: list[HashedFrame] = []

    def take(seen: Sequence[SeenFrame]) -> bool:
        frames.extend(run.hashed for run in runs.add(seen))
        return True

    scan = hasher.hash_video(file, VideoJob(video, stop=stop), take)
    return HashedVideo(scan, (*frames, *(run.hashed for run in runs.end())))


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
        self, hasher: Hasher, matched: VideoQuery, options: MatchOptions, video: VideoOptions, limits: MediaLimits
    ) -> None:
        self._hasher = hasher
        self._query = matched
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
        return self._query.take([frame])

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
