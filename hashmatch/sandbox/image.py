"""The job of hashing one image: what is sent, and the one answer it may have."""

import json
import re
import struct
from collections.abc import Iterator
from typing import Final

from hashmatch.hashing import KINDS, FrameKind
from hashmatch.sandbox.failure import answer
from hashmatch.sandbox.job import Job
from hashmatch.sandbox.line import Line, Malformed
from hashmatch.settings import MediaLimits
from hashmatch.types import SECOND, Hash, HashedImage, Orientation, Took

_HEAD: Final = struct.Struct("<24sIIBQQ")
"""Media type, padded; width; height; flags; microseconds of decoding, and of hashing."""
_INNER, _APPROXIMATE = 1, 2
"""Flags: there are hashes of what is within a border; those of pixels are approximate. Never both."""
MEDIA_TYPE: Final = re.compile(rb"(image|video)/[a-z0-9-]{1,18}\0*")
_NO_QUALITY: Final = 255
LONGEST_REQUEST: Final = 2**16


class ImageTask:
    """Hashes one image."""

    number = 0

    def __init__(self, data: bytes, job: Job, limits: MediaLimits) -> None:
        self._data = data
        self._job = job
        self._limits = limits
        self.seconds = limits.max_decode_seconds

    def ask(self, worker: Line) -> HashedImage:
        worker.hold(json.dumps((tuple(self._job.kinds), self._job.all_views, self._job.approximate)).encode())
        worker.send(self._data)
        return unpack(answer(worker, _longest(self._job), self._limits), self._job, self._limits)


def read_request(line: Line, limits: MediaLimits) -> tuple[bytes, Job]:
    """In the worker: the image's bytes and what to compute of them."""
    job = Job(*json.loads(line.receive(LONGEST_REQUEST)))
    return line.receive(limits.max_media_bytes), job


def pack(image: HashedImage) -> bytes:
    """In the worker: the answer."""
    flags = _INNER * bool(image.inner) | _APPROXIMATE * any(value.approximate for value in image.hashes)
    took = image.took or Took(0, 0)
    head = _HEAD.pack(image.media_type.encode(), image.width, image.height, flags, took.decode, took.hash)
    hashes = (
        value.bits + bytes((_NO_QUALITY if value.quality is None else value.quality,))
        for value in (*image.hashes, *image.inner)
    )
    return head + b"".join(hashes)


def unpack(data: bytes, job: Job, limits: MediaLimits) -> HashedImage:
    """In the service: what an answer says; raises Malformed unless it is one to this job, to the byte."""
    if len(data) < _HEAD.size:
        raise Malformed("an answer without a head")
    media_type, width, height, flags, decoding, hashing = _HEAD.unpack_from(data)
    if not MEDIA_TYPE.fullmatch(media_type):
        raise Malformed("a media type that is none")
    if flags not in (0, _INNER * job.all_views, _APPROXIMATE * job.approximate):
        raise Malformed("a view or an approximation that was not asked for")
    has_inner = flags == _INNER
    if not 0 < width <= limits.max_side or not 0 < height <= limits.max_side or width * height > limits.max_pixels:
        raise Malformed("a picture beyond the limits")
    if decoding + hashing > limits.max_decode_seconds * SECOND:
        raise Malformed("more time than the job was given")
    if len(data) != _HEAD.size + _size(job, inner=False) + (_size(job, inner=True) if has_inner else 0):
        raise Malformed("another number of hashes than asked for")
    kinds = [*_kinds(job, inner=False), *(_kinds(job, inner=True) if has_inner else ())]
    values = _hashes(data, kinds, approximate=flags == _APPROXIMATE)
    count = sum(1 for _ in _kinds(job, inner=False))
    took = Took(decoding, hashing)
    return HashedImage(values[:count], media_type.rstrip(b"\0").decode(), width, height, values[count:], took)


def _kinds(job: Job, *, inner: bool) -> Iterator[str]:
    """The kind of each hash of an answer, in order."""
    for kind in job.kinds:
        if isinstance(KINDS[kind], FrameKind):
            yield from [kind] * len(Orientation)
        elif not inner:
            yield kind


def _size(job: Job, *, inner: bool) -> int:
    return sum(KINDS[kind].bits // 8 + 1 for kind in _kinds(job, inner=inner))


def _longest(job: Job) -> int:
    return _HEAD.size + _size(job, inner=False) + _size(job, inner=True)


def _hashes(data: bytes, kinds: list[str], *, approximate: bool) -> tuple[Hash, ...]:
    values, at = [], _HEAD.size
    for kind in kinds:
        end = at + KINDS[kind].bits // 8
        quality, of_pixels = data[end], isinstance(KINDS[kind], FrameKind)
        if (quality > 100) if KINDS[kind].has_quality else (quality != _NO_QUALITY):
            raise Malformed(f"{kind} of quality {quality}")
        known = quality if KINDS[kind].has_quality else None
        values.append(Hash(kind, data[at:end], known, approximate=approximate and of_pixels))
        at = end + 1
    return tuple(values)
