"""Near-identical frames in a row, as one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hashmatch.types import SECOND, HashedFrame, SeenFrame, TimeRange

NEAR: Final = 4
"""Bits that every frame of a run is from its first, at most: what is not near the first is hardly near the others."""
LONGEST: Final = 10 * SECOND
"""A run is cut there, so that its end is known soon."""


@dataclass(slots=True)
class Run:
    """A frame, and how long and how often it was seen."""

    frame: SeenFrame
    """The first."""
    end: int
    """The time of the last, in microseconds."""
    count: int = 1

    @property
    def shown(self) -> TimeRange:
        return TimeRange(self.frame.time, self.end)

    @property
    def hashed(self) -> HashedFrame:
        """What of it is kept: the hash of its original orientation."""
        return HashedFrame(self.shown, self.count, self.frame.hashes[0])

    def takes(self, frame: SeenFrame) -> bool:
        """Make a frame a part of the run, where it is one."""
        own, other = self.frame.hashes[0].bits, frame.hashes[0].bits
        if frame.time - self.frame.time > LONGEST or _distance(own, other) > NEAR:
            return False
        self.end, self.count = frame.time, self.count + 1
        return True


class Runs:
    """Puts frames together as they come."""

    def __init__(self, *, keep_repeats: bool = False) -> None:
        self._keep_repeats = keep_repeats
        self._last: Run | None = None

    def add(self, frames: Iterable[SeenFrame]) -> list[Run]:
        """Take frames in their order; the runs that are over."""
        over = []
        for frame in frames:
            if self._last is not None:
                if not self._keep_repeats and self._last.takes(frame):
                    continue
                over.append(self._last)
            self._last = Run(frame, frame.time)
        return over

    def end(self) -> list[Run]:
        """The last run, where there is one."""
        return [] if self._last is None else [self._last]


def _distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
