"""One upload's work: decoding it and hashing what it shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hashmatch.sandbox.stop import Stop
from hashmatch.types import PDQ, HashedImage, Sandbox, Scan, SeenFrame, VideoInfo, VideoOptions


@dataclass(frozen=True, slots=True)
class Job:
    """What to compute of an upload."""

    kinds: Sequence[str] = (PDQ,)
    """Known kinds, each once."""
    all_views: bool = False
    """Where a picture has a border or letterbox bars, hash also what is within them."""
    approximate: bool = False
    """Where all kinds can do with it, large JPEGs may be decoded at a part of their size."""


@dataclass(frozen=True, slots=True)
class VideoJob:
    """What to compute of a video."""

    options: VideoOptions = field(default_factory=VideoOptions)
    all_views: bool = False
    """Where a frame has a border or letterbox bars, hash also what is within them."""
    told: Callable[[VideoInfo], None] = lambda _: None
    """Is given what the file was found to be, before the first frame."""
    stop: Stop = field(default_factory=Stop)
    """Thrown to give the job up."""


Take = Callable[[Sequence[SeenFrame]], bool]
"""Is given frames in their order as they come, and says whether to go on."""


class Hasher(Protocol):
    """Whoever hashes uploads; any thread may call it."""

    @property
    def sandbox(self) -> Sandbox:
        """Whether decoding is sealed off from this process and the system."""

    def hash_image(self, data: bytes, job: Job) -> HashedImage:
        """The hashes of one image; raises MediaError."""

    def hash_video(self, file: int, job: VideoJob, take: Take) -> Scan:
        """Give `take` the hashes of a video's frames, of the file behind a descriptor, until it wants no more.

        An image is a video of one frame, or of as many as it has where it is animated. Raises MediaError, and Stopped
        where the job's `stop` was thrown.
        """
