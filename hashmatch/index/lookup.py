"""The search of segments for groups of hashes: columns all the way, as there may be far more matches than hits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.roster import Reach
from hashmatch.index.segment import Segment

PAIRS: Final = 2**21
"""About how many pairs of hash and entry within the radius are held at once, some 200 MB; one group may have more."""
HASHES: Final = 4096
"""Most hashes that are looked up at once, or one group."""

Ints = NDArray[np.int64]


class Candidate(NamedTuple):
    """A match that may become a hit; sorts as hits do."""

    distance: int
    id: int
    segment: int
    """Position among the segments."""
    row: int
    code: int
    query: int
    """Position in the group."""


class _Queries(NamedTuple):
    """The hashes of some groups that are good enough to be compared.

    Those of one group that are of one quality are a part: whichever is nearest to an entry decides for all of them.
    """

    codes: NDArray[np.uint8]
    """(queries, bytes of a code)."""
    places: Ints
    """(queries,): the position in the group."""
    parts: Ints
    """(queries,)."""
    groups: Ints
    """(parts,): ascending."""
    qualities: Ints
    """(parts,)."""

    @classmethod
    def of(cls, groups: Sequence[NDArray[np.uint8]], qualities: Sequence[NDArray[np.uint8]], lowest: int) -> "_Queries":
        """Take the hashes whose quality is `lowest` or better."""
        places = [np.flatnonzero(each >= lowest) for each in qualities]
        group = np.repeat(np.arange(len(groups)), [len(each) for each in places])
        quality = np.concatenate([each[kept] for each, kept in zip(qualities, places, strict=True)])
        keys, parts = np.unique(group << 8 | quality, return_inverse=True)
        codes = np.concatenate([each[kept] for each, kept in zip(groups, places, strict=True)])
        return cls(codes, np.concatenate(places), parts, keys >> 8, keys & 0xFF)


class Near(NamedTuple):
    """Codes within the radius of a part, each once, with the nearest query; parts ascend."""

    parts: Ints
    codes: Ints
    distances: Ints
    queries: Ints


class Matches(NamedTuple):
    """Entries that their banks let match, each once for a group; groups ascend."""

    groups: Ints
    source: Ints
    """Positions in `Near`."""
    rows: Ints

    def take(self, chosen: Ints | slice) -> "Matches":
        return Matches(*(column[chosen] for column in self))


@dataclass(slots=True)
class Tally:
    """What was found for one group."""

    slots: NDArray[np.bool_]
    """(slots,): the banks that matched."""
    total: int = 0
    """How many entries matched."""
    nearest: list[Candidate] = field(default_factory=list)
    """The nearest of each segment, at most the limit from each."""

    def add(self, number: int, segment: Segment, near: Near, matches: Matches, places: Ints, limit: int) -> None:
        """Count matches of one segment, and keep the nearest; `places` gives each query's position in its group."""
        self.total += len(matches.rows)
        self.slots[segment.columns.slots[matches.rows]] = True
        ids, distances = segment.columns.ids[matches.rows], near.distances[matches.source]
        best = _least(distances, ids, limit)
        rows, source = matches.rows[best], matches.source[best]
        columns = (distances[best], ids[best], rows, near.codes[source], places[near.queries[source]])
        for distance, entry, row, code, query in zip(*(column.tolist() for column in columns), strict=True):
            self.nearest.append(Candidate(distance, entry, number, row, code, query))


T = TypeVar("T", bound=Tally)


def search(
    segments: Sequence[Segment],
    groups: Sequence[NDArray[np.uint8]],
    qualities: Sequence[NDArray[np.uint8]],
    reach: Reach,
    limit: int,
    tally: type[T],
) -> list[T]:
    """Find the matches of each group: uint8 (hashes, bytes of a code), and uint8 (hashes,), their qualities.

    They are counted by a `tally` for each. Groups are taken a few at a time, so that the memory needed does not grow
    with their number.
    """
    tallies = [tally(np.zeros(len(reach.minimums), dtype=np.bool_)) for _ in groups]
    lowest = reach.lowest_quality
    lengths = [int(np.count_nonzero(each >= lowest)) for each in qualities]
    for chunk in _chunks(lengths, HASHES) if any(lengths) else ():
        queries = _Queries.of(groups[chunk], qualities[chunk], lowest)
        for number, segment in enumerate(segments):
            for near in _nearest(segment, queries, int(reach.thresholds.max())):
                matches = _matches(segment, near, queries, reach)
                found, first = np.unique(matches.groups, return_index=True)
                bounds = pairwise([*first.tolist(), len(matches.groups)])
                for group, (start, stop) in zip(found.tolist(), bounds, strict=True):
                    part = matches.take(slice(start, stop))
                    tallies[chunk][group].add(number, segment, near, part, queries.places, limit)
    return tallies


