"""Matched frames as passages: which time of the query is which time of a known video."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashmatch.types import SECOND, Passage, TimeRange

GAP: Final = 10 * SECOND
"""A passage goes on over so much of the query without a match."""
SLACK: Final = 2 * SECOND
"""How far the known time may be from where it would be at the same speed, beside `BEND` of the time that passed."""
BEND: Final = 0.5
"""The query may be so much slower or faster than the known video."""
_MOST_OPEN: Final = 32
_MOST_CLOSED: Final = 1000


@dataclass(slots=True)
class _Open:
    query: TimeRange
    known: TimeRange
    frames: int

    def drift(self, query: TimeRange, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[int, int]:
        """Of the known frames the one that best continues this, and how far it is from where it should be."""
        expected = self.known.end + (query.start - self.query.end)
        away = np.maximum(np.maximum(starts - expected, expected - ends), 0)
        away[ends < self.known.end] = np.iinfo(np.int64).max
        best = int(np.argmin(away))
        return best, int(away[best])

    def allows(self, query: TimeRange, drift: int) -> bool:
        passed = query.start - self.query.end
        return passed <= GAP and drift <= SLACK + BEND * passed


class Passages:
    """Puts the matched frames of one known video in a row, as the query's frames come."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._closed: list[_Open] = []

    def add(self, query: TimeRange, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        """Take a frame of the query, later than those before it, and the times of the known frames it matched."""
        best: tuple[int, _Open, int] | None = None
        for passage in self._open:
            at, drift = passage.drift(query, starts, ends)
            if passage.allows(query, drift) and (best is None or drift < best[0]):
                best = drift, passage, at
        if best is None:
            self._begin(query, int(starts[0]), int(ends[0]))
            return
        _, passage, at = best
        expected = passage.known.end + (query.start - passage.query.end)
        first = min(max(expected, int(starts[at])), int(ends[at]))
        last = min(first + query.end - query.start, int(ends[at]))
        passage.query = TimeRange(passage.query.start, query.end)
        passage.known = TimeRange(passage.known.start, max(passage.known.end, last))
        passage.frames += 1

    def longest(self, most: int) -> tuple[Passage, ...]:
        """At most so many, those of most frames, by the query's time."""
        found = [Passage(each.query, each.known, each.frames) for each in (*self._closed, *self._open)]
        found.sort(key=lambda passage: (-passage.frames, passage.query))
        return tuple(sorted(found[:most]))

    def _begin(self, query: TimeRange, start: int, end: int) -> None:
        going_on = [each for each in self._open if query.start - each.query.end <= GAP][-_MOST_OPEN + 1 :]
        self._closed += [each for each in self._open if each not in going_on]
        if len(self._closed) > _MOST_CLOSED:
            self._closed.sort(key=lambda each: -each.frames)
            del self._closed[_MOST_CLOSED // 2 :]
        self._open = [*going_on, _Open(query, TimeRange(start, min(end, start + query.end - query.start)), 1)]
