"""The segments of one kind, kept few by merging them at geometric sizes, as a log-structured merge tree does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from hashmatch.index.grouping import Run
from hashmatch.index.segment import Segment

TAIL: Final = 1024
"""A segment below this many entries is cheaper to rebuild than to search beside another."""
RATIO: Final = 4
"""A segment is at least so many times as large as what is newer: the segments are as few as log4 of the entries."""
REMOVED_SHARE: Final = 0.25
"""A segment of which more than this was removed is rebuilt."""
MOST_MERGED: Final = 2**16
"""A segment of more entries is left to a build of files: it would keep new entries waiting for too long."""


@dataclass(frozen=True, eq=False, slots=True)
class Levels:
    """An immutable sequence of segments, oldest and largest first; an entry is live in at most one of them."""

    base: tuple[Segment, ...] = ()
    """Those of files, which only a build replaces."""
    recent: tuple[Segment, ...] = ()
    """Those of entries that are newer than the files."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of them."""
        return self.base + self.recent

    @property
    def size(self) -> int:
        """How many entries are live."""
        return sum(segment.size for segment in self.segments)

    @property
    def recent_size(self) -> int:
        """How many live entries are in no file."""
        return sum(segment.size for segment in self.recent)

    def without(self, ids: Collection[int], slots: Collection[int]) -> Self:
        """Remove entries by id, and all entries of banks by slot; unknown ones are ignored."""
        base, recent = self.base, self.recent
        if ids:
            array = np.fromiter(ids, dtype=np.int64, count=len(ids))
            base, recent = (tuple(each.without_ids(array) for each in part) for part in (base, recent))
        if slots:
            base, recent = (tuple(each.without_slots(slots) for each in part) for part in (base, recent))
        return type(self)(base, tuple(_rebuild([segment]) for segment in recent if segment.size))

    def plus(self, run: Run) -> Self:
        """Add one or more entries."""
        return type(self)(self.base, _settle((*self.recent, Segment.of([run]))))


def runs(sizes: Sequence[int]) -> list[slice]:
    """Cut sizes, from the oldest to the newest, into runs that are to be one each, so that they fall fast enough."""
    cut: list[slice] = []
    end, total = len(sizes), 0
    for at in reversed(range(len(sizes))):
        if total and sizes[at] >= max(TAIL, RATIO * total):
            cut.append(slice(at + 1, end))
            end, total = at + 1, 0
        total += sizes[at]
    return [slice(0, end), *reversed(cut)] if sizes else []


def worn(segment: Segment) -> bool:
    """Whether so much of a segment was removed that it is to be rebuilt."""
    return segment.removed > REMOVED_SHARE * len(segment.columns)


def _settle(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Merge what does not fall fast enough in size, but for the large ones and what is older than they."""
    fixed = max((at for at, each in enumerate(segments, 1) if each.size > MOST_MERGED), default=0)
    rest = segments[fixed:]
    return (*segments[:fixed], *(_rebuild(rest[run]) for run in runs([each.size for each in rest])))


def _rebuild(run: Sequence[Segment]) -> Segment:
    """Make one segment of a run; a single one stays as it is unless much of it was removed."""
    return run[0] if len(run) == 1 and not worn(run[0]) else Segment.of([segment.run for segment in run])
