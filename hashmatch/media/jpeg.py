"""JPEG: a walk over the markers (ITU-T T.81, annex B), and the core's decoder of plain files."""

import re
import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashmatch import _core
from hashmatch.errors import CorruptMedia, UnsupportedMedia
from hashmatch.media.picture import Decoder, Picture, check_size, integer
from hashmatch.settings import MediaLimits

_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
"""Any marker but those without a segment that may stand within a scan; stuffed and fill bytes are none."""
_SOI, _EOI, _SOS, _LS = 0xD8, 0xD9, 0xDA, 0xF7
_DECODED: Final = {0xC0: "baseline", 0xC1: "extended sequential", 0xC2: "progressive"}
_FRAME: Final = struct.Struct(">xxBHHB")
"""The beginning of a frame header: length; precision; height; width; components."""
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
REDUCTIONS: Final = ((2560, 8), (1280, 4), (768, 2))
"""From which shorter side on a reduction leaves PDQ at most 6 bits off: `benchmarks/reduction.py` measures it."""
_MOST_SCANS: Final = 64
"""Every scan of a progressive file costs a pass over all blocks; real ones have about ten."""


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What a JPEG says before its first scan; what follows is for `decode_plain` or `check_scans` to see."""
    for marker, position in _segments(data):
        if marker in _FRAMES:
            width, height = check_size(*_frame_size(data, position, marker), limits)
            return Picture(data, width, height, width, height, luma=True, decoder=Decoder.JPEG)
        if marker == _LS:
            raise UnsupportedMedia("JPEG-LS is not supported")
        if marker == _SOS:
            break
    raise CorruptMedia("the JPEG holds no image")


def most_reduction(picture: Picture) -> int:
    """By how much the decoder may reduce what `read` returned: 1, 2, 4 or 8, by the size.

    1 where luma is not what it reduces by itself: of four components, or sampled less than another.
    """
    data = picture.still
    position = next(position for marker, position in _segments(data) if marker in _FRAMES)
    components = integer(data, position + 7, 1)
    sampling = [integer(data, position + 9 + 3 * component, 1) for component in range(components)]
    across, down = ([factor >> 4 for factor in sampling], [factor & 15 for factor in sampling])
    if components == 4 or across[0] < max(across) or down[0] < max(down):
        return 1
    side = min(picture.width, picture.height)
    return next((reduction for least, reduction in REDUCTIONS if side >= least), 1)


def decode_plain(picture: Picture) -> tuple[NDArray[np.uint8], int] | None:
    """The luma of a baseline JPEG, and by how much it is reduced: by 8 or not at all, as whole it is there soon enough.

    The bytes are libjpeg's. None where the file is anything but plain and whole, or the core is no faster here.
    """
    reduction = 8 if picture.reduction == 8 else 1
    height, width = picture.still_height, picture.still_width
    luma = _core.jpeg_luma(picture.still, height, width, reduced=reduction == 8)
    return None if luma is None else (luma, reduction)


def check_scans(data: bytes) -> None:
    """Whatever follows the end of the first image is left to the decoder to ignore.

    Raises CorruptMedia where the end of the image is missing, so that no row is ever made up, or a part is there again.
    """
    frames = scans = 0
    for marker, _ in _segments(data):
        frames += marker in _FRAMES
        scans += marker == _SOS
        if frames > 1:
            raise CorruptMedia("the JPEG has two frame headers")
        if scans > _MOST_SCANS:
            raise CorruptMedia(f"the JPEG has more than {_MOST_SCANS} scans")
    if not scans:
        raise CorruptMedia("the JPEG holds no image")


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The marker of each segment, and where its length stands, up to the end of the image."""
    position = 2
    while found := _MARKER.search(data, position):
        marker, position = found[1][0], found.end()
        if marker == _EOI:
            return
        if marker == _SOI:
            raise CorruptMedia("an image starts within the JPEG image")
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            raise CorruptMedia("truncated: the data end within a JPEG segment")
        yield marker, position
        position += length
    raise CorruptMedia("truncated: the JPEG has no end of image")


def _frame_size(data: bytes, position: int, marker: int) -> tuple[int, int]:
    if len(data) < position + _FRAME.size:
        raise CorruptMedia("truncated: the data end within a header")
    precision, height, width, components = _FRAME.unpack_from(data, position)
    if marker not in _DECODED:
        raise UnsupportedMedia(f"JPEG process {marker - 0xC0} (lossless, hierarchical or arithmetic) is not supported")
    if precision != 8:
        raise UnsupportedMedia(f"JPEG of {precision} bits is not supported")
    if components not in (1, 3, 4):
        raise UnsupportedMedia(f"JPEG of {components} components is not supported")
    if not height:
        raise UnsupportedMedia("JPEG whose height follows its first scan is not supported")
    return width, height
