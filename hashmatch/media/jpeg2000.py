"""JPEG 2000: boxes, main header and tile-parts (ITU-T T.800, annexes A and I); only the codestream is decoded.

What the boxes mean is checked here, and OpenJPEG never sees them: neither palettes nor channels in another order.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from hashmatch.errors import CorruptMedia, MediaTooLarge, UnsupportedMedia
from hashmatch.media.picture import Alpha, Picture, check_size, integer
from hashmatch.media.sniff import CODESTREAM, brands
from hashmatch.settings import MediaLimits

_SOT, _EOC = 0xFF90, b"\xff\xd9"
_FIRST_BOXES: Final = 12
"""Where the boxes begin after the signature, which is one itself."""
_SRGB, _GREY = 16, 17
_EXTENDED: Final = 0xC000
"""Bits of the capabilities: Part 2, and high throughput (Part 15)."""
_BYTES_OF_A_SAMPLE: Final = 7
"""What the decoder takes: 4 while it works, at most 2 for the result, and its tables."""
_OPAQUE: Final = {b"": Alpha.STRAIGHT}
_MEANINGS: Final = {
    1: _OPAQUE | {b"\0\1" + bytes(4) + b"\0\1": Alpha.STRAIGHT},
    3: _OPAQUE | {b"\0\3" + bytes.fromhex("0000 0000 0001 0001 0000 0002 0002 0000 0003"): Alpha.STRAIGHT},
    4: {
        b"\0\4" + bytes.fromhex(f"0000 0000 0001 0001 0000 0002 0002 0000 0003 0003 {kind:04x} 0000"): alpha
        for kind, alpha in ((1, Alpha.STRAIGHT), (2, Alpha.PREMULTIPLIED))
    },
}
"""By the number of components, what a `cdef` box may say: colours in their order, then alpha of the whole picture."""


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What a JPEG 2000 file or codestream says of its picture.

    Raises UnsupportedMedia unless `limits` allow the format, and by name where it is not plain grey, RGB or RGB with
    alpha of 8 or 16 bits; CorruptMedia where tiles or the end are missing.
    """
    if not limits.jpeg_2000:
        raise UnsupportedMedia("this is a JPEG 2000 image, which is decoded where the setting --jpeg-2000 allows it")
    if data.startswith(CODESTREAM):
        return _picture(data, b"", limits)
    if b"jp2 " not in brands(data[_FIRST_BOXES:]):
        raise UnsupportedMedia("JPEG 2000 of another part than the first is not supported")
    boxes = list(_boxes(data[_FIRST_BOXES:]))
    headers, codestreams = ([body for kind, body in boxes if kind == wanted] for wanted in (b"jp2h", b"jp2c"))
    if len(headers) != 1 or len(codestreams) != 1:
        raise CorruptMedia("the JPEG 2000 does not hold one header and one picture")
    return _picture(codestreams[0], _channels(headers[0]), limits)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each box; the last may be as long as the data."""
    at = 0
    while at < len(data):
        size, kind, start = integer(data, at, 4), data[at + 4 : at + 8], 8
        if size == 1:
            size, start = integer(data, at + 8, 8), 16
        end = at + size if size else len(data)
        if end > len(data) or end < at + start:
            raise CorruptMedia("truncated: the data end within a JPEG 2000 box")
        yield kind, data[at + start : end]
        at = end


def _channels(header: bytes) -> bytes:
    """What the header says of channels, once it is known that it says nothing else that changes the picture."""
    boxes: dict[bytes, bytes] = {}
    for kind, body in _boxes(header):
        boxes.setdefault(kind, body)
    if not boxes.keys().isdisjoint((b"pclr", b"cmap")):
        raise UnsupportedMedia("JPEG 2000 with a palette is not supported")
    colour = boxes.get(b"colr", b"")
    method = integer(colour, 0, 1)
    if method == 1 and integer(colour, 3, 4) not in (_SRGB, _GREY):
        raise UnsupportedMedia(f"JPEG 2000 of colour space {integer(colour, 3, 4)} is not supported")
    if method not in (1, 2):
        raise UnsupportedMedia(f"JPEG 2000 of colour method {method} is not supported")
    return boxes.get(b"cdef", b"")


def _picture(codestream: bytes, channels: bytes, limits: MediaLimits) -> Picture:
    if not codestream.startswith(CODESTREAM):
        raise CorruptMedia("the JPEG 2000 holds no codestream")
    if integer(codestream, 6, 2) & _EXTENDED:
        raise UnsupportedMedia("JPEG 2000 with extensions (Part 2 or 15) is not supported")
    width, height = check_size(integer(codestream, 8, 4), integer(codestream, 12, 4), limits)
    if any(integer(codestream, at, 4) for at in (16, 20, 32, 36)):
        raise UnsupportedMedia("JPEG 2000 whose picture or tiles have an offset is not supported")
    components, depth = _samples(codestream)
    alpha = _MEANINGS.get(components, {}).get(channels)
    if alpha is None:
        raise UnsupportedMedia(f"JPEG 2000 of {components} components with channels of that meaning is not supported")
    least = _BYTES_OF_A_SAMPLE * components * width * height
    if least > limits.max_decode_memory:
        raise MediaTooLarge("max_decode_memory", limits.max_decode_memory, least)
    across, down = integer(codestream, 24, 4), integer(codestream, 28, 4)
    if not across or not down:
        raise CorruptMedia("the JPEG 2000 has tiles without a pixel")
    end = _check_tiles(codestream, -(-width // across) * -(-height // down))
    return Picture(codestream[:end], width, height, width, height, alpha=alpha, depth=depth)


def _samples(codestream: bytes) -> tuple[int, int]:
    """The number of components and their depth; raises UnsupportedMedia where they differ or it is not 8 or 16."""
    components = integer(codestream, 40, 2)
    if integer(codestream, 4, 2) != 38 + 3 * components:
        raise CorruptMedia("the JPEG 2000's header has another length than it says")
    forms = {integer(codestream, 42 + 3 * component, 3) for component in range(components)}
    if forms == {0x070101}:
        return components, 8
    if forms == {0x0F0101}:
        return components, 16
    raise UnsupportedMedia("JPEG 2000 with components but of 8 or 16 bits, unsigned and of full size is not supported")


def _check_tiles(codestream: bytes, tiles: int) -> int:
    """Where the codestream ends, once all parts of all tiles are known to be there."""
    at = 2
    while (marker := integer(codestream, at, 2)) != _SOT:
        length = integer(codestream, at + 2, 2)
        if marker < 0xFF00 or length < 2:
            raise CorruptMedia("the JPEG 2000's main header is damaged")
        at += 2 + length
    parts: Counter[int] = Counter()
    declared: dict[int, int] = {}
    while integer(codestream, at, 2) == _SOT:
        tile, size = integer(codestream, at + 4, 2), integer(codestream, at + 6, 4)
        parts[tile] += 1
        declared[tile] = max(declared.get(tile, 1), integer(codestream, at + 11, 1))
        end = at + size if size else len(codestream) - len(_EOC)
        if end < at + 14 or end > len(codestream):
            raise CorruptMedia("truncated: the data end within a JPEG 2000 tile")
        at = end
    if codestream[at : at + 2] != _EOC:
        raise CorruptMedia("truncated: the JPEG 2000 has no end of image")
    if len(parts) != tiles or max(parts) >= tiles or any(parts[tile] < count for tile, count in declared.items()):
        raise CorruptMedia("truncated: the JPEG 2000 lacks tiles")
    return at + len(_EOC)
