"""Multi-index hashing finds what comparing all codes finds, whatever the codes, and its tables are what they say."""

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashmatch import _core

Codes = NDArray[np.uint8]
Answer = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]

VARIANTS = _core.variants()


class Drawn(NamedTuple):
    """Codes and queries around common centres, as real hashes are."""

    number: int
    width: int
    centres: int
    flipped: float
    """The share of a centre's bits that differ; at 0 all codes of a centre are the same, at 0.5 they are random."""
    seed: int

    def make(self, queries: int = 6) -> tuple[Codes, Codes]:
        random = np.random.default_rng(self.seed)
        centres = random.integers(0, 2, (self.centres, self.width * 8), dtype=np.uint8)

        def around(count: int) -> Codes:
            flips = random.random((count, self.width * 8)) < self.flipped
            return np.packbits(centres[random.integers(0, self.centres, count)] ^ flips, axis=1)

        return around(self.number), around(queries)


def all_distances(queries: Codes, codes: Codes) -> NDArray[np.int64]:
    """(queries, codes), by unpacking the bits: |a| + |b| - 2 a.b."""
    one, other = (np.unpackbits(each, axis=1).astype(np.float32) for each in (queries, codes))
    apart: NDArray[np.int64] = (one.sum(1)[:, None] + other.sum(1)[None, :] - 2 * one @ other.T).astype(np.int64)
    return apart


def pairs(answer: Answer) -> list[list[tuple[int, int]]]:
    """Of each query that was answered, its (position, distance), sorted."""
    limits, distances, positions = answer
    assert [str(array.dtype) for array in answer] == ["int64", "int32", "int64"]
    assert limits[0] == 0
    assert limits[-1] == len(distances) == len(positions)
    both = list(zip(positions.tolist(), distances.tolist(), strict=True))
    return [sorted(both[first:last]) for first, last in pairwise(limits.tolist())]


def expected(queries: Codes, codes: Codes, radius: int) -> list[list[tuple[int, int]]]:
    rows = all_distances(queries, codes)
    return [[(int(at), int(row[at])) for at in np.flatnonzero(row <= radius)] for row in rows]


def check(codes: Codes, queries: Codes, substrings: int, radius: int, variant: str) -> int:
    """Compare with the oracle; returns how many pairs there are."""
    tables = _core.mih_build(codes, substrings)
    found = pairs(_core.mih_range_search(codes, substrings, tables, queries, radius, variant=variant))
    assert found == expected(queries, codes, radius)
    return sum(map(len, found))


def drawn(most: int = 4000) -> st.SearchStrategy[Drawn]:
    return st.builds(
        Drawn,
        number=st.integers(0, 40) | st.integers(0, most),
        width=st.sampled_from((8, 16, 24, 32)),
        centres=st.integers(1, 5),
        flipped=st.sampled_from((0.0, 0.01, 0.04, 0.12, 0.5)),
        seed=st.integers(0, 2**32 - 1),
    )


