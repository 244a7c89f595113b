"""A search finds what comparing everything finds: all of it, and nothing else."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashmatch.errors import InvalidInput, NotFound
from hashmatch.index import Snapshot, levels, lookup
from hashmatch.index.space import Space
from hashmatch.types import (
    PDQ,
    Action,
    Bank,
    BankPut,
    Change,
    EntryAdded,
    EntryRemoved,
    Hash,
    KindPolicy,
    Orientation,
    Provenance,
)
from hashmatch.types.moments import microseconds
from tests.index_oracle import CREATED, HASHES, NAMES, WIDTHS, Oracle, batches, bits, entry, groups

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
ZERO = Hash(PDQ, bytes(32), 100)


AS_IS = (levels.TAIL, levels.REMOVED_SHARE, lookup.PAIRS, lookup.HASHES)


@pytest.fixture(params=[AS_IS, (2, 0.8, 3, 4)], ids=["as-is", "tiny"], scope="module")
def _sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the sizes as they are, and so small that a few entries fill several segments and chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "TAIL", request.param[0])
        patch.setattr(levels, "REMOVED_SHARE", request.param[1])
        patch.setattr(lookup, "PAIRS", request.param[2])
        patch.setattr(lookup, "HASHES", request.param[3])
        yield


def filled(known: Sequence[Hash], bank: Bank) -> Snapshot:
    changes: list[Change] = [BankPut(bank)]
    changes += [EntryAdded(entry(number, bank.name, item)) for number, item in enumerate(known)]
    return Snapshot.empty().apply(changes, 1)


@pytest.mark.usefixtures("_sizes")
@given(
    parts=batches(),
    queries=st.lists(groups(), max_size=4),
    names=st.sets(st.sampled_from(NAMES)),
    limit=st.sampled_from((1, 2, 5, 100)),
    ceilings=st.dictionaries(st.sampled_from(sorted(WIDTHS)), st.sampled_from((0, 1, 5, 30, 64))),
)
@settings(max_examples=60)
def test_finds_what_comparing_everything_finds(
    parts: list[list[Change]], queries: list[list[Hash]], names: set[str], limit: int, ceilings: dict[str, int]
) -> None:
    snapshot, oracle = Snapshot.empty(), Oracle()
    for revision, changes in enumerate(parts, 1):
        snapshot, oracle = snapshot.apply(changes, revision), oracle.apply(changes)
    chosen = sorted(names & oracle.banks.keys())
    expected = [oracle.search(query, chosen, limit, ceilings, CREATED) for query in queries]
    assert snapshot.search(queries, chosen, limit, ceilings, microseconds(CREATED)) == expected
    assert snapshot.banks == oracle.banks
    assert +Counter(snapshot.entries) == oracle.sizes


@pytest.mark.parametrize("threshold", [0, 1, 31, 63, 64])
def test_the_threshold_is_inclusive(threshold: int) -> None:
    known = [Hash(PDQ, bits((1 << ones) - 1)) for ones in range(70)]
    (found,) = filled(known, Bank("a", threshold=threshold)).search([[ZERO]])
    assert [hit.distance for hit in found.hits] == list(range(threshold + 1))
    assert [hit.entry.hash for hit in found.hits] == known[: threshold + 1]


@pytest.mark.parametrize(("threshold", "ceiling", "reached"), [(31, 8, 8), (5, 8, 5), (31, 0, 0), (8, 8, 8)])
def test_a_kind_with_a_ceiling_is_searched_no_further(threshold: int, ceiling: int, reached: int) -> None:
    known = [Hash("phash", ((1 << ones) - 1).to_bytes(8)) for ones in range(64)]
    snapshot = filled(known, Bank("a", threshold=threshold))
    (found,) = snapshot.search([[Hash("phash", bytes(8))]], ceilings={"phash": ceiling, PDQ: 64})
    assert [hit.distance for hit in found.hits] == list(range(reached + 1))
    assert {hit.threshold for hit in found.hits} == {reached}


@pytest.mark.parametrize(("own", "reached"), [(12, 12), (3, 3), (0, 0), (None, 8)])
def test_a_banks_threshold_for_a_kind_stands_above_the_kinds_own(own: int | None, reached: int) -> None:
    known = [Hash("phash", ((1 << ones) - 1).to_bytes(8)) for ones in range(64)]
    snapshot = filled(known, Bank("a", threshold=20, kinds=(KindPolicy("dhash", 1), KindPolicy("phash", own))))
    (found,) = snapshot.search([[Hash("phash", bytes(8))]], ceilings={"phash": 8})
    assert [hit.distance for hit in found.hits] == list(range(reached + 1))
    assert {hit.threshold for hit in found.hits} == {reached}


def test_a_banks_minimum_quality_for_a_kind_is_that_kinds_alone() -> None:
    snapshot = filled([ZERO, Hash("short", bytes(8), 100)], Bank("a", kinds=(KindPolicy(PDQ, None, 90),)))
    low = [Hash(PDQ, bytes(32), 89)], [Hash("short", bytes(8), 89)]
    answers = snapshot.search(low)
    assert [found.total for found in answers] == [0, 1]
    assert [found.banks_not_compared for found in answers] == [("a",), ()]


def test_time_decides_as_it_passes() -> None:
    def at(seconds: int) -> datetime:
        return CREATED + timedelta(seconds=seconds)

    bank = Bank("a", action=Action.BLOCK, disabled_until=at(-10))
    changes: list[Change] = [BankPut(bank), EntryAdded(entry(1, "a", ZERO, expires=at(10), review_from=at(0)))]
    snapshot = Snapshot.empty().apply(changes, 1)
    tick = timedelta(microseconds=1)
    for moment, actions in (
        (at(-10) - tick, []),
        (at(-10), [Action.BLOCK]),
        (at(0) - tick, [Action.BLOCK]),
        (at(0), [Action.REVIEW]),
        (at(10) - tick, [Action.REVIEW]),
        (at(10), []),
    ):
        (found,) = snapshot.search([[ZERO]], now=microseconds(moment))
        assert ([hit.action for hit in found.hits], found.actions) == (actions, frozenset(actions))


def test_a_doubted_entry_does_not_overrule_a_trusted_one() -> None:
    changes: list[Change] = [BankPut(Bank("bad", action=Action.BLOCK)), BankPut(Bank("good", action=Action.ALLOW))]
    changes += [EntryAdded(entry(1, "bad", ZERO)), EntryAdded(entry(2, "good", ZERO, review_from=CREATED))]
    (found,) = Snapshot.empty().apply(changes, 1).search([[ZERO]])
    assert found.actions == {Action.BLOCK, Action.REVIEW}


def test_a_staged_roll_out_grows_by_content() -> None:
    """The share is as large as it was set to be, what is in stays in, and a content is in or out as a whole."""
    known = [entry(number, "a", Hash(PDQ, bytes(32))) for number in range(2000)]
    known = [replace(each, provenance=Provenance(f"content {each.id // 2}"), shown=None) for each in known]
    found_before: set[int] = set()
    for share in (0.0, 0.1, 0.5, 1.0):
        changes: list[Change] = [BankPut(Bank("a", matching_enabled_ratio=share)), *map(EntryAdded, known)]
        (found,) = Snapshot.empty().apply(changes, 1).search([[ZERO]], limit=2000)
        ids = {hit.entry.id for hit in found.hits}
        assert ids >= found_before
        assert {number ^ 1 for number in ids} == ids
        assert abs(len(ids) - 2000 * share) < 150
        found_before = ids
    assert len(found_before) == 2000


def test_each_bank_has_its_own_threshold() -> None:
    changes: list[Change] = [BankPut(Bank("near", threshold=3)), BankPut(Bank("far", threshold=60))]
    item = Hash(PDQ, bits(0b11111))
    changes += [EntryAdded(entry(number, name, item)) for number, name in enumerate(("near", "far"))]
    (found,) = Snapshot.empty().apply(changes, 1).search([[ZERO]])
    assert [hit.bank.name for hit in found.hits] == ["far"]


@pytest.mark.parametrize(
    ("query", "known", "matches"),
    [(50, 50, 1), (49, 50, 0), (50, 49, 0), (None, 50, 1), (50, None, 1), (None, None, 1), (None, 49, 0), (100, 0, 0)],
)
def test_both_qualities_must_reach_the_minimum(query: int | None, known: int | None, matches: int) -> None:
    snapshot = filled([Hash(PDQ, bytes(32), known)], Bank("a", minimum_quality=50))
    (found,) = snapshot.search([[Hash(PDQ, bytes(32), query)]])
    assert found.total == len(found.hits) == matches
    assert found.banks_not_compared == (("a",) if query == 49 else ())
    assert all(hit.entry.hash.quality == known for hit in found.hits)


def test_the_same_entry_in_several_orientations_counts_once_at_its_nearest() -> None:
    group = [Hash(PDQ, bits((1 << ones) - 1), 90) for ones in (9, 4, 2, 4, 2, 30, 31, 64)]
    (found,) = filled([ZERO], Bank("a")).search([group])
    assert len(group) == len(Orientation)
    assert [(hit.distance, hit.query) for hit in found.hits] == [(2, 2)]
    assert found.total == 1


def test_each_hash_of_a_group_is_compared_where_its_own_quality_allows() -> None:
    near, far = Hash(PDQ, bits(0b1), 40), Hash(PDQ, bits(0b111), 80)
    strict, lax = Bank("strict", minimum_quality=50), Bank("lax", minimum_quality=0)
    changes: list[Change] = [BankPut(strict), BankPut(lax), EntryAdded(entry(1, "strict", ZERO))]
    snapshot = Snapshot.empty().apply([*changes, EntryAdded(entry(2, "lax", ZERO))], 1)
    (found,) = snapshot.search([[near, far]])
    assert [(hit.bank.name, hit.distance, hit.query) for hit in found.hits] == [("lax", 1, 0), ("strict", 3, 1)]
    assert (found.total, found.banks_not_compared) == (2, ("strict",))
    (found,) = snapshot.search([[far, near]])
    assert [(hit.bank.name, hit.distance, hit.query) for hit in found.hits] == [("lax", 1, 1), ("strict", 3, 0)]
    assert (found.total, found.banks_not_compared) == (2, ())


def test_an_entry_found_through_two_qualities_counts_once() -> None:
    known = [Hash(PDQ, bits(1 << at), 90) for at in range(5)]
    group = [Hash(PDQ, bits(0b11), 60), Hash(PDQ, bits(0b1), 70), Hash(PDQ, bits(0b1), 60)]
    (found,) = filled(known, Bank("a")).search([group], limit=3)
    assert [(hit.entry.id, hit.distance, hit.query) for hit in found.hits] == [(0, 0, 1), (1, 1, 0), (2, 2, 1)]
    assert found.total == 5


def test_a_disabled_bank_is_not_searched_even_by_name() -> None:
    snapshot = filled([ZERO], Bank("a", enabled=False, minimum_quality=100))
    for names in ((), ("a",)):
        (found,) = snapshot.search([[ZERO, ZERO], [Hash(PDQ, bytes(32), 1)]], names)[:1]
        assert (found.hits, found.total, found.actions, found.banks_not_compared) == ([], 0, frozenset(), ())


def test_a_bank_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(NotFound, match="'b'") as caught:
        filled([ZERO], Bank("a")).search([[ZERO]], ["a", "b"])
    assert caught.value.details == {"bank": "b"}


@pytest.mark.parametrize(
    "group",
    [
        [],
        [Hash(PDQ, b"")],
        [ZERO, Hash(PDQ, bytes(33), 100)],
        [ZERO, Hash("phash", bytes(32), 100)],
    ],
)
def test_a_group_that_cannot_be_searched_is_an_error_never_an_empty_answer(group: list[Hash]) -> None:
    with pytest.raises(InvalidInput):
        filled([ZERO], Bank("a")).search([[ZERO], group])


def test_no_groups_and_no_entries() -> None:
    assert filled([ZERO], Bank("a")).search([]) == []
    (found,) = Snapshot.empty().search([[ZERO]])
    assert (found.hits, found.total, found.actions, found.banks_not_compared) == ([], 0, frozenset(), ())


def test_a_hash_shared_by_many_entries_is_stored_once_and_counted_for_each() -> None:
    shared = 20_000
    changes: list[Change] = [BankPut(Bank("a", action=Action.BLOCK)), BankPut(Bank("b", action=Action.ALLOW))]
    changes += [EntryAdded(entry(number, "a" if number % 4 else "b", ZERO)) for number in range(shared)]
    changes += [EntryRemoved(number, "a") for number in range(0, shared, 10)]
    snapshot = Snapshot.empty().apply(changes, 1)
    (found,) = snapshot.search([[ZERO]], limit=7)
    assert [hit.entry.id for hit in found.hits] == [1, 2, 3, 4, 5, 6, 7]
    assert found.total == shared - shared // 10
    assert found.actions == {Action.BLOCK, Action.ALLOW}
    assert sum(len(segment.searcher) for segment in snapshot.levels[Space(PDQ, 32)].segments) == 1


def test_hits_beyond_the_limit_are_the_nearest_then_the_oldest() -> None:
    random = np.random.default_rng(5)
    known = [Hash(PDQ, bits(int((1 << int(ones)) - 1))) for ones in random.integers(0, 40, 3000)]
    (found,) = filled(known, Bank("a", threshold=20)).search([[ZERO]], limit=250)
    exact = sorted((int.from_bytes(item.bits).bit_count(), number) for number, item in enumerate(known))
    assert [(hit.distance, hit.entry.id) for hit in found.hits] == exact[:250]
    assert found.total == sum(ones <= 20 for ones, _ in exact)


def distances(queries: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(queries, known): every distance, by unpacking the bits."""
    one, other = (np.unpackbits(codes, axis=1).astype(np.int64) for codes in (queries, known))
    apart: NDArray[np.int64] = one.sum(1)[:, None] + other.sum(1)[None, :] - 2 * one @ other.T
    return apart


