"""The revision that each process of one server has reached, in memory that they share."""

import mmap
import os
from typing import Final, Self

ABSENT: Final = -1
"""In the place of a process that does not serve: starting, or gone."""


class Board:
    """One 64-bit integer for each process; each writes its own, which the hardware does in one piece.

    There is a slot more than processes, for one that starts while the one it replaces still serves.
    """

    def __init__(self, descriptor: int, slot: int = 0) -> None:
        """Attach to a board's file descriptor, as the process of that slot."""
        self.descriptor = descriptor
        self._slot = slot
        self._slots = memoryview(mmap.mmap(descriptor, 0)).cast("q")

    @classmethod
    def create(cls, processes: int) -> Self:
        """A new board of so many processes, all absent; a child that is given the descriptor may attach to it."""
        descriptor = os.memfd_create("hashmatch-board")
        os.write(descriptor, ABSENT.to_bytes(8, "little", signed=True) * (processes + 1))
        return cls(descriptor)

    def put(self, revision: int) -> None:
        """Say which revision this process has reached."""
        self._slots[self._slot] = revision

    def clear(self, slot: int) -> None:
        """Say that the process of a slot does not serve."""
        self._slots[slot] = ABSENT

    @property
    def revisions(self) -> list[int]:
        """The revision of each process that serves, then ABSENT for each that is missing."""
        serving = [revision for revision in self._slots.tolist() if revision != ABSENT]
        return serving + [ABSENT] * (len(self._slots) - 1 - len(serving))

    @property
    def revision(self) -> int:
        """The revision that every process that serves has reached."""
        return min((seen for seen in self.revisions if seen != ABSENT), default=ABSENT)
