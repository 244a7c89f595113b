"""Memory that the service shares with one worker: media laid there are not copied through the kernel."""

import mmap
import os
from typing import Final, Self

_KEPT: Final = 4 * 2**20
"""Bytes of memory that stay for the next media, enough for most photographs: each page anew costs a fault or two."""


class Tray:
    """One side's view. The service lays media there, and never reads what is there; the worker cannot write."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._laid = 0

    @classmethod
    def made(cls, size: int) -> tuple[Self, int]:
        """In the service: a tray for media of at most so many bytes, and the descriptor that lets a worker read it.

        Memory is taken as media are laid there.
        """
        memory = os.memfd_create("hashmatch-media", os.MFD_CLOEXEC)
        try:
            os.ftruncate(memory, size)
            return cls(mmap.mmap(memory, size)), os.open(f"/proc/self/fd/{memory}", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(memory)

    @classmethod
    def of(cls, reader: int) -> Self:
        """In the worker: of the descriptor, which may then be closed."""
        return cls(mmap.mmap(reader, 0, prot=mmap.PROT_READ))

    def lay(self, media: bytes) -> None:
        """Media of at most the size that the tray was made for; they replace what was laid before."""
        self._laid = len(media)
        self._memory[: self._laid] = media

    def take(self, length: int) -> bytes:
        """The media of so many bytes that were laid last."""
        return self._memory[:length]

    def trim(self) -> None:
        """Give the memory of large media back; they are no longer there."""
        if self._laid > _KEPT:
            self._memory.madvise(mmap.MADV_REMOVE, _KEPT, self._laid - _KEPT)
            self._laid = 0

    def close(self) -> None:
        self._memory.close()
