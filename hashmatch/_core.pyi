"""The native kernels in C++: the only crossing between Python and the core."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

_Order: TypeAlias = Literal["rgb", "bgr"]
_Kernel: TypeAlias = Literal["certified", "fast", "exact"]

class Traced(NamedTuple):
    """What `pdq` gives, and how it came about."""

    hashes: NDArray[np.uint8]
    quality: int
    kernel: Literal["fast", "exact"]
    """The kernel that answered: `certified` picks one of them."""
    variant: str
    """The variant whose code ran."""
    coefficients: NDArray[np.float32]
    """float32 (16, 16): the DCT coefficients of the original orientation."""
    gap: float
    """The least distance between the two middle coefficients over the orientations."""

def pdq(
    image: NDArray[np.uint8],
    *,
    order: _Order = "rgb",
    limited: bool = False,
    kernel: _Kernel = "certified",
    variant: str | None = None,
) -> tuple[NDArray[np.uint8], int]:
    """PDQ hashes of an image in all orientations, and its quality.

    `image` is uint8: (height, width) luma; (height, width, 2) luma and alpha, shown on white (luma * alpha / 255
    rounded to nearest, + 255 - alpha); or (height, width, 3) colour in the given order. It may be read-only and have
    any strides, negative ones and zeros too; no copy of it is made. The GIL is released meanwhile, when the pixels must
    not change.

    Returns uint8 (8, 32), one row for each `hashmatch.types.Orientation` in its order, the bytes as PDQ's hex form
    prints them; and the quality, 0 to 100 inclusive. An image with a side below 5 has zero hashes and quality 0. The
    quality grows with contrast: where luma is `limited` to 16 to 235, it is that of the same picture in full range.

    The kernels: `exact` does the reference's float operations in its order; `fast` sums integers in one pass, and may
    differ from it where two coefficients are nearly equal; `certified` is `fast` wherever that is safe, else `exact`.

    Raises TypeError where the image is not uint8; ValueError for another shape, order or kernel; ConfigurationError
    for a variant that this machine cannot run; MemoryError where there is no scratch memory.
    """

def pdq_many(
    images: Iterable[NDArray[np.uint8]],
    *,
    order: _Order = "rgb",
    kernel: _Kernel = "certified",
    variant: str | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """As `pdq`, of any number of images of any sizes: uint8 (n, 8, 32) hashes and uint8 (n,) qualities.

    The GIL is released once, for all of them; all are hashed one after another in the caller's thread. Raises as `pdq`
    does, before any is hashed where one is not an image, and names it, for example `images[2]`.
    """

def pdq_traced(
    image: NDArray[np.uint8], *, order: _Order = "rgb", kernel: _Kernel = "certified", variant: str | None = None
) -> Traced:
    """As `pdq`, telling how the answer came about."""

def pdq_reduced(
    image: NDArray[np.uint8], height: int, width: int, factor: int, *, variant: str | None = None
) -> tuple[NDArray[np.uint8], int]:
    """Nearly what `pdq` gives of a JPEG's luma, from what a decoder gives of it reduced by `factor`, 2, 4 or 8.

    `height` and `width` are those of the whole image. `image` is uint8, both of them divided by `factor` and rounded
    up: each block of 8 x 8 pixels as fewer samples, which stand for its lowest frequencies (libjpeg's scaled decoding).
    `hashmatch.media` says how many bits the result may be off at which size. Otherwise as `pdq`, ValueError for another
    shape or factor included.
    """

def small_hash(
    image: NDArray[np.uint8],
    kind: Literal["ahash", "dhash", "phash"],
    *,
    order: _Order = "rgb",
    turned: bool = True,
    variant: str | None = None,
) -> NDArray[np.uint8]:
    """The 64-bit hashes of the Python package imagehash (`average_hash`, `dhash`, `phash`), bit for bit.

    `image` is as for `pdq`, with at least one pixel. Returns uint8 (8, 8), one row for each
    `hashmatch.types.Orientation` in its order, or (1, 8), the original's alone, where not `turned`; the bytes as
    imagehash prints them. The other orientations are those of the small picture the hash is made from, so that they may
    be a few bits from imagehash's of the turned pixels.

    Raises as `pdq` does, and ValueError for another kind.
    """

def jpeg_luma(
    data: bytes, height: int, width: int, *, reduced: bool = False, variant: str | None = None
) -> NDArray[np.uint8] | None:
    """The luma of a baseline JPEG file of that size, the bytes that libjpeg gives (ITU-T T.81; jidctint.c); or None.

    Returns uint8 (height, width); where `reduced`, (height / 8, width / 8) rounded up, libjpeg's decoding at an eighth.
    None where this is not the decoder for the file: it is of another size or not baseline, its components are not in
    one scan, its luma is sampled less than its colour or is none (RGB, CMYK), it is damaged or has values that pixels
    do not make, memory is short; or the variant has no inverse DCT faster than libjpeg's and it is not `reduced`. The
    GIL is released meanwhile. Raises ConfigurationError for a variant that this machine cannot run.
    """

def mih_build(
    codes: NDArray[np.uint8], substrings: int, *, first: int = 0, last: int | None = None, threads: int = 1
) -> NDArray[np.uint32]:
    """Tables that find codes by their substrings: multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012).

    `codes` is uint8 (n, 8, 16, 24 or 32), C-contiguous, n below 2**32; each is cut into so many substrings, 32 at most,
    of 31 bits at most. The tables made are of the substrings `first`, inclusive, to `last`, exclusive; all by default.
    The GIL is released while at most `threads` threads build.

    Returns uint32 (sum over these substrings of 2**bits + 1 + n,): for each its starts, 2**bits + 1, and the codes'
    positions, n. Those of the codes that have value v of the substring are its positions[starts[v]:starts[v + 1]].

    Raises ValueError for another shape, type or number of substrings.
    """

def mih_range_search(
    codes: NDArray[np.uint8],
    substrings: int,
    tables: NDArray[np.uint32],
    queries: NDArray[np.uint8],
    radius: int,
    *,
    most: int | None = None,
    variant: str | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Every code at a Hamming distance of at most `radius` bits, inclusive; 0 up to all bits of a code.

    `tables` is what `mih_build` made of `codes` and all `substrings`, and is trusted; `queries` is uint8 (k, bytes of a
    code), C-contiguous. All may be read-only; they must not change meanwhile. The GIL is released while it searches.

    Returns limits, distances and positions of codes: those of query i are at limits[i]:limits[i + 1], in no
    particular order. Where `most`, 1 or more, is given, maybe the first queries alone are answered: one at least, and
    all where fewer than `most` pairs are found; len(limits) - 1 tells. So fewer than `most` + 2 n pairs are returned.

    Raises ValueError for shapes or types that do not fit each other, and for another radius; ConfigurationError for a
    variant that this machine cannot run; MemoryError where there is no memory for the answer.
    """

