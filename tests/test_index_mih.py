"""The tables and the scan give the same answers, and which of them a segment has depends on its size alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashmatch import _core
from hashmatch.index import Snapshot, searcher
from hashmatch.index.flat import Flat
from hashmatch.index.mih import WIDTHS, Mih, substrings, take_aligned
from hashmatch.index.mih import tables as tables_of
from hashmatch.types import Bank, BankPut, Change, EntryAdded, EntryRemoved, Hash
from tests.index_oracle import entry

Pairs = list[list[tuple[int, int]]]


def pairs(found: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]) -> Pairs:
    limits, distances, positions = found
    both = list(zip(positions.tolist(), distances.tolist(), strict=True))
    return [sorted(both[limits[at] : limits[at + 1]]) for at in range(len(limits) - 1)]


def clustered(count: int, width: int, seed: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    centres = random.integers(0, 2, (5, width * 8), dtype=np.uint8)
    flips = random.random((count, width * 8)) < random.choice((0.0, 0.03, 0.1, 0.5), (count, 1))
    return np.packbits(centres[random.integers(0, 5, count)] ^ flips, axis=1)


@given(
    count=st.integers(1, 20_000),
    width=st.sampled_from(WIDTHS),
    radius=st.integers(0, 64),
    seed=st.integers(0, 99),
    most=st.none() | st.integers(1, 2**16),
)
@settings(max_examples=40)
def test_the_same_answers_as_flat(count: int, width: int, radius: int, seed: int, most: int | None) -> None:
    codes, queries = clustered(count, width, seed), clustered(9, width, seed)
    whole = pairs(Flat(codes).range_search(queries, radius))
    for each in (Flat(codes), Mih.build(codes), Mih.build(codes, threads=1)):
        assert len(each) == count
        assert np.array_equal(each.codes, codes)
        found = pairs(each.range_search(queries, radius, most))
        assert found == whole[: max(1, len(found))]
        assert most is not None or len(found) == len(queries)


@given(
    count=st.integers(1, 9_000),
    width=st.sampled_from(WIDTHS),
    nearest=st.integers(1, 20),
    seed=st.integers(0, 99),
)
@settings(max_examples=25)
def test_the_nearest_are_as_near_as_flat_s(count: int, width: int, nearest: int, seed: int) -> None:
    codes, queries = clustered(count, width, seed), clustered(9, width, seed)
    flat, tables = (each.search(queries, nearest) for each in (Flat(codes), Mih.build(codes)))
    assert np.array_equal(flat[0], tables[0])
    assert np.array_equal(flat[1] < 0, tables[1] < 0)


def test_tables_made_in_parts_are_those_made_at_once() -> None:
    codes = clustered(5000, 32, 3)
    assert np.array_equal(np.concatenate([*tables_of(codes)]), _core.mih_build(codes, substrings(5000, 32)))


@pytest.mark.parametrize("bits", [8 * width for width in WIDTHS])
@pytest.mark.parametrize("count", [0, 1, 1000, 10**5, 10**7, 2**32 - 1])
def test_substrings_have_at_most_31_bits_and_as_many_values_as_there_are_codes(count: int, bits: int) -> None:
    width = bits / substrings(count, bits // 8)
    assert width <= 31
    assert width >= 7
    if 10**5 <= count <= 10**7:
        assert np.log2(count) / 1.3 <= width <= np.log2(count) * 1.3


@given(count=st.integers(1, 50), width=st.sampled_from(WIDTHS), seed=st.integers(0, 9))
def test_rows_are_copied_to_whole_cache_lines(count: int, width: int, seed: int) -> None:
    codes = clustered(30, width, seed)
    rows = np.random.default_rng(seed).integers(0, 30, count)
    taken = take_aligned(codes, rows)
    assert np.array_equal(taken, codes[rows])
    assert taken.flags.c_contiguous
    assert taken.ctypes.data % 64 == 0


@pytest.mark.parametrize(("width", "kind"), [(32, Mih), (8, Mih), (16, Mih), (20, Flat), (64, Flat), (1, Flat)])
def test_many_codes_have_tables_where_their_width_allows(width: int, kind: type) -> None:
    codes = clustered(searcher.CROSSOVER, width, 0)
    many, few = searcher.searcher(codes), searcher.searcher(codes[1:])
    assert (type(many), type(few)) == (kind, Flat)
    assert np.array_equal(many.codes, codes)


def test_a_snapshot_answers_alike_with_tables_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, queries = clustered(3000, 32, 1), clustered(100, 32, 1)
    changes: list[Change] = [BankPut(Bank("a", threshold=40)), BankPut(Bank("b", threshold=10))]
    changes += [EntryAdded(entry(at, "ab"[at % 2], Hash("pdq", code.tobytes()))) for at, code in enumerate(codes)]
    later: list[Change] = [EntryRemoved(at, "a") for at in range(0, 500, 2)]
    groups = [[Hash("pdq", code.tobytes()) for code in queries[at : at + 4]] for at in range(0, 100, 4)]
    answers = []
    for crossover in (1, 10**9):
        monkeypatch.setattr(searcher, "CROSSOVER", crossover)
        snapshot = Snapshot.empty().apply(changes, 1).apply(later, 2)
        answers.append(snapshot.search(groups, limit=20))
    assert answers[0] == answers[1]
    assert sum(answer.total for answer in answers[0]) > 0
