"""The search of segments for groups of hashes: columns all the way, as there may be far more matches than hits."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from hashmatch.index.asked import Asked, Ints, Queries, cut
from hashmatch.index.roster import Reach
from hashmatch.index.segment import Segment
from hashmatch.index.tally import Matches, Tally

PAIRS: Final = 2**21
"""About how many pairs of hash and entry within the radius are held at once, some 200 MB; one group may have more."""
HASHES: Final = 4096
"""Most hashes that are looked up at once, or one group."""


class _Near(NamedTuple):
    """Codes within the radius of a part, each once, with the nearest query; parts ascend."""

    parts: Ints
    codes: Ints
    distances: Ints
    queries: Ints


def search(segments: Sequence[Segment], asked: Asked, reach: Reach, tally: Tally) -> None:
    """Find the matches of each group, and have them counted.

    Groups are taken a few at a time, so that the memory needed does not grow with their number.
    """
    for queries in asked.good(reach.lowest_quality, HASHES):
        for number, segment in enumerate(segments):
            for near in _nearest(segment, queries, reach.radius):
                tally.add(number, segment, _matches(segment, near, queries, reach))


def _nearest(segment: Segment, queries: Queries, radius: int) -> Iterator[_Near]:
    """Find the codes within the radius: of all groups at once, or of fewer where there are many pairs.

    Each pair is packed into an integer that sorts by part, code, distance and query.
    """
    owners = queries.groups
    done, end, count = 0, len(owners), len(owners)
    shape: tuple[int, ...] = ()
    nearest = np.empty(0, dtype=np.int64)
    while done < count:
        limits, distances, codes = segment.searcher.range_search(queries.codes[done:end], radius, PAIRS)
        if codes.size:
            query = done + np.repeat(np.arange(len(limits) - 1), np.diff(limits))
            shape = (len(queries.parts.groups), len(segment.searcher), radius + 1, count)
            packed = np.ravel_multi_index((queries.parts.of[query], codes, distances, query), shape)
            nearest = np.sort(np.concatenate((nearest, packed)))
            nearest = nearest[np.flatnonzero(np.diff(nearest // (shape[2] * shape[3]), prepend=-1))]
        done += len(limits) - 1
        whole = done == count or owners[done] != owners[done - 1]
        end = count if whole else int(np.searchsorted(owners, owners[done], side="right"))
        if whole and nearest.size:
            yield from _cut(segment, queries, _Near(*np.unravel_index(nearest, shape)))
            nearest = nearest[:0]


def _cut(segment: Segment, queries: Queries, near: _Near) -> Iterator[_Near]:
    """Take a few groups at a time where the codes are of many entries."""
    entries = segment.starts[near.codes + 1] - segment.starts[near.codes]
    if entries.sum() <= PAIRS:
        yield near
        return
    first = np.flatnonzero(np.diff(queries.parts.groups[near.parts], prepend=-1))
    bounds = [*first.tolist(), len(entries)]
    for chunk in cut(np.add.reduceat(entries, first).tolist(), PAIRS):
        yield _Near(*(column[bounds[chunk.start] : bounds[chunk.stop]] for column in near))


def _matches(segment: Segment, near: _Near, queries: Queries, reach: Reach) -> Matches:
    """Go from codes to the entries that have them; drop those removed or expired, and what their bank does not want."""
    sizes = segment.starts[near.codes + 1] - segment.starts[near.codes]
    source = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.cumsum(sizes, dtype=np.int64)
    rows = np.arange(len(source)) + (segment.starts[near.codes] - ends + sizes)[source]
    live = segment.live[rows]
    source, rows = source[live], rows[live]
    slots, parts = segment.columns.slots[rows], near.parts[source]
    quality = np.minimum(segment.columns.qualities[rows], queries.parts.qualities[parts])
    wanted = (near.distances[source] <= reach.thresholds[slots]) & (quality >= reach.minimums[slots])
    wanted &= (segment.columns.lots[rows] < reach.lots[slots]) & (segment.columns.expires[rows] > reach.now)
    source, rows = source[wanted], rows[wanted]
    groups, places = queries.parts.groups[near.parts[source]], queries.places[near.queries[source]]
    trusted = segment.columns.review_from[rows] > reach.now
    matches = Matches(groups, near.distances[source], rows, near.codes[source], places, trusted)
    return matches if np.diff(queries.parts.groups).all() else _once(matches)


def _once(matches: Matches) -> Matches:
    """Of the matches of one group with one entry, through hashes of several qualities, keep the nearest."""
    order = np.lexsort((matches.places, matches.distances, matches.rows, matches.groups))
    groups, rows = matches.groups[order], matches.rows[order]
    first = (np.diff(groups, prepend=-1) != 0) | (np.diff(rows, prepend=-1) != 0)
    return matches.take(order[first])
