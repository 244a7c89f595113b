"""PNG: the chunks that make the still picture, and nothing else (W3C PNG, third edition)."""

from collections.abc import Iterator
from typing import Final

from hashmatch.errors import CorruptMedia
from hashmatch.media.picture import Picture, check_size, integer
from hashmatch.settings import MediaLimits

_KEPT: Final = frozenset((b"PLTE", b"tRNS", b"IDAT"))
_GREY: Final = 0


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What the header of a PNG says.

    Metadata, colour profiles and animation frames are cut out: they change no stored sample, and each is a door
    into the decoder. Raises CorruptMedia where no image data or no IEND is found.
    """
    if data[12:16] != b"IHDR" or integer(data, 8, 4) != 13:
        raise CorruptMedia("the PNG does not start with its header")
    width, height = check_size(integer(data, 16, 4), integer(data, 20, 4), limits)
    kept, transparency, pixels = [data[:33]], b"", False
    for kind, start, end in _chunks(data, 33):
        if kind == b"IEND":
            kept.append(data[start:end])
            break
        if kind in _KEPT:
            kept.append(data[start:end])
        if kind == b"tRNS":
            transparency = data[start + 8 : end - 4]
        pixels |= kind == b"IDAT"
    else:
        raise CorruptMedia("truncated: the PNG has no end")
    if not pixels:
        raise CorruptMedia("the PNG holds no image data")
    depth, key = integer(data, 24, 1), None
    if integer(data, 25, 1) == _GREY and len(transparency) == 2:
        levels = (1 << depth) - 1
        key = (integer(transparency, 0, 2) & levels) * (255 if depth < 8 else levels) // levels
    return Picture(b"".join(kept), width, height, width, height, depth=max(depth, 8), transparent_grey=key)


def _chunks(data: bytes, position: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end (exclusive, checksum included) of each whole chunk."""
    while position + 12 <= len(data):
        end = position + 12 + integer(data, position, 4)
        if end > len(data):
            return
        yield data[position + 4 : position + 8], position, end
        position = end
