"""What searches a set of codes: a scan where they are few, tables where they are many."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.flat import Flat
from hashmatch.index.mih import WIDTHS, Mih

Searcher: TypeAlias = Flat | Mih
"""Either has `len`, `codes` and `range_search`, and gives the same answers in another order."""

CROSSOVER: Final = 8192
"""From so many codes on there are tables, which take a millisecond to make of that many.

They answer sooner from so many on whatever the kernels; those of AVX-512 do at 1,000 too, those of AVX2 in batches of
64 only between 4,096 and 8,192. `python -m benchmarks.index` measures both.
"""


def searcher(codes: NDArray[np.uint8]) -> Searcher:
    """Return what is fastest at searching codes, uint8 (n, bytes of a code), C-contiguous; they must not change."""
    return Mih.build(codes) if has_tables(codes) else Flat(codes)


def has_tables(codes: NDArray[np.uint8]) -> bool:
    """Whether these codes are searched by tables."""
    return len(codes) >= CROSSOVER and codes.shape[1] in WIDTHS
