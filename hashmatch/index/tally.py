"""What groups matched: how much in all, in which banks, and the nearest of it."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.asked import Ints
from hashmatch.index.segment import Segment


class Matches(NamedTuple):
    """Entries of one segment that their banks let match, each once for a group; arrays are (matches,)."""

    groups: Ints
    """Ascending."""
    distances: Ints
    rows: Ints
    codes: Ints
    """The places of their codes in the segment."""
    places: Ints
    """The positions of the nearest hashes in their groups."""
    trusted: NDArray[Any]
    """Booleans: whether the bank's action holds, rather than REVIEW."""

    def take(self, chosen: Ints | NDArray[np.bool_] | slice) -> "Matches":
        return Matches(*(column[chosen] for column in self))


class Nearest(NamedTuple):
    """Matches of any segments that may become hits; arrays are (matches,)."""

    groups: Ints
    distances: Ints
    ids: Ints
    segments: Ints
    rows: Ints
    codes: Ints
    places: Ints

    @classmethod
    def joined(cls, parts: "list[Self]") -> Self:
        """Put several one after another."""
        if not parts:
            return cls(*(np.empty(0, dtype=np.int64) for _ in cls._fields))
        return parts[0] if len(parts) == 1 else cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class Tally:
    """Counts what each of some groups matches, and keeps the nearest `limit` at least."""

    def __init__(self, groups: int, slots: int, limit: int) -> None:
        self.totals = np.zeros(groups, dtype=np.int64)
        """(groups,): how many entries matched."""
        self.slots = np.zeros((groups, slots), dtype=np.bool_)
        """(groups, slots): the banks of which entries matched that are trusted."""
        self.doubted = np.zeros(groups, dtype=np.bool_)
        """(groups,): whether others matched."""
        self._limit = limit
        self._parts: list[Nearest] = []

    def add(self, number: int, segment: Segment, matches: Matches) -> None:
        """Count matches of a segment, which is known by its number; all that a group has there come at once."""
        counts = np.bincount(matches.groups, minlength=len(self.totals))
        self.totals += counts
        trusted = matches.trusted
        self.slots[matches.groups[trusted], segment.columns.slots[matches.rows[trusted]]] = True
        self.doubted[matches.groups[~trusted]] = True
        ids = segment.columns.ids[matches.rows]
        if counts.max(initial=0) > self._limit:
            ends = np.cumsum(counts)
            best = [
                first + _least(matches.distances[first:end], ids[first:end], self._limit)
                for first, end in zip((ends - counts).tolist(), ends.tolist(), strict=True)
                if first < end
            ]
            kept = np.concatenate(best)
            matches, ids = matches.take(kept), ids[kept]
        if len(ids):
            segments = np.full(len(ids), number)
            self._parts.append(
                Nearest(matches.groups, matches.distances, ids, segments, matches.rows, matches.codes, matches.places)
            )

    def nearest(self) -> Nearest:
        """The nearest of each group, at most the limit, by group, distance and id."""
        found = Nearest.joined(self._parts)
        order = np.lexsort((found.ids, found.distances, found.groups))
        groups = found.groups[order]
        rank = np.arange(len(groups)) - np.searchsorted(groups, groups)
        order = order[rank < self._limit]
        return Nearest(*(column[order] for column in found))


def _least(distances: Ints, ids: Ints, limit: int) -> Ints:
    """Return the positions of the `limit` least by distance, then id, in no particular order, in linear time."""
    if len(ids) <= limit:
        return np.arange(len(ids))
    bound = np.partition(distances, limit - 1)[limit - 1]
    nearer = np.flatnonzero(distances < bound)
    level = np.flatnonzero(distances == bound)
    wanted = limit - len(nearer)
    return np.concatenate((nearer, level[np.argpartition(ids[level], wanted - 1)[:wanted]]))
