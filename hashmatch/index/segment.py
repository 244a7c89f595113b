"""An immutable run of entries: their distinct codes, searchable, and the entries of each code."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.columns import Columns
from hashmatch.index.searcher import Searcher, searcher


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """Entries of one kind, grouped by code; a code is stored once, however many entries share it."""

    searcher: Searcher
    """The distinct codes."""
    starts: NDArray[np.int32]
    """(codes + 1,): the entries of code c are the rows starts[c]:starts[c + 1]."""
    columns: Columns
    by_id: NDArray[np.intp]
    """(rows,): the rows in ascending order of their ids; of the type that `searchsorted` takes without a copy."""
    live: NDArray[np.bool_]
    """(rows,): False where the entry was removed."""
    size: int
    """How many entries are live."""

    @classmethod
    def build(cls, codes: NDArray[np.uint8], columns: Columns) -> Self:
        """Make a segment of one or more entries: uint8 (n, bytes of a code), one row an entry, in any order."""
        words = codes.view(f"S{codes.shape[1]}").ravel()  # compares as bytes, and sorts faster than void
        order = np.argsort(words)
        words = words[order]
        first = np.flatnonzero(np.concatenate(([True], words[1:] != words[:-1])))
        columns = columns.take(order)
        return cls(
            searcher=searcher(codes, order[first]),
            starts=np.append(first, len(codes)).astype(np.int32),
            columns=columns,
            by_id=np.argsort(columns.ids),
            live=np.ones(len(codes), dtype=np.bool_),
            size=len(codes),
        )

    @classmethod
    def merge(cls, segments: Sequence[Self]) -> Self:
        """Make one segment of the live entries of several that have some."""
        codes = np.concatenate([segment._live_codes() for segment in segments])
        columns = Columns.concatenate([segment.columns.take(segment.live) for segment in segments])
        return cls.build(codes, columns)

    def _live_codes(self) -> NDArray[np.uint8]:
        code = np.repeat(np.arange(len(self.searcher), dtype=np.int32), np.diff(self.starts))
        return self.searcher.codes[code[self.live]]

    @property
    def removed(self) -> int:
        """How many entries are no longer live, but still take space."""
        return len(self.columns) - self.size

    def without_ids(self, ids: NDArray[np.int64]) -> Self:
        """Mark entries as removed; ids that are not here are ignored. All but the marks is shared."""
        place = np.searchsorted(self.columns.ids, ids, sorter=self.by_id)
        rows = self.by_id[place[place < len(self.by_id)]]
        rows = rows[self.columns.ids[rows] == ids[place < len(self.by_id)]]
        return self._without(rows) if self.live[rows].any() else self

    def without_slots(self, slots: Collection[int]) -> Self:
        """Mark the entries of whole banks as removed."""
        rows = np.flatnonzero(np.isin(self.columns.slots, list(slots)))
        return self._without(rows) if rows.size else self

    def _without(self, rows: NDArray[np.integer]) -> Self:
        live = self.live.copy()
        live[rows] = False
        return replace(self, live=live, size=int(np.count_nonzero(live)))
