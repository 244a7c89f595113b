"""Hashing a video's frames as they are decoded."""

import os
from collections.abc import Iterator
from typing import Final

from hashmatch import hashing, media
from hashmatch.media import Footage, Picked
from hashmatch.sandbox.job import VideoJob
from hashmatch.types import Frame, Hash, SeenFrame

_DULL: Final = 80
"""Where the quality of a frame's luma is lower, how its colours are rounded decides bits of the hash: up to 12."""


def watch(footage: Footage, job: VideoJob) -> Iterator[SeenFrame]:
    """The hashes of the frames, one after another; raises MediaError, MemoryError and Stopped."""
    kind = job.options.kind
    for picked in footage.frames:
        job.stop.check()
        frame, hashes = _hashed(picked, kind)
        inner = media.without_margins(frame) if job.all_views else None
        within = () if inner is None else hashing.hash_frame(inner, kind)
        yield SeenFrame(picked.time, hashes, within)


def _hashed(picked: Picked, kind: str) -> tuple[Frame, tuple[Hash, ...]]:
    """A frame's hashes and what they are of: its luma, or its colours where the luma is dull."""
    hashes = hashing.hash_frame(picked.frame, kind)
    quality = hashes[0].quality if hashes else None
    if picked.colours is None or quality is None or quality >= _DULL:
        return picked.frame, hashes
    frame = picked.colours()
    return frame, hashing.hash_frame(frame, kind)


class Descriptor:
    """A file behind a descriptor, read at a position of its own, by the one system call that needs no other."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.lseek(descriptor, 0, os.SEEK_END)
        self._at = 0

    def read(self, size: int, /) -> bytes:
        data = os.pread(self._descriptor, size, self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at