@pytest.mark.parametrize("variant", VARIANTS)
@given(drawn=drawn(), data=st.data())
@settings(max_examples=60)
def test_finds_what_comparing_everything_finds(variant: str, drawn: Drawn, data: st.DataObject) -> None:
    bits = drawn.width * 8
    substrings = data.draw(st.integers(-(-bits // 20), 32), "substrings")
    radius = data.draw(st.integers(0, 12) | st.integers(0, 64) | st.integers(0, bits), "radius")
    check(*drawn.make(), substrings, radius, variant)


# At 30,000 codes and more the tables are what answers, not the scan that few codes are cheaper with.
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("width", "substrings", "radii"), [(32, 17, (0, 8, 31, 48, 64)), (8, 4, (0, 3, 8, 20)), (16, 8, (0, 15))]
)
@pytest.mark.parametrize("flipped", [0.02, 0.06, 0.5])
def test_many_codes(variant: str, width: int, substrings: int, radii: tuple[int, ...], flipped: float) -> None:
    codes, queries = Drawn(30_000, width, 300, flipped, 7).make(12)
    queries[::3] = codes[:4]
    for radius in radii:
        assert check(codes, queries, substrings, radius, variant) >= 4


# A substring's value that a third of all codes share: the query has to spend its radius on the other substrings, or,
# where every substring is like that, to scan.
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("skewed", [slice(0, 2), slice(8, 24), slice(0, 32)])
def test_values_that_many_codes_share(variant: str, skewed: slice) -> None:
    random = np.random.default_rng(5)
    codes = random.integers(0, 256, (40_000, 32), dtype=np.uint8)
    for column in range(*skewed.indices(32)):
        codes[random.random(len(codes)) < 0.6, column] = 0
    queries = np.concatenate(
        (codes[:6], np.zeros((1, 32), np.uint8), codes[6:10] ^ random.integers(0, 2, 32, np.uint8))
    )
    for radius in (0, 8, 31, 48):
        check(codes, queries, 17, radius, variant)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("width", [8, 32])
@pytest.mark.parametrize("position", [0, 20_000, 39_999])
def test_the_radius_is_inclusive_wherever_the_bits_are(variant: str, width: int, position: int) -> None:
    random = np.random.default_rng(position)
    codes = random.integers(0, 256, (40_000, width), dtype=np.uint8)
    substrings = 17 if width == 32 else 4
    tables = _core.mih_build(codes, substrings)
    for radius in (0, 1, 7, 11):
        for placed in (range(radius), range(width * 8 - radius, width * 8), random.permutation(width * 8)[:radius]):
            mask = np.zeros(width * 8, np.uint8)
            mask[list(placed)] = 1
            query = codes[position : position + 1] ^ np.packbits(mask)
            (found,) = pairs(_core.mih_range_search(codes, substrings, tables, query, radius, variant=variant))
            assert (position, radius) in found
            if radius:
                (found,) = pairs(_core.mih_range_search(codes, substrings, tables, query, radius - 1, variant=variant))
                assert position not in dict(found)


@given(drawn=drawn(), substrings=st.integers(13, 32), threads=st.integers(0, 5))
@example(drawn=Drawn(3000, 32, 1, 0.0, 0), substrings=13, threads=2)
@settings(max_examples=40)
def test_the_tables_sort_positions_by_the_value_of_each_substring(drawn: Drawn, substrings: int, threads: int) -> None:
    codes, _ = drawn.make()
    tables = _core.mih_build(codes, substrings, threads=threads)
    bits = np.unpackbits(codes, axis=1, bitorder="little").astype(np.int64)
    edges = [bits.shape[1] * i // substrings for i in range(substrings + 1)]
    expected_tables = []
    for first, last in pairwise(edges):
        values = bits[:, first:last] @ (1 << np.arange(last - first))
        order = np.argsort(values, kind="stable")
        expected_tables += [np.searchsorted(values[order], np.arange(2 ** (last - first) + 1)), order]
    assert np.array_equal(tables, np.concatenate(expected_tables))
    cuts = [0, substrings // 3, substrings]
    parts = [_core.mih_build(codes, substrings, first=a, last=b, threads=threads) for a, b in pairwise(cuts)]
    assert np.array_equal(tables, np.concatenate(parts))


@pytest.mark.parametrize("radius", [4, 40, 64])
@given(drawn=drawn(600), count=st.integers(0, 150), most=st.integers(1, 3000))
@settings(max_examples=30)
def test_a_bounded_search_answers_the_first_queries_in_full(radius: int, drawn: Drawn, count: int, most: int) -> None:
    codes, queries = drawn.make(count)
    substrings = 16
    tables = _core.mih_build(codes, substrings)
    whole = pairs(_core.mih_range_search(codes, substrings, tables, queries, radius))
    some = pairs(_core.mih_range_search(codes, substrings, tables, queries, radius, most=most))
    assert some == whole[: len(some)]
    assert len(some) >= min(1, count)
    assert sum(map(len, some)) < most + 2 * max(1, len(codes))
    assert len(some) == count or sum(map(len, whole)) >= most


@pytest.mark.parametrize("variant", VARIANTS)
@given(drawn=drawn(), count=st.integers(1, 30) | st.integers(1, 5000))
@example(drawn=Drawn(30_000, 32, 100, 0.02, 1), count=5)
@example(drawn=Drawn(30_000, 8, 300, 0.02, 1), count=5)
@example(drawn=Drawn(30_000, 32, 1, 0.0, 1), count=7)
@settings(max_examples=40)
def test_the_nearest_are_those_that_sorting_all_distances_gives(variant: str, drawn: Drawn, count: int) -> None:
    codes, queries = drawn.make(70 if count < 10 else 3)
    substrings = 16 if drawn.width == 32 else 10
    distances, positions = _core.mih_search(
        codes, substrings, _core.mih_build(codes, substrings), queries, count, variant=variant
    )
    assert (str(distances.dtype), str(positions.dtype)) == ("int32", "int64")
    true = all_distances(queries, codes)
    order = np.argsort(true, axis=1, kind="stable")[:, :count]
    held = min(count, len(codes))
    assert np.array_equal(positions[:, :held], order)
    assert np.array_equal(distances[:, :held], np.take_along_axis(true, order, axis=1))
    assert (positions[:, held:] == -1).all()
    assert (distances[:, held:] == -1).all()


def test_several_threads_may_search_at_once() -> None:
    codes, queries = Drawn(20_000, 32, 50, 0.05, 3).make(40)
    substrings = 16
    tables = _core.mih_build(codes, substrings, threads=2)
    right = expected(queries, codes, 31)
    wrong: list[object] = []

    def search() -> None:
        for _ in range(20):
            found = pairs(_core.mih_range_search(codes, substrings, tables, queries, 31))
            wrong.extend(one for one, other in zip(found, right, strict=True) if one != other)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_read_only_arrays_and_any_alignment() -> None:
    codes, queries = Drawn(5_000, 32, 20, 0.05, 4).make()
    memory = np.empty(codes.size + 1, np.uint8)
    odd = memory[1:].reshape(codes.shape)
    odd[:] = codes
    tables = _core.mih_build(odd, 16)
    for array in (odd, tables, queries):
        array.flags.writeable = False
    assert pairs(_core.mih_range_search(odd, 16, tables, queries, 31)) == expected(queries, codes, 31)


CODES = np.zeros((10, 32), np.uint8)
TABLES = _core.mih_build(CODES, 16)


@pytest.mark.parametrize(
    "call",
    [
        lambda: _core.mih_build(CODES, 8),
        lambda: _core.mih_build(CODES, 33),
        lambda: _core.mih_build(CODES[:, :20].copy(), 16),
        lambda: _core.mih_build(CODES[:, ::2], 16),
        lambda: _core.mih_build(CODES.astype(np.int8), 16),
        lambda: _core.mih_build(CODES[0], 16),
        lambda: _core.mih_build(CODES, 16, first=3, last=3),
        lambda: _core.mih_build(CODES, 16, last=17),
        lambda: _core.mih_range_search(CODES[:9], 16, TABLES, CODES, 1),
        lambda: _core.mih_range_search(CODES, 17, TABLES, CODES, 1),
        lambda: _core.mih_range_search(CODES, 16, TABLES[:-1], CODES, 1),
        lambda: _core.mih_range_search(CODES, 16, TABLES[:0], CODES, 1),
        lambda: _core.mih_range_search(CODES, 16, TABLES.astype(np.int64), CODES, 1),
        lambda: _core.mih_range_search(CODES, 16, TABLES, np.zeros((1, 8), np.uint8), 1),
        lambda: _core.mih_range_search(CODES, 16, TABLES, CODES, -1),
        lambda: _core.mih_range_search(CODES, 16, TABLES, CODES, 257),
        lambda: _core.mih_range_search(CODES, 16, TABLES, CODES, 1, most=0),
        lambda: _core.mih_search(CODES, 16, TABLES, CODES, 0),
        lambda: _core.mih_search(CODES, 16, TABLES, np.zeros((1, 8), np.uint8), 1),
        lambda: _core.mih_search(CODES, 15, TABLES, CODES, 1),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_errors(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        call()
