"""Every match of the index against brute force: 0 misses and 0 extras: `python -m benchmarks.exactness`.

FAISS's flat index compares each query with all codes, on all cores, once at the largest threshold; what the tables find
at every threshold must be just that. Parts of a long run are told apart by --seed: each has queries of its own.
"""

import argparse
from collections.abc import Iterator

import faiss
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.index import BITS, clustered, flipped, uniform
from hashmatch.index.mih import Mih, take_aligned

AT_ONCE = 256
DATA = {"uniform": uniform, "clustered": clustered}


def queries(codes: NDArray[np.uint8], data: str, count: int, most: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield batches of which half are within `most` bits of a code, and half as the codes are."""
    random = np.random.default_rng(seed)
    for first in range(0, count, AT_ONCE):
        batch = DATA[data](min(AT_ONCE, count - first), random)
        near = codes[random.integers(0, len(codes), len(batch[::2]))]
        batch[::2] = flipped(near, most, random)
        yield batch


def pairs(limits: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Queries and positions as one number each, sorted."""
    query = np.repeat(np.arange(len(limits) - 1), np.diff(limits))
    return np.sort(query << 32 | positions)


def compare(data: str, entries: int, count: int, thresholds: list[int], seed: int) -> tuple[int, int, int]:
    """Misses, extras and matches in all."""
    codes = DATA[data](entries, np.random.default_rng(entries))
    codes = take_aligned(codes, np.arange(entries))
    tables, flat = Mih.build(codes), faiss.IndexBinaryFlat(BITS)
    flat.add(codes)
    misses = extras = matches = 0
    with Progress() as progress:
        task = progress.add_task(f"{data}, {entries:,}", total=count)
        for batch in queries(codes, data, count, max(thresholds), seed):
            limits, distances, positions = flat.range_search(batch, max(thresholds) + 1)
            query = np.repeat(np.arange(len(batch)), np.diff(limits.astype(np.int64)))
            for threshold in thresholds:
                near = distances <= threshold
                true = np.sort(query[near] << 32 | positions[near])
                found_limits, found_distances, found_positions = tables.range_search(batch, threshold)
                found = pairs(found_limits, found_positions)
                if len(found_distances) and found_distances.max() > threshold:
                    raise AssertionError("a distance is larger than the threshold")
                misses += len(np.setdiff1d(true, found))
                extras += len(found) - len(np.intersect1d(true, found))
                matches += len(true)
            progress.advance(task, len(batch))
    return misses, extras, matches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=10_000, help="of each kind of data")
    parser.add_argument("--thresholds", type=int, nargs="+", default=[0, 8, 31, 48], help="bits, inclusive")
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=DATA)
    parser.add_argument("--seed", type=int, default=0, help="another number, other queries")
    arguments = parser.parse_args()
    wrong = 0
    for data in arguments.data:
        misses, extras, matches = compare(
            data, arguments.entries, arguments.queries, arguments.thresholds, arguments.seed
        )
        wrong += misses + extras
        print(
            f"{data}: {arguments.queries:,} queries among {arguments.entries:,} entries at {arguments.thresholds}: "
            f"{misses} misses, {extras} extras, {matches:,} matches"
        )
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
