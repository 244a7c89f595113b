"""JPEG: a walk over the markers up to the end of the image (ITU-T T.81, annex B)."""

import re
from typing import Final

from hashmatch.errors import CorruptMedia, UnsupportedMedia
from hashmatch.media.picture import Picture, check_size, integer
from hashmatch.settings import MediaLimits

_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
"""Any marker but those without a segment that may stand within a scan; stuffed and fill bytes are none."""
_SOI, _EOI, _SOS, _DNL = 0xD8, 0xD9, 0xDA, 0xDC
_DECODED: Final = {0xC0: "baseline", 0xC1: "extended sequential", 0xC2: "progressive"}
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
REDUCTIONS: Final = ((2560, 8), (1280, 4), (768, 2))
"""From which shorter side on a reduction leaves PDQ at most 6 bits off: `benchmarks/reduction.py` measures it."""
_MOST_SCANS: Final = 64
"""Every scan of a progressive file costs a pass over all blocks; real ones have about ten."""


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What the header of a JPEG says; whatever follows the end of the first image is left to the decoder to ignore.

    Raises CorruptMedia where the end of the image is missing, so that no row is ever made up.
    """
    size: tuple[int, int] | None = None
    reduction = 1
    scans, position = 0, 2
    while found := _MARKER.search(data, position):
        marker, position = found[1][0], found.end()
        if marker == _EOI:
            break
        if marker == _SOI:
            raise CorruptMedia("an image starts within the JPEG image")
        length = integer(data, position, 2)
        if length < 2 or position + length > len(data):
            raise CorruptMedia("truncated: the data end within a JPEG segment")
        if marker in _FRAMES:
            if size is not None:
                raise CorruptMedia("the JPEG has two frame headers")
            size = check_size(*_frame_size(data, position, marker), limits)
            reduction = _reduction(data, position, min(size))
        scans += marker == _SOS
        if scans > _MOST_SCANS:
            raise CorruptMedia(f"the JPEG has more than {_MOST_SCANS} scans")
        position += length
    else:
        raise CorruptMedia("truncated: the JPEG has no end of image")
    if size is None or not scans:
        raise CorruptMedia("the JPEG holds no image")
    return Picture(data, *size, *size, luma=True, reduction=reduction)


def _frame_size(data: bytes, position: int, marker: int) -> tuple[int, int]:
    precision, components = integer(data, position + 2, 1), integer(data, position + 7, 1)
    height, width = integer(data, position + 3, 2), integer(data, position + 5, 2)
    if marker not in _DECODED:
        raise UnsupportedMedia(f"JPEG process {marker - 0xC0} (lossless, hierarchical or arithmetic) is not supported")
    if precision != 8:
        raise UnsupportedMedia(f"JPEG of {precision} bits is not supported")
    if components not in (1, 3, 4):
        raise UnsupportedMedia(f"JPEG of {components} components is not supported")
    if not height:
        raise UnsupportedMedia("JPEG whose height follows its first scan is not supported")
    return width, height


def _reduction(data: bytes, position: int, side: int) -> int:
    """1 where luma is not what the decoder reduces by itself: of four components, or sampled less than another."""
    components = integer(data, position + 7, 1)
    sampling = [integer(data, position + 9 + 3 * component, 1) for component in range(components)]
    across, down = ([factor >> 4 for factor in sampling], [factor & 15 for factor in sampling])
    if components == 4 or across[0] < max(across) or down[0] < max(down):
        return 1
    return next((reduction for least, reduction in REDUCTIONS if side >= least), 1)
