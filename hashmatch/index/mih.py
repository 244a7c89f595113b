"""Exact range search by multi-index hashing: codes found by their substrings, in the native core."""

import math
import os
from collections.abc import Iterator
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

    def __init__(self, codes: NDArray[np.uint8], tables: NDArray[np.uint32]) -> None:
        """Take codes, uint8 (count, width), and the parts that `tables` gave of them, joined; copies nothing.

        Arrays may be read-only views of a file; codes that begin at a multiple of 32 bytes are read fastest.
        Raises ValueError, when it searches, for tables of another size.
        """
        self.codes = codes
        self._substrings = substrings(*codes.shape)
        self._tables = tables

    @classmethod
    def build(cls, codes: NDArray[np.uint8], threads: int | None = None) -> Self:
        """Make the tables of codes, uint8 (count, width), C-contiguous, which must not change afterwards.

        The tables take 8 to 12 bytes a code and substring. `threads` is how many cores may work on them, all that
        this process may use by default. Raises ValueError for a width that is not in WIDTHS.
        """
        return cls(codes, _core.mih_build(codes, substrings(*codes.shape), threads=threads or cores()))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def nbytes(self) -> int:
        """The size of the tables in bytes, without the codes."""
        return self._tables.nbytes

    def range_search(
        self, queries: NDArray[np.uint8], radius: int, most: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Find codes as `Flat.range_search` does."""
        return _core.mih_range_search(self.codes, self._substrings, self._tables, queries, radius, most=most)

    def search(self, queries: NDArray[np.uint8], count: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Find the nearest codes as `Flat.search` does; a query that has nothing near costs a scan."""
        return _core.mih_search(self.codes, self._substrings, self._tables, queries, count)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def tables(codes: NDArray[np.uint8]) -> Iterator[NDArray[np.uint32]]:
    """Yield the tables of codes in parts, as few substrings at a time as there are cores: `Mih` takes them joined."""
    count, at_once = substrings(*codes.shape), cores()
    for first in range(0, count, at_once):
        last = min(first + at_once, count)
        yield _core.mih_build(codes, count, first=first, last=last, threads=at_once)


def substrings(count: int, width: int) -> int:
    """Into how many substrings of at most 31 bits to cut codes, so that about one code has each value of a substring.

    `width` is the bytes of a code. That is bits / log2(count): Norouzi, Punjani and Fleet, PAMI 2014, section 5.
    """
    bits = 8 * width
    return max(-(-bits // 31), round(bits / math.log2(max(count, 256))))


def take_aligned(codes: NDArray[np.uint8], rows: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Copy rows of codes to where no code lies across two cache lines: at another code's cost, each would."""
    width = codes.shape[1]
    memory = np.empty(len(rows) * width + _ALIGNMENT, dtype=np.uint8)
    offset = -memory.ctypes.data % _ALIGNMENT
    aligned = memory[offset : offset + len(rows) * width].reshape(len(rows), width)
    return np.take(codes, rows, axis=0, out=aligned, mode="clip")  # the default mode would copy once more
