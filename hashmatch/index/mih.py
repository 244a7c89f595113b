"""Exact range search by multi-index hashing: codes found by their substrings, in the native core."""

import math
import os
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch import _core

WIDTHS: Final = (8, 16, 24, 32)
"""Bytes that a code may have."""
_ALIGNMENT: Final = 64


class Mih:
    """An immutable set of codes, and tables that find those within a radius of a query without comparing all.

    Safe to search from several threads at once; the GIL is released while it searches. A query costs at most
    little more than a scan of all codes, whatever they are.
    """

    def __init__(self, codes: NDArray[np.uint8], starts: NDArray[np.uint32], ids: NDArray[np.uint32]) -> None:
        """Take codes, uint8 (count, width), and the tables that `_core.mih_build` made of them; copies nothing.

        Arrays may be read-only views of a file; codes that begin at a multiple of 32 bytes are read fastest.
        """
        self.codes = codes
        self._starts = starts
        self._ids = ids

    @classmethod
    def build(cls, codes: NDArray[np.uint8], threads: int | None = None) -> Self:
        """Make the tables of codes, uint8 (count, width), C-contiguous, which must not change afterwards.

        The tables take 8 to 12 bytes a code and substring. `threads` is how many cores may work on them, all that
        this process may use by default. Raises ValueError for a width
        that is not in WIDTHS.
        """
        cores = threads or len(os.sched_getaffinity(0))
        return cls(codes, *_core.mih_build(codes, substrings(len(codes), codes.shape[1] * 8), threads=cores))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def nbytes(self) -> int:
        """The size of the tables in bytes, without the codes."""
        return self._starts.nbytes + self._ids.nbytes

    def range_search(
        self, queries: NDArray[np.uint8], radius: int, most: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Find codes as `Flat.range_search` does."""
        return _core.mih_range_search(self.codes, self._starts, self._ids, queries, radius, most=most)


def substrings(count: int, bits: int) -> int:
    """Into how many substrings of at most 31 bits to cut codes, so that about one code has each value of a substring.

    That is bits / log2(count): Norouzi, Punjani and Fleet, PAMI 2014, section 5.
    """
    return max(-(-bits // 31), round(bits / math.log2(max(count, 256))))


def take_aligned(codes: NDArray[np.uint8], rows: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Copy rows of codes to where no code lies across two cache lines: at another code's cost, each would."""
    width = codes.shape[1]
    memory = np.empty(len(rows) * width + _ALIGNMENT, dtype=np.uint8)
    offset = -memory.ctypes.data % _ALIGNMENT
    aligned = memory[offset : offset + len(rows) * width].reshape(len(rows), width)
    return np.take(codes, rows, axis=0, out=aligned, mode="clip")  # the default mode would copy once more
