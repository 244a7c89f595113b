"""HEIC: sizes from its boxes, pixels by libheif, which the extra `heic` brings (ISO/IEC 23008-12).

libheif puts the tiles of which phones make their pictures together, and applies the rotation, mirror and crop that are
part of the picture. PyAV decodes the same HEVC in less than half the time, but tile by tile, without any of these.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import CorruptMedia, UnsupportedMedia
from hashmatch.media.items import read_items
from hashmatch.media.picture import Alpha, Decoder, Picture, check_size, integer
from hashmatch.settings import MediaLimits

try:
    import pi_heif
except ImportError:
    pi_heif = None
else:
    pi_heif.options.DECODE_THREADS = 0
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False

NEEDS_THREADS: Final = pi_heif is not None
"""The library starts a thread for each picture, however many it is told to, and aborts where it may not."""
_KINDS: Final = (b"hvc1", b"grid")
_DAMAGED: Final = (ValueError, RuntimeError, EOFError, SyntaxError, OSError)
"""What the library raises for a file that it cannot read."""


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What a HEIC says of its primary picture.

    Raises UnsupportedMedia where the library is not installed, and where there is no still picture of HEVC.
    """
    if pi_heif is None:
        raise UnsupportedMedia("this is a HEIC image, which is decoded where 'hashmatch[heic]' is installed")
    items = read_items(data)
    if items is None or items.kinds.get(items.primary) not in _KINDS:
        raise UnsupportedMedia("a HEIC without a still picture of HEVC is not supported")
    for kind, body in items.properties:
        if kind == b"ispe":
            check_size(integer(body, 4, 4), integer(body, 8, 4), limits)
    for item in items.extents:
        coded = items.data(item, data)
        if items.kinds.get(item) == b"grid":
            wide = 4 if integer(coded, 1, 1) & 1 else 2
            check_size(integer(coded, 4, wide), integer(coded, 4 + wide, wide), limits)
    image = _open(data)
    width, height = image.size
    check_size(width, height, limits)
    alpha = Alpha.PREMULTIPLIED if image.premultiplied_alpha else Alpha.STRAIGHT
    depth = image.info["bit_depth"]
    return Picture(data, width, height, width, height, alpha=alpha, depth=depth, decoder=Decoder.LIBHEIF)


def decode_still(picture: Picture) -> NDArray[Any]:
    """Samples of (height, width, 3 or 4) in BGR order, uint16 where they have more than 8 bits; raises CorruptMedia."""
    image = _open(picture.still)
    try:
        samples = np.array(image)  # a copy: the memory is the picture's, which goes
    except _DAMAGED as error:
        raise CorruptMedia("damaged: the decoder gave up") from error
    return samples >> (16 - picture.depth) if samples.dtype == np.uint16 else samples


def _open(data: bytes) -> Any:
    try:
        return pi_heif.open_heif(data, convert_hdr_to_8bit=False, bgr_mode=True)
    except _DAMAGED as error:
        raise CorruptMedia("damaged: the HEIC's boxes do not make a picture") from error
