"""Decoding and hashing itself: what a worker does with an image, and the unprotected way to hash."""

from hashmatch import hashing, media
from hashmatch.sandbox.job import Job
from hashmatch.settings import MediaLimits
from hashmatch.types import HashedImage, Sandbox


class InProcess:
    """Hashes in the caller's thread, without any defence against what a decoder may do."""

    sandbox = Sandbox.OFF

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
