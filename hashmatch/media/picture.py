"""What a header says of the one still picture that is decoded."""

import enum
from dataclasses import dataclass

from hashmatch.errors import CorruptMedia, MediaTooLarge
from hashmatch.settings import MediaLimits


class Alpha(enum.Enum):
    """How the decoded fourth channel, where there is one, is meant."""

    STRAIGHT = enum.auto()
    PREMULTIPLIED = enum.auto()
    IGNORED = enum.auto()


class Decoder(enum.Enum):
    """Which library decodes a still picture; the table of formats is in `decode`."""

    OPENCV = enum.auto()
    JPEG = enum.auto()
    """Our own where it has the same pixels sooner, else OpenCV."""
    LIBHEIF = enum.auto()


@dataclass(frozen=True, slots=True)
class Picture:
    """A still picture and its place on the canvas that a viewer shows; all sizes in pixels."""

    still: bytes
    """A complete file of one picture: what the decoder is given."""
    width: int
    height: int
    """The canvas."""
    still_width: int
    still_height: int
    left: int = 0
    top: int = 0
    luma: bool = False
    """The decoder gives the grey channel by itself."""
    alpha: Alpha = Alpha.STRAIGHT
    depth: int = 8
    """Bits of a sample; more than 8 arrive as uint16."""
    transparent_grey: int | None = None
    """The grey sample that is fully transparent, at the depth it is decoded to."""
    reduction: int = 1
    """By how much the decoder is to reduce it on either axis, 1, 2, 4 or 8."""
    white_is_zero: bool = False
    """Decoded samples are to be inverted."""
    decoder: Decoder = Decoder.OPENCV


def least_memory(picture: Picture) -> int:
    """The least bytes that its samples take while it is decoded, as the header has it; codecs take more."""
    samples = 1 if picture.luma else 3
    decoded = picture.still_width * picture.still_height * samples * (1 if picture.depth == 8 else 2)
    placed = (picture.still_width, picture.still_height) != (picture.width, picture.height)
    converted = placed or picture.depth > 8
    return decoded + (picture.width * picture.height * samples if converted else 0)


def check_size(width: int, height: int, limits: MediaLimits) -> tuple[int, int]:
    """The size of anything that a decoder would hold pixels of, once it is known to be within the limits.

    Raises CorruptMedia where there would be no pixel, MediaTooLarge where there would be too many.
    """
    if width < 1 or height < 1:
        raise CorruptMedia(f"the header says {width} x {height} pixels")
    for limit, maximum, actual in (
        ("max_side", limits.max_side, max(width, height)),
        ("max_pixels", limits.max_pixels, width * height),
    ):
        if actual > maximum:
            raise MediaTooLarge(limit, maximum, actual)
    return width, height


def integer(data: bytes, start: int, length: int, *, little: bool = False) -> int:
    """The unsigned integer of `length` bytes at `start`; raises CorruptMedia where the data end before it does."""
    field = data[start : start + length]
    if len(field) < length:
        raise CorruptMedia("truncated: the data end within a header")
    return int.from_bytes(field, "little" if little else "big")
