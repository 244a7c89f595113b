"""Hashes and the pictures they are of."""

import enum
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PDQ: Final = "pdq"


PDQ_BITS: Final = 256


class Orientation(enum.StrEnum):
    """One of the 8 rotations and mirrors: what is done to the query's pixels before it is hashed.

    Rotations are counter-clockwise. `FLIP_X` swaps top and bottom, `FLIP_Y` left and right, `FLIP_PLUS_1`
    transposes along the main diagonal and `FLIP_MINUS_1` along the other: the order and meaning of
    pdqhash's `compute_dihedral`.
    """

    ORIGINAL = "ORIGINAL"
    ROTATE_90 = "ROTATE_90"
    ROTATE_180 = "ROTATE_180"
    ROTATE_270 = "ROTATE_270"
    FLIP_X = "FLIP_X"
    FLIP_Y = "FLIP_Y"
    FLIP_PLUS_1 = "FLIP_PLUS_1"
    FLIP_MINUS_1 = "FLIP_MINUS_1"


class View(enum.StrEnum):
    """What part of the query's picture is hashed."""

    WHOLE = "WHOLE"
    """All of it."""
    WITHOUT_BORDER = "WITHOUT_BORDER"
    """What is within its uniform margins, such as a border or letterbox bars."""


@dataclass(frozen=True, slots=True)
class Hash:
    """One perceptual hash: its kind, its bits as bytes in the order its hex form prints, and its quality."""

    kind: str
    bits: bytes
    quality: int | None = None
    """0 to 100 inclusive, or None where the kind has no quality or the source did not say."""
    approximate: bool = False
    """Whether it is of an image decoded at a part of its size: a few bits off, good to look up and never banked."""

    @property
    def hex(self) -> str:
        """The bits as lower-case hexadecimal digits, the form hash lists are exchanged in."""
        return self.bits.hex()

    @classmethod
    def from_hex(cls, kind: str, text: str, quality: int | None = None) -> Self:
        """Parse hexadecimal digits; raises ValueError where they are not whole bytes of hexadecimal."""
        return cls(kind, bytes.fromhex(text), quality)


@dataclass(frozen=True, slots=True, order=True)
class TimeRange:
    """From one frame of a video to another, in microseconds since the video's beginning, both inclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Decoded pixels, in stored order (no EXIF rotation), as a viewer on a white page would show them."""

    pixels: "NDArray[np.uint8]"
    """uint8: (height, width) luma, or (height, width, 3) in BGR order; rows may be padded, pixels of a row are not.

    Luma of both divided by `reduction`, rounded up, where that is not 1.
    """
    media_type: str
    """What the bytes were found to be, for example `image/jpeg`."""
    width: int
    height: int
    reduction: int = 1
    """1, or 2, 4 or 8 where the decoder was asked for a part of the picture's frequencies only."""
    limited: bool = False
    """Luma from 16 for black to 235 for white, as most videos have it, and not from 0 to 255."""


@dataclass(frozen=True, slots=True)
class Took:
    """How long an image took, in microseconds, rounded down."""

    decode: int
    hash: int
    """All but decoding: looking for a border, too."""


@dataclass(frozen=True, slots=True)
class HashedImage:
    """One image's hashes, and what it was found to be."""

    hashes: tuple[Hash, ...]
    """Those of each kind: one for each `Orientation` in its order, or one where the kind hashes the file's bytes."""
    media_type: str
    width: int
    height: int
    inner: tuple[Hash, ...] = ()
    """Those of what is within its border, of the kinds that hash pixels, where that was asked for and there is one."""
    took: Took | None = field(default=None, compare=False)
    """None where it was not decoded for this answer, or where who answered does not say."""

    @property
    def originals(self) -> tuple[Hash, ...]:
        """The first hash of each kind: of the whole image as it is stored."""
        return tuple(next(values) for _, values in groupby(self.hashes, key=lambda value: value.kind))
