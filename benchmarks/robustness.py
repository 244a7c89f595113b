"""Recall of altered copies and false matches of unrelated pictures, by kind of hash: `python -m benchmarks.robustness`.

Every photograph is known by its pixels as they were decoded; a copy of it is altered, stored as a file, decoded as the
service does, and found where one of its hashes is within the kind's default threshold. Photographs whose own quality
a bank refuses by default are left out of the kind's figures; copies whose quality it refuses count as missed.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import photographs, robustness_report
from benchmarks.queries import distances, hashed
from benchmarks.transformations import Pixels, Transformation, all_transformations
from benchmarks.unrelated import BORDERED_GRIDS, GRIDS, Unrelated, compare, pictures
from hashmatch.cli.output import progress
from hashmatch.hashing import KINDS
from hashmatch.media import decode
from hashmatch.settings import MediaLimits
from hashmatch.types import Frame

BARS = 0.17
"""The bars around queries whose false matches are counted, as a share of the height."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that was measured of one kind."""

    kind: str
    threshold: int
    photographs: int
    """How many are of sufficient quality."""
    distances: NDArray[np.int64]
    """(transformations, ways, photographs of sufficient quality)"""
    pictures: int
    """Whole photographs and tiles."""
    unrelated: Unrelated
    """Pairs of pictures as they are."""
    bordered: Unrelated
    """Queries within black bars, and known pictures without."""

    def recall(self) -> NDArray[np.float64]:
        """(transformations, ways): shares of 1 at the default threshold."""
        shares: NDArray[np.float64] = np.mean(self.distances <= self.threshold, axis=2)
        return shares


def copies(photos: Sequence[Pixels], changes: Sequence[Transformation]) -> dict[str, NDArray[np.int64]]:
    """(transformations, ways, photographs) distances of altered copies, by kind, of photographs of good quality."""
    found: dict[str, list[NDArray[np.int64]]] = {}
    for photo in progress(photos, len(photos), "altering photographs", False):
        known = hashed(Frame(np.ascontiguousarray(photo), "", photo.shape[1], photo.shape[0]))
        queries = [hashed(decode(change.apply(photo), MediaLimits())) for change in changes]
        for kind, original in known.items():
            if original.good[0]:
                apart = [distances(query[kind], original.codes[:1])[:, 0] for query in queries]
                found.setdefault(kind, []).append(np.stack(apart))
    return {kind: np.stack(apart, axis=-1) for kind, apart in found.items()}


def measure(photos: Sequence[Pixels], changes: Sequence[Transformation]) -> list[Outcome]:
    """Everything, for each kind that sees pictures."""
    recalled = copies(photos, changes)
    plain = list(pictures(photos, GRIDS, 0))
    barred = list(pictures(photos, BORDERED_GRIDS, BARS))
    starts = [next(at for at, (owner, _) in enumerate(plain) if owner == number) for number in range(len(photos))]
    outcomes = []
    for kind, apart in recalled.items():
        known = [(owner, query[kind]) for owner, query in plain]
        bordered = [(owner, query[kind]) for owner, query in barred]
        outcomes.append(
            Outcome(
                kind,
                KINDS[kind].default_threshold,
                apart.shape[2],
                apart,
                len(known),
                compare(known, known, starts, each_once=True),
                compare(bordered, known, starts, each_once=False),
            )
        )
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=None, help="only so many of them, for a quick look")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder of robustness.md and .png")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    folder = photographs.cache_folder()
    chosen = photographs.fetch(folder)[: arguments.photographs]
    photos = [photographs.load(photo, folder) for photo in chosen]
    changes = list(all_transformations())
    outcomes = measure(photos, changes)
    robustness_report.write(arguments.output, [photo.name for photo in chosen], changes, outcomes)


if __name__ == "__main__":
    main()