def mih_search(
    codes: NDArray[np.uint8],
    substrings: int,
    tables: NDArray[np.uint32],
    queries: NDArray[np.uint8],
    count: int,
    *,
    variant: str | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The `count` codes nearest to each query, 1 or more: exact, by range searches of growing radius.

    Arguments are as for `mih_range_search`. Returns distances in bits and positions of codes, (k, count) both: nearest
    first, ties by position; -1 in both where there are fewer codes. A query that has nothing near costs a scan.

    Raises as `mih_range_search` does, and ValueError for another count.
    """

def variant() -> str:
    """The variant in use: the best that this machine can run, or the one that HASHMATCH_VARIANT names at import."""

def variants() -> tuple[str, ...]:
    """The variants that this machine can run, portable first, the best last."""

def seal(parent: int, *, calls: bool = True, threads: bool = False) -> None:
    """Give up for good what a process that decodes a stranger's bytes does not need.

    Gone are capabilities, new privileges by exec, core dumps and life after the parent process, whose id `parent` is.
    With `calls`, so are all system calls but those on memory, time, locks and open descriptors: opening files,
    duplicating descriptors and starting processes, or threads unless `threads`, fail with EPERM, as libraries try them
    by themselves; everything else, executable memory and calls of another ABI included, kills the process with SIGSYS.

    Only a process of one thread may call it. Raises OSError where the kernel refuses, or is none that is known here.
    """
