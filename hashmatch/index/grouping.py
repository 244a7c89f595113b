"""Entries of several runs in the order of their codes, a column at a time: what every segment is made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.columns import Column, Columns, joined
from hashmatch.index.mih import take_aligned


class Run(NamedTuple):
    """Entries of one kind, in any order."""

    codes: NDArray[np.uint8]
    """(k, bytes of a code)."""
    columns: Columns
    rows: NDArray[np.integer[Any]] | None = None
    """Which rows of the columns there are; all where None."""
    places: NDArray[np.integer[Any]] | None = None
    """The code of each of these rows; the code at the same place where None."""

    def __len__(self) -> int:
        return len(self.columns) if self.rows is None else len(self.rows)

    def column(self, name: str) -> Column:
        """One of the columns, of the rows there are."""
        column: Column = getattr(self.columns, name)
        return column if self.rows is None else column.take(self.rows)


@dataclass(frozen=True, eq=False, slots=True)
class Grouping:
    """One or more entries, grouped by code. It takes 80 bytes an entry, and for a while 8 and a code more."""

    runs: Sequence[Run]
    order: NDArray[np.intp]
    """(entries,): positions in all runs, joined, by code."""
    codes: NDArray[np.uint8]
    """(distinct codes, bytes of a code), ascending."""
    starts: NDArray[np.int32]
    """(distinct codes + 1,): the entries of code c are starts[c]:starts[c + 1] in this order."""

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Self:
        """Sort the entries of runs, of which none may be empty."""
        width = runs[0].codes.shape[1]
        codes = np.empty((sum(map(len, runs)), width), dtype=np.uint8)
        end = 0
        for run in runs:
            begin, end = end, end + len(run)
            if run.places is None:
                codes[begin:end] = run.codes
            else:
                np.take(run.codes, run.places, axis=0, out=codes[begin:end], mode="clip")
        words = codes.view(f"S{width}").ravel()  # compares as bytes, and sorts faster than void
        order = np.argsort(words, kind="stable")  # in linear time where runs are sorted
        first = np.concatenate(([True], words[order[1:]] != words[order[:-1]]))
        return cls(
            runs=runs,
            order=order,
            codes=take_aligned(codes, order[first]),
            starts=np.append(np.flatnonzero(first), len(codes)).astype(np.int32),
        )

    def column(self, name: str) -> Column:
        """One of the columns in this order."""
        return joined([run.column(name) for run in self.runs]).take(self.order)
