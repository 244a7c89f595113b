"""Millions of short texts in two arrays: nothing for the garbage collector to visit, and as they lie in a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

_BYTES_AT_ONCE: Final = 2**22
"""About how much text is copied at once; the copy needs nine times that for a while."""


@dataclass(frozen=True, eq=False, slots=True)
class Texts:
    """An immutable sequence of n texts."""

    bounds: NDArray[np.int64]
    """(n + 1,): text i is the bytes bounds[i]:bounds[i + 1]."""
    data: NDArray[np.uint8]
    """All texts in UTF-8, one after another."""

    @classmethod
    def of(cls, values: Sequence[str]) -> Self:
        """Take texts as they are."""
        encoded = [value.encode() for value in values]
        return cls(_bounds([len(each) for each in encoded]), np.frombuffer(b"".join(encoded), dtype=np.uint8))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Put the texts of several one after another."""
        lengths = np.concatenate([np.diff(part.bounds) for part in parts])
        return cls(_bounds(lengths), np.concatenate([part.data for part in parts]))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, row: int) -> str:
        return self.data[self.bounds[row] : self.bounds[row + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        return (self[row] for row in range(len(self)))

    def at(self, rows: NDArray[np.integer[Any]]) -> list[str]:
        """Return the texts that an index array chooses, in its order."""
        data = memoryview(self.data)  # type: ignore[arg-type]  # the protocol is checked from Python 3.12 on
        firsts, ends = self.bounds[rows].tolist(), self.bounds[rows + 1].tolist()
        return [str(data[first:end], "utf-8") for first, end in zip(firsts, ends, strict=True)]

    def take(self, rows: NDArray[np.integer[Any]]) -> Self:
        """Return the rows that an index array chooses, in its order."""
        firsts = self.bounds[rows]
        lengths = self.bounds[rows + 1] - firsts
        bounds = _bounds(lengths)
        data = np.empty(bounds[-1], dtype=np.uint8)
        cuts = np.searchsorted(bounds, np.arange(0, len(data), _BYTES_AT_ONCE))
        for start, stop in pairwise([*cuts, len(rows)]):
            places = np.arange(bounds[start], bounds[stop])
            places += np.repeat(firsts[start:stop] - bounds[start:stop], lengths[start:stop])
            data[bounds[start] : bounds[stop]] = self.data[places]
        return type(self)(bounds, data)


def _bounds(lengths: "Sequence[int] | NDArray[np.int64]") -> NDArray[np.int64]:
    bounds = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds
