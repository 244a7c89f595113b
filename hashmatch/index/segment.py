"""An immutable run of entries: their distinct codes, searchable, and the entries of each code."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.columns import Columns
from hashmatch.index.grouping import Grouping, Run
from hashmatch.index.searcher import Searcher, searcher


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """Entries of one kind, grouped by code; a code is stored once, however many entries share it."""

    searcher: Searcher
    """The distinct codes, ascending."""
    starts: NDArray[np.int32]
    """(codes + 1,): the entries of code c are the rows starts[c]:starts[c + 1]."""
    columns: Columns
    by_id: NDArray[np.intp]
    """(rows,): the rows in ascending order of their ids; of the type that `searchsorted` takes without a copy."""
    by_video: NDArray[np.int32]
    """The rows of frames of known videos, by the videos' numbers."""
    live: NDArray[np.bool_]
    """(rows,): False where the entry was removed."""
    size: int
    """How many entries are live."""

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Self:
        """Make a segment of the entries of one or more runs, of which none may be empty."""
        grouping = Grouping.of(runs)
        columns = Columns(*(grouping.column(field.name) for field in fields(Columns)))  # type: ignore[arg-type]
        live = np.ones(len(columns), dtype=np.bool_)
        by_id, by_video = np.argsort(columns.ids), frames_by_video(columns.videos)
        return cls(searcher(grouping.codes), grouping.starts, columns, by_id, by_video, live, len(columns))

    @property
    def run(self) -> Run:
        """The live entries."""
        places = np.repeat(np.arange(len(self.searcher), dtype=np.int32), np.diff(self.starts))
        if not self.removed:
            return Run(self.searcher.codes, self.columns, None, places)
        rows = np.flatnonzero(self.live)
        return Run(self.searcher.codes, self.columns, rows, places[rows])

    @property
    def removed(self) -> int:
        """How many entries are no longer live, but still take space."""
        return len(self.columns) - self.size

    def frames(self, video: int) -> NDArray[np.int32]:
        """The rows of live frames of known videos of one number, in whatever banks they are."""
        first, last = (
            side(self.by_video, video, key=self.columns.videos.__getitem__) for side in (bisect_left, bisect_right)
        )
        rows = self.by_video[first:last]
        return rows[self.live[rows]]

    def without_ids(self, ids: NDArray[np.int64]) -> Self:
        """Mark entries as removed; ids that are not here are ignored. All but the marks is shared."""
        place = np.searchsorted(self.columns.ids, ids, sorter=self.by_id)
        rows = self.by_id[place[place < len(self.by_id)]]
        rows = rows[self.columns.ids[rows] == ids[place < len(self.by_id)]]
        return self.without_rows(rows) if self.live[rows].any() else self

    def without_slots(self, slots: Collection[int]) -> Self:
        """Mark the entries of whole banks as removed."""
        rows = np.flatnonzero(np.isin(self.columns.slots, list(slots)))
        return self.without_rows(rows) if rows.size else self

    def without_rows(self, rows: NDArray[np.integer[Any]]) -> Self:
        """Mark the entries of rows as removed."""
        live = self.live.copy()
        live[rows] = False
        return replace(self, live=live, size=int(np.count_nonzero(live)))


def frames_by_video(videos: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The rows where a video's number is not 0, by that number."""
    rows = np.flatnonzero(videos).astype(np.int32)
    return rows[np.argsort(videos[rows], kind="stable")]
