"""Memory for pixels is kept for the next picture: giving it back costs a page fault for each 4 KiB of that one."""

import ctypes
import mmap
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_OWN_MAPPING: Final = 32 * 2**20
"""Bytes from which glibc maps memory for one allocation alone, the most that it lets one set; 33 Mpx of luma."""
_KEPT: Final = 64 * 2**20
"""Bytes that each thread that decodes may keep at most."""


def keep_freed() -> None:
    """Tell the allocator, once in each process; a C library other than glibc is left as it is."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)


def check_room(size: int) -> None:
    """Raises MemoryError where so many bytes cannot be had; none of them is touched."""
    try:
        mmap.mmap(-1, size).close()
    except OSError as error:
        raise MemoryError from error
