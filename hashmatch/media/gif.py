"""GIF: the first picture, rewritten to stand alone (GIF89a specification)."""

import struct
from typing import Final

from hashmatch.errors import CorruptMedia
from hashmatch.media.picture import Picture, check_size, integer
from hashmatch.settings import MediaLimits

_EXTENSION, _IMAGE, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_HAS_TABLE, _INTERLACED, _TRANSPARENT = 0x80, 0x40, 0x01
_GREYS: Final = bytes(level for level in range(256) for _ in range(3))
"""What stands in where a file has no colour table."""


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What a GIF says of its first picture; the canvas grows to hold it, as viewers have it.

    The picture is rewritten as the only one of a file of its own size, with a full colour table: the decoder sees
    no later frame, and what the picture does not cover stays transparent. Raises CorruptMedia where the picture's
    data do not end within the file.
    """
    screen_width, screen_height = integer(data, 6, 2, little=True), integer(data, 8, 2, little=True)
    palette, position = _table(data, 13, integer(data, 10, 1))
    control = b""
    while integer(data, position, 1) == _EXTENSION:
        start = position + 2
        if integer(data, position + 1, 1) == _GRAPHIC_CONTROL and integer(data, start, 1) == 4:
            control = data[start + 1 : start + 5]
        position = _skip_blocks(data, start)
    if data[position] != _IMAGE:
        raise CorruptMedia("the GIF holds no picture")
    left, top, width, height = (integer(data, position + at, 2, little=True) for at in (1, 3, 5, 7))
    check_size(width, height, limits)
    canvas = check_size(max(screen_width, left + width), max(screen_height, top + height), limits)
    flags = integer(data, position + 9, 1)
    local, position = _table(data, position + 10, flags)
    pixels = data[position : _skip_blocks(data, position + 1)]
    still = _alone(local or palette or _GREYS, control, width, height, flags & _INTERLACED, pixels)
    return Picture(still, *canvas, width, height, left, top)


def _alone(palette: bytes, control: bytes, width: int, height: int, interlaced: int, pixels: bytes) -> bytes:
    parts = [b"GIF89a", struct.pack("<HHBBB", width, height, 0xF7, 0, 0), palette.ljust(768, b"\0")]
    if control and control[0] & _TRANSPARENT:
        parts.append(bytes((_EXTENSION, _GRAPHIC_CONTROL, 4, _TRANSPARENT, 0, 0, control[3], 0)))
    parts += [struct.pack("<BHHHHB", _IMAGE, 0, 0, width, height, interlaced), pixels, b";"]
    return b"".join(parts)


def _table(data: bytes, position: int, flags: int) -> tuple[bytes, int]:
    """The colour table at `position`, empty where the flags announce none, and the position after it."""
    if not flags & _HAS_TABLE:
        return b"", position
    end = position + 3 * (2 << (flags & 7))
    return data[position:end], end


def _skip_blocks(data: bytes, position: int) -> int:
    """The position after the sub-blocks that start at `position`, their terminator included."""
    while position < len(data):
        length = data[position]
        position += 1 + length
        if not length:
            return position
    raise CorruptMedia("truncated: the data end within a GIF block")
