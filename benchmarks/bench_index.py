"""Exact lookup against bare FAISS and numpy, and the price of a change, at 10 thousand to 1 million entries.

The hashes are random: no query matches, and every entry is compared.
"""

import os
from datetime import UTC, datetime
from functools import cache

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from hashmatch.index import Snapshot
from hashmatch.types import PDQ, Bank, BankPut, Change, Entry, EntryAdded, EntryRemoved, Hash, Provenance

SIZES = (10_000, 100_000, 1_000_000)
BATCHES = {"one image in 8 orientations": (1, 8), "64 hashes": (64, 1)}
THRESHOLD = 31
BATCH = 10_000
CREATED = datetime(2025, 1, 1, tzinfo=UTC)

sizes = pytest.mark.parametrize("size", SIZES, ids="{:,}".format)
batches = pytest.mark.parametrize("batch", BATCHES)


def codes(count: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def added(first: int, known: NDArray[np.uint8]) -> list[Change]:
    provenance = [Provenance(f"content-{first + row:09d}", "a list", ("label",)) for row in range(len(known))]
    return [
        EntryAdded(Entry(first + row, "known", Hash(PDQ, code.tobytes(), 80), provenance[row], CREATED, 1))
        for row, code in enumerate(known)
    ]


@cache
def snapshot(size: int) -> Snapshot:
    built = Snapshot.empty().apply([BankPut(Bank("known", threshold=THRESHOLD))], 1)
    known = codes(size, size)
    for first in range(0, size, BATCH):
        built = built.apply(added(first, known[first : first + BATCH]), 2 + first)
    return built


def groups(batch: str) -> list[list[Hash]]:
    count, hashes = BATCHES[batch]
    found = [Hash(PDQ, code.tobytes(), 80) for code in codes(count * hashes, 1)]
    return [found[first : first + hashes] for first in range(0, len(found), hashes)]


@batches
@sizes
def test_search(benchmark: BenchmarkFixture, size: int, batch: str) -> None:
    benchmark.group = f"search {batch} among {size:,}"
    searched, queries = snapshot(size), groups(batch)
    answers = benchmark(searched.search, queries)
    assert [answer.total for answer in answers] == [0] * len(queries)


@batches
@sizes
def test_search_faiss(benchmark: BenchmarkFixture, size: int, batch: str) -> None:
    benchmark.group = f"search {batch} among {size:,}"
    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(256)
    index.add(codes(size, size))
    queries = codes(BATCHES[batch][0] * BATCHES[batch][1], 1)
    limits, _, _ = benchmark(index.range_search, queries, THRESHOLD + 1)
    assert limits[-1] == 0


@batches
def test_search_numpy(benchmark: BenchmarkFixture, batch: str) -> None:
    benchmark.group = f"search {batch} among {SIZES[0]:,}"
    known = codes(SIZES[0], SIZES[0]).view(np.uint64)
    queries = codes(BATCHES[batch][0] * BATCHES[batch][1], 1).view(np.uint64)

    def search() -> int:
        return sum(int((np.bitwise_count(known ^ query).sum(axis=1) <= THRESHOLD).sum()) for query in queries)

    assert benchmark(search) == 0


def test_search_where_100_000_entries_share_the_hash(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "search one image, every entry matching"
    viral = np.zeros((100_000, 32), dtype=np.uint8)
    shared = Snapshot.empty().apply([BankPut(Bank("known")), *added(0, viral)], 1)
    (answer,) = benchmark(shared.search, [[Hash(PDQ, bytes(32), 80)]])
    assert (answer.total, len(answer.hits)) == (100_000, 100)


@sizes
def test_apply_additions_one_by_one(benchmark: BenchmarkFixture, size: int) -> None:
    benchmark.group = "apply one change"
    current = [snapshot(size)]

    def apply() -> None:
        code = np.frombuffer(os.urandom(32), dtype=np.uint8)
        current[0] = current[0].apply(added(size + current[0].revision, code[None]), current[0].revision + 1)

    benchmark(apply)
    assert current[0].entries[PDQ] - size == current[0].revision - snapshot(size).revision


@sizes
def test_apply_one_removal(benchmark: BenchmarkFixture, size: int) -> None:
    benchmark.group = "apply one change"
    after = benchmark(snapshot(size).apply, [EntryRemoved(size // 2, "known")], 0)
    assert after.entries == {PDQ: size - 1}


def test_load_100_000(benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"load 100,000 entries in batches of {BATCH:,}"
    parts = [added(first, codes(BATCH, first)) for first in range(0, 100_000, BATCH)]

    def load() -> Snapshot:
        loaded = Snapshot.empty().apply([BankPut(Bank("known"))], 1)
        for revision, part in enumerate(parts, 2):
            loaded = loaded.apply(part, revision)
        return loaded

    assert benchmark(load).entries == {PDQ: 100_000}
