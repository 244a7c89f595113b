"""Freed memory is kept for the next buffer: giving it back costs a page fault for each 4 KiB of that one."""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
OF_UPLOADS: Final = (2**20, 4 * 2**20)
"""`keep_freed` of a process that receives uploads: a large one's memory goes back as soon as it is answered."""


def keep_freed(largest: int, kept: int) -> None:
    """Tell the allocator, once in each process; a C library other than glibc is left as it is.

    From `largest` bytes on, at most 32 MiB, an allocation has a mapping of its own and is given back at once; of
    smaller ones at most `kept` bytes are kept, for each thread that allocates at the same time as others.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, largest)
        mallopt(_M_TRIM_THRESHOLD, kept)
