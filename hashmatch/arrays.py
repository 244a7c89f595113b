"""Hashes of pixels that a program holds as NumPy arrays: the native core by itself, without service or decoder.

An image is uint8: (height, width) luma; (height, width, 2) luma and alpha, shown on white; or (height, width, 3) colour
in the given order. It may be read-only and have any strides, negative ones too; no copy of it is made. The GIL is
released meanwhile, when the pixels must not change. All functions raise TypeError where an image is not uint8, and
ValueError for another shape, order or kind.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hashmatch import _core

Order: TypeAlias = Literal["rgb", "bgr"]


def pdq(image: NDArray[np.uint8], *, order: Order = "rgb") -> tuple[NDArray[np.uint8], int]:
    """PDQ's hashes in all orientations and its quality, bit for bit those of the reference implementation.

    Returns uint8 (8, 32), a row for each `hashmatch.types.Orientation` in its order, whose bytes are as PDQ's
    hexadecimal form prints them; and the quality, 0 to 100 inclusive. A side below 5 gives zero hashes and quality 0.
    """
    return _core.pdq(image, order=order)


def pdq_many(
    images: Iterable[NDArray[np.uint8]], *, order: Order = "rgb"
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The same of n images of any sizes: uint8 (n, 8, 32) hashes and uint8 (n,) qualities, in the caller's thread.

    Raises before any is hashed, and names the image, for example `images[2]`.
    """
    return _core.pdq_many(images, order=order)


def small_hash(
    image: NDArray[np.uint8], kind: Literal["ahash", "dhash", "phash"], *, order: Order = "rgb"
) -> NDArray[np.uint8]:
    """The 64-bit hashes of the Python package imagehash (`average_hash`, `dhash`, `phash`), bit for bit.

    Returns uint8 (8, 8), a row for each `hashmatch.types.Orientation` in its order, whose bytes are as imagehash
    prints them. Orientations other than the original are those of the small picture the hash is made from, and so
    may be a few bits from imagehash's of the turned pixels. An image has at least one pixel.
    """
    return _core.small_hash(image, kind, order=order)
