"""BMP: its header, and whether all its rows are there (Windows and OS/2 1.x bitmaps)."""

from typing import Final

from hashmatch.errors import CorruptMedia, UnsupportedMedia
from hashmatch.media.picture import Alpha, Picture, check_size, integer
from hashmatch.settings import MediaLimits

_RGB, _RLE8, _RLE4, _BITFIELDS = 0, 1, 2, 3
_DECODED: Final = {_RGB: (1, 4, 8, 16, 24, 32), _RLE8: (8,), _RLE4: (4,), _BITFIELDS: (16, 32)}
_BGR: Final = (0xFF0000, 0xFF00, 0xFF)
_ALPHA: Final = 0xFF000000


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What the header of a BMP says; raises CorruptMedia where rows are missing."""
    offset, size = integer(data, 10, 4, little=True), integer(data, 14, 4, little=True)
    if size == 12:
        width, height = integer(data, 18, 2, little=True), integer(data, 20, 2, little=True)
        bits, compression = integer(data, 24, 2, little=True), _RGB
    else:
        width, height = _signed(data, 18), abs(_signed(data, 22))
        bits, compression = integer(data, 28, 2, little=True), integer(data, 30, 4, little=True)
    check_size(width, height, limits)
    if bits not in _DECODED.get(compression, ()):
        raise UnsupportedMedia(f"BMP of {bits} bits with compression {compression} is not supported")
    if compression in (_RGB, _BITFIELDS) and offset + (width * bits + 31) // 32 * 4 * height > len(data):
        raise CorruptMedia("truncated: the BMP ends before its last row")
    alpha = Alpha.IGNORED
    if compression == _BITFIELDS and bits == 32:
        masks = tuple(integer(data, at, 4, little=True) for at in (54, 58, 62))
        if masks != _BGR:
            raise UnsupportedMedia("BMP of 32 bits in another order than blue, green, red is not supported")
        if size >= 56 and integer(data, 66, 4, little=True) == _ALPHA:
            alpha = Alpha.STRAIGHT
    return Picture(data, width, height, width, height, alpha=alpha)


def _signed(data: bytes, start: int) -> int:
    value = integer(data, start, 4, little=True)
    return value - (value >> 31 << 32)
