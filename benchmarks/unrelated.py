"""False matches: how near unrelated pictures come to one another, for every kind of hash.

Pictures are whole photographs and square grids of tiles of them. Two pictures are unrelated where they come from
different photographs, of which each shows another scene; pairs within one photograph are not counted at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.queries import FAR, WAYS, Query, distances, hashed
from benchmarks.transformations import Pixels, barred, encode
from hashmatch.cli.output import progress
from hashmatch.media import decode
from hashmatch.settings import MediaLimits

GRIDS = (1, 3, 5, 8)
"""Tiles along either side of a photograph; the first is the whole of it."""
BORDERED_GRIDS = (1, 3)
SHORTEST_SIDE = 64
"""Pixels; smaller tiles are left out."""


class Unrelated(NamedTuple):
    """What came of the pairs of one kind."""

    pairs: int
    """Of those that a bank compares: of sufficient quality."""
    histograms: NDArray[np.int64]
    """(ways, bits + 1): how many pairs are at each distance, by what is looked for."""
    nearest: list[tuple[int, int, int]]
    """Distance and numbers of the photographs, for the pairs of whole photographs that are nearest in all ways."""


def tiles(photo: Pixels, grids: Sequence[int]) -> Iterator[Pixels]:
    """The tiles of each grid, without those that are too small."""
    height, width = photo.shape[:2]
    for grid in grids:
        if min(height, width) // grid >= SHORTEST_SIDE:
            for row in range(grid):
                for column in range(grid):
                    part = photo[row * height // grid : (row + 1) * height // grid]
                    yield part[:, column * width // grid : (column + 1) * width // grid]


def pictures(photos: Sequence[Pixels], grids: Sequence[int], bars: float) -> Iterator[tuple[int, Mapping[str, Query]]]:
    """The number of the photograph, and the hashes by kind, of each tile, with black bars above and below it."""
    for number, photo in enumerate(progress(photos, len(photos), "hashing tiles", False)):
        for tile in tiles(photo, grids):
            data = encode(barred(tile, bars, 0) if bars else tile, ".jpg", 90)
            yield number, hashed(decode(data, MediaLimits()))


def compare(
    queries: Sequence[tuple[int, Query]], known: Sequence[tuple[int, Query]], wholes: Sequence[int], each_once: bool
) -> Unrelated:
    """Compare queries with known pictures of other photographs.

    `each_once` says that both are the same pictures, of which each pair counts once; `wholes` are the positions
    among them of the whole photographs.
    """
    owners = np.array([owner for owner, _ in known])
    codes = np.stack([query.codes[0] for _, query in known])
    good = np.array([bool(query.good[0]) for _, query in known])
    histograms = np.zeros((len(WAYS), codes.shape[1] * 8 + 1), np.int64)
    pairs = 0
    nearest: list[tuple[int, int, int]] = []
    for position, (owner, query) in enumerate(progress(queries, len(queries), "comparing", False)):
        start = position + 1 if each_once else 0
        others = start + np.flatnonzero(good[start:] & (owners[start:] != owner))
        if not query.good.any() or not len(others):
            continue
        found = distances(query, codes[others])
        pairs += len(others)
        for way, row in enumerate(found):
            histograms[way] += np.bincount(row[row < FAR], minlength=histograms.shape[1])
        if each_once and position in wholes:
            both = found[-1][np.isin(others, wholes)]
            nearest += zip(
                both.tolist(), [owner] * len(both), owners[np.intersect1d(others, wholes)].tolist(), strict=True
            )
    return Unrelated(pairs, histograms, sorted(nearest)[:10])
