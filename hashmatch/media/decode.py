"""Bytes to pixels, within limits that are checked before any pixel is decoded."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashmatch.allocator import keep_freed
from hashmatch.errors import CorruptMedia, MediaTooLarge, UnsupportedMedia
from hashmatch.media import avif, bmp, gif, heic, jpeg, jpeg2000, png, tiff, webp
from hashmatch.media.memory import check_room
from hashmatch.media.picture import Alpha, Decoder, Picture, least_memory
from hashmatch.media.sniff import sniff
from hashmatch.media.white import opaque
from hashmatch.settings import MediaLimits
from hashmatch.types import Frame

_MOST_BYTES_OF_A_PIXEL: Final = 8
"""What codecs take. Where there is no room for it, a decoder that gave up, which says no reason, lacked memory."""

_OWN_MAPPING: Final = 32 * 2**20
"""Bytes from which pixels are not kept, 33 Mpx of luma; and the most that glibc lets one set."""
_KEPT: Final = 64 * 2**20

keep_freed(_OWN_MAPPING, _KEPT)
cv2.setNumThreads(0)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_READERS: Final[Mapping[str, Callable[[bytes, MediaLimits], Picture]]] = MappingProxyType(
    {
        "image/jpeg": jpeg.read,
        "image/png": png.read,
        "image/gif": gif.read,
        "image/webp": webp.read,
        "image/avif": avif.read,
        "image/heic": heic.read,
        "image/tiff": tiff.read,
        "image/bmp": bmp.read,
        "image/jp2": jpeg2000.read,
        "image/j2c": jpeg2000.read,
    }
)


_REDUCED: Final[Mapping[int, int]] = MappingProxyType(
    {
        1: cv2.IMREAD_GRAYSCALE,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    }
)


def decode(data: bytes | memoryview, limits: MediaLimits, *, colour: bool = False, reduced: bool = False) -> Frame:
    """The pixels of an image, or of the first picture of an animation.

    JPEG gives luma, as its decoder stores it, unless `colour` is asked for; everything else BGR, or luma where the
    file is grey. The luma of a plain JPEG comes from the core, which has libjpeg's bytes or leaves it to OpenCV.
    Samples of more than 8 bits are scaled to 8, transparency is laid over a white page, and EXIF rotation is not
    applied. Where `reduced`, and not `colour`, a JPEG that is large enough is decoded at a part of its size
    (`Frame.reduction`).

    Raises EmptyMedia, UnsupportedMedia (a format or a variant of one that is not decoded, by name), CorruptMedia
    (what is wrong, in words; a picture that is only partly there is never returned) and MediaTooLarge (which limit).
    """
    if len(data) > limits.max_media_bytes:
        raise MediaTooLarge("max_media_bytes", limits.max_media_bytes, len(data))
    data = bytes(data)
    media_type = sniff(data)
    picture = _READERS[media_type](data, limits)
    if colour and picture.luma:
        picture = replace(picture, luma=False)
    elif reduced and picture.decoder is Decoder.JPEG:
        picture = replace(picture, reduction=jpeg.most_reduction(picture))
    least = least_memory(picture)
    if least > limits.max_decode_memory:
        raise MediaTooLarge("max_decode_memory", limits.max_decode_memory, least)
    try:
        decoded, reduction = _decode_still(picture)
        pixels = _place(opaque(decoded, picture), picture)
    except MemoryError as error:
        raise MediaTooLarge("max_decode_memory", limits.max_decode_memory, None) from error
    return Frame(np.ascontiguousarray(pixels), media_type, picture.width, picture.height, reduction)


def _decode_still(picture: Picture) -> tuple[NDArray[Any], int]:
    """Samples as stored, and by how much they are reduced.

    The samples are uint8 or uint16 of (height, width), with 3 or 4 channels last where the picture is not grey.
    """
    if picture.decoder is Decoder.JPEG:
        plain = jpeg.decode_plain(picture) if picture.luma else None
        if plain is not None:
            return plain
        jpeg.check_scans(picture.still)
    decoded = heic.decode_still(picture) if picture.decoder is Decoder.LIBHEIF else _imdecode(picture)
    if decoded.shape[:2] != (
        -(-picture.still_height // picture.reduction),
        -(-picture.still_width // picture.reduction),
    ):
        raise CorruptMedia("the picture has another size than its header says")
    if decoded.dtype != (np.uint8 if picture.depth == 8 else np.uint16):
        raise CorruptMedia("the picture has another depth than its header says")
    if decoded.shape[2:] not in ((), (3,), (4,)):
        raise UnsupportedMedia(f"pictures of {decoded.shape[2]} channels are not supported")
    return decoded, picture.reduction


def _imdecode(picture: Picture) -> NDArray[Any]:
    if picture.luma:
        flags = _REDUCED[picture.reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    elif picture.alpha is Alpha.IGNORED:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    else:
        flags = cv2.IMREAD_UNCHANGED
    try:
        decoded = cv2.imdecode(np.frombuffer(picture.still, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise CorruptMedia("damaged: the decoder gave up") from error
    if decoded is None:
        check_room(_MOST_BYTES_OF_A_PIXEL * picture.still_width * picture.still_height)
        raise CorruptMedia("damaged: the decoder gave up")
    return decoded


def _place(pixels: NDArray[np.uint8], picture: Picture) -> NDArray[np.uint8]:
    """The picture on its canvas, the rest of which is white."""
    if (picture.still_width, picture.still_height) == (picture.width, picture.height):
        return pixels
    canvas = np.full((picture.height, picture.width, *pixels.shape[2:]), 255, np.uint8)
    bottom, right = picture.top + picture.still_height, picture.left + picture.still_width
    canvas[picture.top : bottom, picture.left : right] = pixels
    return canvas
