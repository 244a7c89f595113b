"""The reference implementation of PDQ by way of pdqhash, whose C++ core is handed luma in its own precision."""

from collections.abc import Callable

import numpy as np
import pdqhash
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class _Channel:
    """Stands for one channel: pdqhash multiplies each by its share of luma, and adds them up."""

    def __init__(self, luma: NDArray[np.float32]) -> None:
        self.luma = luma

    def __mul__(self, share: float) -> NDArray[np.float32]:
        return self.luma


class _Image(np.ndarray):
    """What pdqhash takes for an image; all of its luma comes from the first channel."""

    luma: NDArray[np.float32]

    def __getitem__(self, key: tuple[slice, slice, int]) -> _Channel:  # type: ignore[override]  # pdqhash asks for nothing else
        return _Channel(self.luma if key[2] == 0 else np.zeros_like(self.luma))


def luma(image: Pixels) -> NDArray[np.float32]:
    """float32 luma of luma or RGB, rounded after each operation as the reference's C++ does.

    pdqhash's own front end computes it in float64 and rounds once, which is another value in the last bit.
    """
    if image.ndim == 2:
        return image.astype(np.float32)
    red, green, blue = (image[:, :, channel].astype(np.float32) for channel in range(3))
    total: NDArray[np.float32] = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    return total


def _call(function: Callable[[_Image], tuple[object, int]], image: Pixels) -> tuple[object, int]:
    shell = np.zeros((*image.shape[:2], 3), np.uint8).view(_Image)
    shell.luma = luma(image)
    return function(shell)


def reference(image: Pixels) -> tuple[Pixels, int]:
    """uint8 (8, 32) hashes in the order of pdqhash's `compute_dihedral`, and the quality, of luma or RGB pixels."""
    hashes, quality = _call(pdqhash.compute_dihedral, image)
    return np.packbits(np.asarray(hashes, np.uint8), axis=1), quality


def distance(a: Pixels, b: Pixels) -> int:
    """Hamming distance in bits."""
    return int(np.bitwise_count(a ^ b).sum())
