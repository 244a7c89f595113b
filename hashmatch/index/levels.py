"""The segments of one kind, kept few by merging them at geometric sizes, as a log-structured merge tree does."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.columns import Columns
from hashmatch.index.segment import Segment

TAIL: Final = 1024
"""A segment below this many entries is cheaper to rebuild than to search beside another."""
RATIO: Final = 4
"""A segment is at least so many times as large as what is newer: the segments are as few as log4 of the entries."""
REMOVED_SHARE: Final = 0.25
"""A segment of which more than this was removed is rebuilt."""


@dataclass(frozen=True, eq=False, slots=True)
class Levels:
    """An immutable sequence of segments, oldest and largest first; an entry is live in at most one of them."""

    segments: tuple[Segment, ...] = ()

    @property
    def size(self) -> int:
        """How many entries are live."""
        return sum(segment.size for segment in self.segments)

    def without(self, ids: Collection[int], slots: Collection[int]) -> Self:
        """Remove entries by id, and all entries of banks by slot; unknown ones are ignored."""
        segments = self.segments
        if ids:
            array = np.fromiter(ids, dtype=np.int64, count=len(ids))
            segments = tuple(segment.without_ids(array) for segment in segments)
        if slots:
            segments = tuple(segment.without_slots(slots) for segment in segments)
        return type(self)(tuple(_rebuild([segment]) for segment in segments if segment.size))

    def plus(self, codes: NDArray[np.uint8], columns: Columns) -> Self:
        """Add one or more entries; `codes` is uint8 (n, bytes of a code), one row an entry."""
        return type(self)(_settle((*self.segments, Segment.build(codes, columns))))


def _settle(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Merge every run whose sizes do not fall fast enough from the older to the newer."""
    settled: list[Segment] = []
    run: list[Segment] = []
    for segment in reversed(segments):
        if run and segment.size >= max(TAIL, RATIO * sum(newer.size for newer in run)):
            settled.append(_rebuild(run))
            run = []
        run.append(segment)
    return (_rebuild(run), *reversed(settled))


def _rebuild(run: list[Segment]) -> Segment:
    """Make one segment of a run; a single one stays as it is unless much of it was removed."""
    if len(run) == 1 and run[0].removed <= REMOVED_SHARE * len(run[0].columns):
        return run[0]
    return Segment.merge(run)
