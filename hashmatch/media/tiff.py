"""TIFF: the first directory, and whether this decoder is right about what it describes (TIFF 6.0, BigTIFF)."""

import math
from typing import Final

import numpy as np

from hashmatch.errors import CorruptMedia, UnsupportedMedia
from hashmatch.media.picture import Alpha, Picture, check_size, integer
from hashmatch.settings import MediaLimits

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANES = 273, 274, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _EXTRA, _FORMAT = 322, 323, 324, 325, 338, 339
_SIZES: Final = {1: 1, 3: 2, 4: 4, 16: 8}
"""Bytes of a value of each unsigned integer type."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_DECODED: Final = frozenset(
    [(_WHITE_IS_ZERO, bits, 1) for bits in (1, 8, 16)]
    + [(_BLACK_IS_ZERO, bits, 1) for bits in (1, 8, 16)]
    + [(_RGB, bits, samples) for bits in (8, 16) for samples in (3, 4)]
    + [(_PALETTE, bits, 1) for bits in (4, 8)]
    + [(_CMYK, 8, 4), (_YCBCR, 8, 3)]
)
"""Photometric interpretation, bits a sample, samples a pixel: what was checked against other decoders."""
_COMPRESSIONS: Final = frozenset((1, 2, 3, 4, 5, 7, 8, 32773, 32946))
_ASSOCIATED, _UNASSOCIATED = 1, 2
_RAW, _SEPARATE = 1, 2


class _Directory:
    """The first directory's fields by tag: arrays of unsigned integers."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._little = data[:2] == b"II"
        self._order = "<" if self._little else ">"
        big = self._integer(2, 2) == 43
        self._word, count_size, entry = (8, 8, 20) if big else (4, 2, 12)
        start = self._integer(8 if big else 4, self._word)
        count = self._integer(start, count_size)
        start += count_size
        if start + count * entry > len(data):
            raise CorruptMedia("truncated: the data end within the TIFF directory")
        self.entries: dict[int, int] = {}
        for at in range(start, start + count * entry, entry):
            tag = self._integer(at, 2)
            if tag in self.entries:
                raise CorruptMedia(f"TIFF tag {tag} is there twice")
            self.entries[tag] = at

    def _integer(self, start: int, length: int) -> int:
        return integer(self._data, start, length, little=self._little)

    def place(self, tag: int) -> tuple[int, int]:
        """Where the values of a tag start, and the bytes of one value."""
        at = self.entries[tag]
        size, count = _SIZES.get(self._integer(at + 2, 2), 0), self._integer(at + 4, self._word)
        if not size or not count:
            raise CorruptMedia(f"TIFF tag {tag} holds no unsigned integers")
        start = at + 4 + self._word
        if size * count > self._word:
            start = self._integer(start, self._word)
        if start + size * count > len(self._data):
            raise CorruptMedia(f"truncated: the data end within TIFF tag {tag}")
        return start, size

    def values(self, tag: int, default: int | None = None) -> list[int]:
        """The values of a tag; without a default, raises CorruptMedia where it is missing."""
        if tag not in self.entries:
            if default is None:
                raise CorruptMedia(f"TIFF tag {tag} is missing")
            return [default]
        start, size = self.place(tag)
        count = self._integer(self.entries[tag] + 4, self._word)
        found = np.frombuffer(self._data, f"{self._order}u{size}", count, start)
        return [int(value) for value in found]

    def value(self, tag: int, default: int | None = None) -> int:
        """The first value of a tag."""
        return self.values(tag, default)[0]


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What the first directory of a TIFF says.

    Raises UnsupportedMedia for variants that the decoder gets wrong or lacks, CorruptMedia where pixel data lie
    outside the file. The orientation tag is reset, for the decoder obeys it and pixels stay in stored order.
    """
    directory = _Directory(data)
    width, height = check_size(directory.value(_WIDTH), directory.value(_HEIGHT), limits)
    photometric, samples = directory.value(_PHOTOMETRIC), directory.value(_SAMPLES, 1)
    bits = set(directory.values(_BITS, 1))
    depth = min(bits)
    if len(bits) > 1 or (photometric, depth, samples) not in _DECODED:
        raise UnsupportedMedia(
            f"TIFF of {samples} samples of {depth} bits, interpretation {photometric}, is not supported"
        )
    if set(directory.values(_FORMAT, 1)) != {1}:
        raise UnsupportedMedia("TIFF of signed or floating point samples is not supported")
    compression, planes = directory.value(_COMPRESSION, _RAW), directory.value(_PLANES, 1)
    if compression not in _COMPRESSIONS:
        raise UnsupportedMedia(f"TIFF compression {compression} is not supported")
    if depth > 8 and planes == _SEPARATE:
        raise UnsupportedMedia("TIFF of 16 bits in separate planes is not supported")
    _check_pieces(directory, data, (width, height), limits)
    return Picture(
        _in_stored_order(data, directory),
        width,
        height,
        width,
        height,
        alpha=_alpha(directory, photometric, samples, depth),
        depth=max(8, depth),
        white_is_zero=depth > 8 and photometric == _WHITE_IS_ZERO,
    )


def _alpha(directory: _Directory, photometric: int, samples: int, depth: int) -> Alpha:
    """What the decoder hands out: it multiplies 8-bit samples by alpha itself where the file says that none was."""
    if photometric != _RGB or samples < 4:
        return Alpha.STRAIGHT if photometric != _CMYK else Alpha.IGNORED
    if _EXTRA not in directory.entries:
        return Alpha.STRAIGHT
    extra = directory.value(_EXTRA)
    if extra not in (_ASSOCIATED, _UNASSOCIATED):
        return Alpha.IGNORED
    return Alpha.STRAIGHT if depth > 8 and extra == _UNASSOCIATED else Alpha.PREMULTIPLIED


def _in_stored_order(data: bytes, directory: _Directory) -> bytes:
    """The file with its orientation, where it has one, set to 1."""
    if directory.value(_ORIENTATION, 1) == 1:
        return data
    start, size = directory.place(_ORIENTATION)
    return data[:start] + (1).to_bytes(size, "little" if data[:2] == b"II" else "big") + data[start + size :]


def _check_pieces(directory: _Directory, data: bytes, size: tuple[int, int], limits: MediaLimits) -> None:
    """Raise CorruptMedia unless all strips or tiles are in the file, and whole where they are not compressed."""
    width, height = size
    tiled = _TILES in directory.entries
    if tiled:
        piece = check_size(directory.value(_TILE_WIDTH), directory.value(_TILE_HEIGHT), limits)
        offsets, sizes = directory.values(_TILES), directory.values(_TILE_BYTES)
    else:
        piece = check_size(width, min(directory.value(_ROWS_PER_STRIP, height), height), limits)
        offsets, sizes = directory.values(_STRIPS), directory.values(_STRIP_BYTES)
    samples, planes = directory.value(_SAMPLES, 1), directory.value(_PLANES, 1)
    pieces = math.ceil(width / piece[0]) * math.ceil(height / piece[1])
    if len(offsets) != len(sizes) or len(offsets) < pieces * (samples if planes == _SEPARATE else 1):
        raise CorruptMedia("the TIFF has fewer pieces than its size asks for")
    if any(start + length > len(data) or not length for start, length in zip(offsets, sizes, strict=True)):
        raise CorruptMedia("truncated: the TIFF's pixel data lie outside the file")
    rows = piece[1] * pieces if tiled else height
    raw_bits = samples * directory.value(_BITS, 1)
    if directory.value(_COMPRESSION, 1) == _RAW and sum(sizes) < rows * math.ceil(piece[0] * raw_bits / 8):
        raise CorruptMedia("truncated: the TIFF has less pixel data than its size asks for")