def _chunks(lengths: Sequence[int], most: int) -> Iterator[slice]:
    """Cut groups of those lengths into runs no longer than `most`, or of one group."""
    first = total = 0
    for last, length in enumerate(lengths):
        if total + length > most and last > first:
            yield slice(first, last)
            first, total = last, 0
        total += length
    yield slice(first, len(lengths))


def _nearest(segment: Segment, queries: _Queries, radius: int) -> Iterator[Near]:
    """Find the codes within the radius: of all groups at once, or of fewer where there are many pairs.

    Each pair is packed into an integer that sorts by part, code, distance and query.
    """
    owners = queries.groups[queries.parts]
    done, end, count = 0, len(owners), len(owners)
    shape = (len(queries.groups), len(segment.searcher), radius + 1, count)
    nearest = np.empty(0, dtype=np.int64)
    while done < count:
        limits, distances, codes = segment.searcher.range_search(queries.codes[done:end], radius, PAIRS)
        if codes.size:
            query = done + np.repeat(np.arange(len(limits) - 1), np.diff(limits))
            packed = np.ravel_multi_index((queries.parts[query], codes, distances, query), shape)
            nearest = np.sort(np.concatenate((nearest, packed)))
            nearest = nearest[np.flatnonzero(np.diff(nearest // (shape[2] * shape[3]), prepend=-1))]
        done += len(limits) - 1
        whole = done == count or owners[done] != owners[done - 1]
        end = count if whole else int(np.searchsorted(owners, owners[done], side="right"))
        if whole and nearest.size:
            yield from _cut(segment, queries, Near(*np.unravel_index(nearest, shape)))
            nearest = nearest[:0]


def _cut(segment: Segment, queries: _Queries, near: Near) -> Iterator[Near]:
    """Take a few groups at a time where the codes are of many entries."""
    entries = segment.starts[near.codes + 1] - segment.starts[near.codes]
    if entries.sum() <= PAIRS:
        yield near
        return
    first = np.flatnonzero(np.diff(queries.groups[near.parts], prepend=-1))
    bounds = [*first.tolist(), len(entries)]
    for chunk in _chunks(np.add.reduceat(entries, first).tolist(), PAIRS):
        yield Near(*(column[bounds[chunk.start] : bounds[chunk.stop]] for column in near))


def _matches(segment: Segment, near: Near, queries: _Queries, reach: Reach) -> Matches:
    """Go from codes to the entries that have them, and drop those that are removed or their bank does not want."""
    sizes = segment.starts[near.codes + 1] - segment.starts[near.codes]
    source = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.cumsum(sizes, dtype=np.int64)
    rows = np.arange(len(source)) + (segment.starts[near.codes] - ends + sizes)[source]
    live = segment.live[rows]
    source, rows = source[live], rows[live]
    slots, parts = segment.columns.slots[rows], near.parts[source]
    quality = np.minimum(segment.columns.qualities[rows], queries.qualities[parts])
    wanted = (near.distances[source] <= reach.thresholds[slots]) & (quality >= reach.minimums[slots])
    matches = Matches(queries.groups[parts], source, rows).take(np.flatnonzero(wanted))
    return matches if np.diff(queries.groups).all() else _once(matches, near)


def _once(matches: Matches, near: Near) -> Matches:
    """Of the matches of one group with one entry, through hashes of several qualities, keep the nearest."""
    distances, queries = near.distances[matches.source], near.queries[matches.source]
    order = np.lexsort((queries, distances, matches.rows, matches.groups))
    groups, rows = matches.groups[order], matches.rows[order]
    first = (np.diff(groups, prepend=-1) != 0) | (np.diff(rows, prepend=-1) != 0)
    return matches.take(order[first])


def _least(distances: Ints, ids: Ints, limit: int) -> Ints:
    """Return the positions of the `limit` least by distance, then id, in no particular order, in linear time."""
    if len(ids) <= limit:
        return np.arange(len(ids))
    bound = np.partition(distances, limit - 1)[limit - 1]
    nearer = np.flatnonzero(distances < bound)
    level = np.flatnonzero(distances == bound)
    wanted = limit - len(nearer)
    return np.concatenate((nearer, level[np.argpartition(ids[level], wanted - 1)[:wanted]]))
