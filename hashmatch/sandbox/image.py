"""The job of hashing one image: what is sent, and the one answer it may have."""

import json
import re
import struct
from functools import lru_cache
from typing import Any, Final, NamedTuple

from hashmatch.hashing import KINDS, FrameKind
from hashmatch.sandbox.failure import answer
from hashmatch.sandbox.job import Job
from hashmatch.sandbox.line import Line, Malformed
from hashmatch.settings import MediaLimits
from hashmatch.types import SECOND, Hash, HashedImage, Orientation, Took
from hashmatch.types.quick import quick

_HEAD: Final = struct.Struct("<24sIIBQQ")
"""Media type, padded; width; height; flags; microseconds of decoding, and of hashing."""
_INNER, _APPROXIMATE = 1, 2
"""Flags: there are hashes of what is within a border; those of pixels are approximate. Never both."""
MEDIA_TYPE: Final = re.compile(rb"(image|video)/[a-z0-9-]{1,18}\0*")
_NO_QUALITY: Final = 255
_LENGTH: Final = struct.Struct("<BQ")
"""How a request begins: the task's number, and the bytes of media in the tray."""
_hash = quick(Hash)


class ImageTask:
    """Hashes one image."""

    number = 0

    def __init__(self, data: bytes, job: Job, limits: MediaLimits) -> None:
        self._data = data
        self._job = job
        self._limits = limits
        self.seconds = limits.max_decode_seconds

    def ask(self, worker: Line) -> HashedImage:
        kinds = tuple(self._job.kinds)
        worker.tray.lay(self._data)
        wanted = _wanted(kinds, self._job.all_views, self._job.approximate)
        worker.send(_LENGTH.pack(self.number, len(self._data)) + wanted)
        return unpack(answer(worker, _longest(kinds), self._limits), self._job, self._limits)


@lru_cache
def _wanted(kinds: tuple[str, ...], all_views: bool, approximate: bool) -> bytes:
    return json.dumps((kinds, all_views, approximate)).encode()


def read_request(line: Line, request: bytes) -> tuple[bytes, Job]:
    """In the worker: the media and what to compute of them."""
    _, length = _LENGTH.unpack_from(request)
    return line.tray.take(length), _job(request[_LENGTH.size :])


@lru_cache
def _job(wanted: bytes) -> Job:
    return Job(*json.loads(wanted))


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
    form = _form(tuple(job.kinds), has_inner=has_inner)
    if len(data) != _HEAD.size + form.packed.size:
        raise Malformed("another number of hashes than asked for")
    values = _hashes(form.packed.unpack_from(data, _HEAD.size), form.places, approximate=flags == _APPROXIMATE)
    took = Took(decoding, hashing)
    media_type = media_type.rstrip(b"\0").decode()
    return HashedImage(values[: form.whole], media_type, width, height, values[form.whole :], took)


class _Place(NamedTuple):
    """What is known of one hash of an answer, which its quality follows."""

    kind: str
    width: int
    """Bytes of the hash."""
    has_quality: bool
    of_pixels: bool


class _Form(NamedTuple):
    """The hashes of an answer."""

    places: tuple[_Place, ...]
    """Those of the whole image first, then those of what is within its border."""
    whole: int
    """How many are of the whole image."""
    packed: struct.Struct
    """Of each the bits and the quality."""


def _places(kinds: tuple[str, ...], *, inner: bool) -> tuple[_Place, ...]:
    places: list[_Place] = []
    for kind in map(KINDS.__getitem__, kinds):
        of_pixels = isinstance(kind, FrameKind)
        count = len(Orientation) if of_pixels else int(not inner)
        places += [_Place(kind.name, kind.bits // 8, kind.has_quality, of_pixels)] * count
    return tuple(places)


@lru_cache
def _form(kinds: tuple[str, ...], *, has_inner: bool) -> _Form:
    whole = _places(kinds, inner=False)
    places = whole + _places(kinds, inner=True) if has_inner else whole
    return _Form(places, len(whole), struct.Struct("<" + "".join(f"{place.width}sB" for place in places)))


def _longest(kinds: tuple[str, ...]) -> int:
    return _HEAD.size + _form(kinds, has_inner=True).packed.size


def _hashes(values: tuple[Any, ...], places: tuple[_Place, ...], *, approximate: bool) -> tuple[Hash, ...]:
    hashes = []
    for (kind, _, has_quality, of_pixels), bits, quality in zip(places, values[::2], values[1::2], strict=True):
        if (quality > 100) if has_quality else (quality != _NO_QUALITY):
            raise Malformed(f"{kind} of quality {quality}")
        hashes.append(_hash(kind, bits, quality if has_quality else None, approximate and of_pixels))
    return tuple(hashes)
