"""WebP: the still picture or the first frame, rewritten to stand alone (RFC 9649)."""

from collections.abc import Iterator
from typing import Final

from hashmatch.errors import CorruptMedia
from hashmatch.media.picture import Picture, check_size, integer
from hashmatch.settings import MediaLimits

_ANIMATION, _ALPHA = 0x02, 0x10
_PADDING: Final = bytes(32)
"""The decoder wants 32 bytes to recognise a file; the smallest have 26."""


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What a WebP says of its picture, or of the first of an animation, placed on the canvas.

    The picture is rewritten without metadata and later frames. Raises CorruptMedia where the file ends before the
    length it declares, or holds no picture.
    """
    end = 8 + integer(data, 4, 4, little=True)
    if end > len(data):
        raise CorruptMedia("truncated: the WebP ends before its declared length")
    canvas, animated = None, False
    chunks: dict[bytes, bytes] = {}
    for name, start, stop in _chunks(data, 12, end):
        if name == b"VP8X":
            sides = 1 + integer(data, start + 4, 3, little=True), 1 + integer(data, start + 7, 3, little=True)
            canvas = check_size(*sides, limits)
            animated = bool(integer(data, start, 1) & _ANIMATION)
        elif name == b"ANMF" and animated:
            return _first_frame(data, start, stop, canvas)
        chunks.setdefault(name, data[start:stop])
    still, width, height = _still(chunks)
    if canvas not in (None, (width, height)):
        raise CorruptMedia("the WebP's picture has another size than its canvas")
    return Picture(still, *check_size(width, height, limits), width, height)


def _first_frame(data: bytes, start: int, stop: int, canvas: tuple[int, int] | None) -> Picture:
    left, top, width, height = (integer(data, start + at, 3, little=True) for at in (0, 3, 6, 9))
    chunks: dict[bytes, bytes] = {}
    for name, first, last in _chunks(data, start + 16, stop):
        chunks.setdefault(name, data[first:last])
    still, still_width, still_height = _still(chunks)
    fits = canvas and 2 * left + still_width <= canvas[0] and 2 * top + still_height <= canvas[1]
    if not fits or (still_width, still_height) != (1 + width, 1 + height) or canvas is None:
        raise CorruptMedia("the WebP's first frame does not have the size it declares, or leaves the canvas")
    return Picture(still, *canvas, still_width, still_height, 2 * left, 2 * top)


def _still(chunks: dict[bytes, bytes]) -> tuple[bytes, int, int]:
    """A file of the one picture among the chunks, its width and its height."""
    if b"VP8L" in chunks:
        bits = integer(chunks[b"VP8L"], 1, 4, little=True)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        body = _chunk(b"VP8L", chunks[b"VP8L"])
    elif b"VP8 " in chunks:
        width = integer(chunks[b"VP8 "], 6, 2, little=True) & 0x3FFF
        height = integer(chunks[b"VP8 "], 8, 2, little=True) & 0x3FFF
        body = _chunk(b"VP8 ", chunks[b"VP8 "])
    else:
        raise CorruptMedia("the WebP holds no picture")
    if b"ALPH" in chunks and b"VP8L" not in chunks and width and height:
        canvas = bytes((_ALPHA, 0, 0, 0)) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = _chunk(b"VP8X", canvas) + _chunk(b"ALPH", chunks[b"ALPH"]) + body
    return _chunk(b"RIFF", b"WEBP" + body) + _PADDING, width, height


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def _chunks(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end (exclusive) of the body of each chunk."""
    while position + 8 <= end:
        start = position + 8
        stop = start + integer(data, position + 4, 4, little=True)
        if stop > end:
            raise CorruptMedia("truncated: the data end within a WebP chunk")
        yield data[position : position + 4], start, stop
        position = stop + stop % 2
