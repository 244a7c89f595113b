"""Decoding and hashing itself: what a worker does with an image, and the unprotected way to hash."""

import time
from collections.abc import Iterable
from typing import Final

from hashmatch import hashing, media
from hashmatch.errors import MediaTooLarge
from hashmatch.sandbox.job import Job, Take, VideoJob
from hashmatch.sandbox.watching import Descriptor, watch
from hashmatch.settings import MediaLimits
from hashmatch.types import Frame, Hash, HashedImage, Incomplete, Sandbox, Scan, Took

_FEATURELESS: Final = 50
"""Where the quality of a JPEG's luma is lower, its rounding to 8 bits decides bits of the hash: up to 36 of 256."""


class InProcess:
    """Hashes in the caller's thread, without any defence against what a decoder may do."""

    sandbox = Sandbox.OFF

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits

    def hash_image(self, data: bytes, job: Job) -> HashedImage:
        started = time.perf_counter_ns()
        decoder = _Decoder(data, self._limits)
        frame = decoder.for_job(job)
        hashes = _hashes(data, frame, job)
        if frame.media_type == "image/jpeg" and _featureless(hashes):
            frame = decoder.decode(colour=True)
            hashes = _hashes(data, frame, job)
        inner = media.without_margins(frame) if job.all_views and frame.reduction == 1 else None
        return HashedImage(
            hashes=hashes,
            media_type=frame.media_type,
            width=frame.width,
            height=frame.height,
            inner=() if inner is None else tuple(v for kind in job.kinds for v in hashing.hash_frame(inner, kind)),
            took=decoder.took(time.perf_counter_ns() - started),
        )

    def hash_video(self, file: int, job: VideoJob, take: Take) -> Scan:
        try:
            footage = media.open_footage(Descriptor(file), job.options, self._limits)
            job.told(footage.info)
            count = until = 0
            for frame in watch(footage, job):
                count, until = count + 1, frame.time
                if not take([frame]):
                    return Scan(footage.info, count, until, Incomplete.STOPPED)
        except MemoryError as error:
            raise MediaTooLarge("max_decode_memory", self._limits.max_decode_memory, None) from error
        return Scan(footage.info, count, until, footage.incomplete)


class _Decoder:
    """Decodes one image, more than once where it must, and knows how long that took."""

    def __init__(self, data: bytes, limits: MediaLimits) -> None:
        self._data = data
        self._limits = limits
        self._nanoseconds = 0

    def for_job(self, job: Job) -> Frame:
        """Reduced where the job can do with it, and there is no border within which a block need not begin."""
        frame = self.decode(reduced=job.approximate and hashing.take_reduced(job.kinds))
        if frame.reduction > 1 and job.all_views and media.without_margins(frame) is not None:
            return self.decode()
        return frame

    def decode(self, *, colour: bool = False, reduced: bool = False) -> Frame:
        started = time.perf_counter_ns()
        frame = media.decode(self._data, self._limits, colour=colour, reduced=reduced)
        self._nanoseconds += time.perf_counter_ns() - started
        return frame

    def took(self, nanoseconds: int) -> Took:
        """Of so many from beginning to end."""
        return Took(decode=self._nanoseconds // 1000, hash=(nanoseconds - self._nanoseconds) // 1000)


def _hashes(data: bytes, frame: Frame, job: Job) -> tuple[Hash, ...]:
    return tuple(value for kind in job.kinds for value in hashing.hash_image(data, frame, kind))


def _featureless(hashes: Iterable[Hash]) -> bool:
    return any(value.quality is not None and value.quality < _FEATURELESS for value in hashes)
