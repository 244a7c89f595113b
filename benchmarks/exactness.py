"""Every match of the index against brute force: 0 misses and 0 extras: `python -m benchmarks.exactness`.

A loop of its own compares each query with all codes, once at the largest threshold; what the tables find at every
threshold must be just that, distances included. Parts of a long run are told apart by --seed: each has queries of its
own, and the sum of parts without a difference is a run without one.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks import brute
from benchmarks.codes import clustered, flipped, uniform
from hashmatch.index.mih import Mih, cores, take_aligned

AT_ONCE = 256
DATA = {"uniform": uniform, "clustered": clustered}
Codes = NDArray[np.uint8]


def queries(codes: Codes, data: str, count: int, most: int, seed: int) -> Iterator[Codes]:
    """Yield batches of which half are within `most` bits of a code, and half as the codes are."""
    random = np.random.default_rng((seed, count))
    for first in range(0, count, AT_ONCE):
        batch = DATA[data](min(AT_ONCE, count - first), random)
        near = codes[random.integers(0, len(codes), len(batch[::2]))]
        batch[::2] = flipped(near, most, random)
        yield batch


def differences(oracle: brute.Brute, tables: Mih, batch: Codes, thresholds: list[int]) -> Counter[str]:
    """How many pairs the tables miss, have in excess, tell a wrong distance of, and how many there are in truth."""
    told = Counter[str]()
    all_pairs, all_distances = oracle.range_search(batch, max(thresholds))
    order = np.argsort(all_pairs)
    all_pairs, all_distances = all_pairs[order], all_distances[order]
    for threshold in thresholds:
        near = all_distances <= threshold
        true, apart = all_pairs[near], all_distances[near]
        limits, distances, positions = tables.range_search(batch, threshold)
        found = np.repeat(np.arange(len(batch)), np.diff(limits)) << 32 | positions
        order = np.argsort(found)
        found, distances = found[order], distances[order]
        told["matches"] += len(true)
        if np.array_equal(found, true):
            told["wrong distances"] += int(np.count_nonzero(distances != apart))
        else:
            told["misses"] += len(np.setdiff1d(true, found))
            told["extras"] += len(found) - len(np.intersect1d(true, found))
    return told


def compare(data: str, entries: int, count: int, thresholds: list[int], seed: int) -> Counter[str]:
    """The differences of all queries, on all cores."""
    codes = DATA[data](entries, np.random.default_rng(entries))
    codes = take_aligned(codes, np.arange(entries))
    tables, oracle = Mih.build(codes), brute.Brute(codes)
    told = Counter[str]()
    batches = queries(codes, data, count, max(thresholds), seed)
    with Progress() as progress, ThreadPoolExecutor(cores()) as pool:
        task = progress.add_task(f"{data}, {entries:,}", total=count)
        while some := list(islice(batches, 4 * cores())):
            for batch, found in zip(
                some, pool.map(lambda each: differences(oracle, tables, each, thresholds), some), strict=True
            ):
                told += found
                progress.advance(task, len(batch))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=10_000, help="of each kind of data")
    parser.add_argument("--thresholds", type=int, nargs="+", default=[0, 8, 31, 48], help="bits, inclusive")
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=DATA)
    parser.add_argument("--seed", type=int, default=0, help="another number, other queries")
    arguments = parser.parse_args()
    brute.check(np.random.default_rng(arguments.seed))
    wrong = 0
    for data in arguments.data:
        told = compare(data, arguments.entries, arguments.queries, arguments.thresholds, arguments.seed)
        wrong += told["misses"] + told["extras"] + told["wrong distances"]
        print(
            f"{data}: {arguments.queries:,} queries, seed {arguments.seed}, among {arguments.entries:,} entries at "
            f"{arguments.thresholds}: {told['misses']} misses, {told['extras']} extras, "
            f"{told['wrong distances']} wrong distances, {told['matches']:,} matches"
        )
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
