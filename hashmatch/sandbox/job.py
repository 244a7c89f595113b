"""One upload's work: decoding it and hashing what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hashmatch import hashing, media
from hashmatch.settings import MediaLimits
from hashmatch.types import PDQ, HashedImage


@dataclass(frozen=True, slots=True)
class Job:
    """What to compute of an upload."""

    kinds: Sequence[str] = (PDQ,)
    """Known kinds, each once."""
    all_views: bool = False
    """Where a picture has a border or letterbox bars, hash also what is within them."""


class Hasher(Protocol):
    """Whoever hashes uploads; any thread may call it."""

    def hash_image(self, data: bytes, job: Job) -> HashedImage:
        """The hashes of one image; raises MediaError."""


class InProcess:
    """Hashes in the caller's thread, without any defence against what a decoder may do."""

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits

    def hash_image(self, data: bytes, job: Job) -> HashedImage:
        frame = media.decode(data, self._limits)
        inner = media.without_margins(frame) if job.all_views else None
        return HashedImage(
            hashes=tuple(value for kind in job.kinds for value in hashing.hash_image(data, frame, kind)),
            media_type=frame.media_type,
            width=frame.width,
            height=frame.height,
            inner=() if inner is None else tuple(v for kind in job.kinds for v in hashing.hash_frame(inner, kind)),
        )