def check_against_all_distances(queries: NDArray[np.uint8], known: NDArray[np.uint8], threshold: int) -> int:
    """Compare distances and ids of every match; returns how many there are."""
    snapshot = filled([Hash(PDQ, code.tobytes()) for code in known], Bank("a", threshold=threshold))
    answers = snapshot.search([[Hash(PDQ, code.tobytes())] for code in queries], limit=len(known))
    for answer, row in zip(answers, distances(queries, known), strict=True):
        matching = np.flatnonzero(row <= threshold)
        expected = sorted(zip(row[matching].tolist(), matching.tolist(), strict=True))
        assert [(hit.distance, hit.entry.id) for hit in answer.hits] == expected
        assert answer.total == len(expected)
    return sum(answer.total for answer in answers)


@pytest.mark.parametrize("threshold", [0, 31, 64])
@pytest.mark.parametrize("flipped", [0.0, 0.05, 0.12, 0.5])
def test_clusters_of_every_tightness(flipped: float, threshold: int) -> None:
    random = np.random.default_rng(int(flipped * 100) + threshold)
    centres = random.integers(0, 2, (3, 256), dtype=np.uint8)
    known, queries = (
        np.packbits(centres[random.integers(0, 3, count)] ^ (random.random((count, 256)) < flipped), axis=1)
        for count in (1500, 20)
    )
    matches = check_against_all_distances(queries, known, threshold)
    assert matches > 0 or flipped * 256 * 2 > threshold


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not on this machine")
@pytest.mark.parametrize("threshold", [0, 31, 64])
def test_real_hashes(threshold: int) -> None:
    known, queries = (
        np.array([list(bytes.fromhex(line)) for line in (CORPUS / name).read_text().split()], dtype=np.uint8)
        for name in ("haystack.txt", "needles.txt")
    )
    assert check_against_all_distances(queries, known, threshold) > 0


@given(known=st.lists(HASHES, max_size=30), query=HASHES)
@settings(max_examples=50)
def test_a_hash_matches_itself_at_distance_0(known: list[Hash], query: Hash) -> None:
    (found,) = filled([*known, query], Bank("a", threshold=0, minimum_quality=0)).search([[query]])
    assert found.total == sum((item.kind, item.bits) == (query.kind, query.bits) for item in [*known, query])
    assert {hit.distance for hit in found.hits} == {0}


def test_memory_does_not_grow_with_the_number_of_queries_that_match_everything() -> None:
    snapshot = filled([Hash(PDQ, bits(number)) for number in range(2_000)], Bank("a", threshold=64))

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            answers = snapshot.search([[ZERO]] * count, limit=1)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert [answer.total for answer in answers] == [2_000] * count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "PAIRS", 40_000)
        assert peak(400) < 3 * peak(20)
