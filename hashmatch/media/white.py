"""Decoded samples to opaque pixels of 8 bits, as they show on a white page."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashmatch.media.picture import Alpha, Picture

_BLOCK_PIXELS: Final = 2**17
"""Pixels converted at once: the wider intermediates stay in the cache, whatever the picture's size."""


def opaque(decoded: NDArray[Any], picture: Picture) -> NDArray[np.uint8]:
    """uint8 (height, width) luma or (height, width, 3) BGR from samples of `picture.depth` bits.

    `decoded` is (height, width), (height, width, 3) or (height, width, 4) with alpha last. Every step rounds to
    nearest; none truncates.
    """
    if decoded.dtype == np.uint8 and decoded.shape[2:] != (4,) and picture.transparent_grey is None:
        return decoded.astype(np.uint8, copy=False)
    height, width = decoded.shape[:2]
    pixels = np.empty((height, width, 3)[: decoded.ndim], np.uint8)
    rows = max(1, _BLOCK_PIXELS // width)
    for top in range(0, height, rows):
        pixels[top : top + rows] = _block(decoded[top : top + rows], picture)
    return pixels


def _block(samples: NDArray[Any], picture: Picture) -> NDArray[Any]:
    levels = (1 << picture.depth) - 1
    wide = np.uint16 if picture.depth == 8 else np.uint32
    if picture.white_is_zero:
        samples = levels - samples
    if picture.transparent_grey is not None:
        samples = np.where(samples == picture.transparent_grey, levels, samples)
    if samples.shape[2:] != (4,):
        return _to_8_bits(samples, levels)
    *colours, alpha = cv2.split(samples)
    if alpha.min() < levels:
        colours = [_over_white(colour.astype(wide), alpha.astype(wide), levels, picture.alpha) for colour in colours]
    return cv2.merge([_to_8_bits(colour, levels) for colour in colours])


def _to_8_bits(samples: NDArray[Any], levels: int) -> NDArray[np.uint8]:
    if levels > 255:
        samples = (samples.astype(np.uint32) * 255 + levels // 2) // levels
    return samples.astype(np.uint8)


def _over_white(colour: NDArray[Any], alpha: NDArray[Any], levels: int, meaning: Alpha) -> NDArray[Any]:
    """One plane; both are of a type that holds `levels` squared, plus half of `levels`."""
    premultiplied = meaning is Alpha.PREMULTIPLIED
    shown: NDArray[Any] = np.minimum(colour, alpha) if premultiplied else (colour * alpha + levels // 2) // levels
    shown += levels - alpha
    return shown
