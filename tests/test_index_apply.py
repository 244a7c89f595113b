"""Changes make the same snapshot however they are cut up, and leave the snapshots before them as they were."""

import threading
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from structlog.testing import capture_logs

from hashmatch.index import Snapshot, levels
from hashmatch.index.segment import Segment
from hashmatch.index.space import Space
from hashmatch.types import PDQ, Bank, BankDeleted, BankPut, Change, EntryAdded, EntryRemoved, Hash
from tests.index_oracle import HASHES, NAMES, Oracle, banks, batches, entry, groups


def segments(snapshot: Snapshot) -> tuple[Segment, ...]:
    return snapshot.levels[Space(PDQ, 32)].segments


def random_entries(first: int, count: int, bank: str = "a") -> list[Change]:
    codes = np.random.default_rng(first).integers(0, 256, (count, 32), dtype=np.uint8)
    return [EntryAdded(entry(first + row, bank, Hash(PDQ, code.tobytes(), 80))) for row, code in enumerate(codes)]


def matches_all(snapshot: Snapshot, changes: Sequence[Change]) -> bool:
    """Whether each added entry is found by its own hash."""
    added = [change.entry for change in changes if isinstance(change, EntryAdded)]
    answers = snapshot.search([[item.hash] for item in added])
    return all(item in [hit.entry for hit in answer.hits] for item, answer in zip(added, answers, strict=True))


class Applying(RuleBasedStateMachine):
    """Random changes in random batches; the snapshot, and one held from before, always answer as their oracles."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(levels, "TAIL", 2)
        self.patch.setattr(levels, "REMOVED_SHARE", 0.8)
        self.snapshot, self.oracle = Snapshot.empty(), Oracle()
        self.held, self.held_oracle = self.snapshot, self.oracle
        self.pending: list[Change] = []
        self.present: set[str] = set()
        self.added = 0

    def teardown(self) -> None:
        self.patch.undo()

    @rule(bank=st.sampled_from(NAMES).flatmap(banks))
    def put(self, bank: Bank) -> None:
        self.pending.append(BankPut(bank))
        self.present.add(bank.name)

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        self.pending.append(BankDeleted(name))
        self.present.discard(name)

    @precondition(lambda self: self.present)
    @rule(known=st.lists(HASHES, min_size=1, max_size=9), data=st.data())
    def add(self, known: list[Hash], data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.present)))
        self.pending += [EntryAdded(entry(self.added + place, name, item)) for place, item in enumerate(known)]
        self.added += len(known)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        ids = data.draw(st.sets(st.integers(0, self.added), max_size=6))
        self.pending += [EntryRemoved(number, "a") for number in ids]

    @rule()
    def apply(self) -> None:
        self.snapshot = self.snapshot.apply(self.pending, self.snapshot.revision + 1)
        self.oracle = self.oracle.apply(self.pending)
        self.pending = []

    @rule()
    def hold(self) -> None:
        self.held, self.held_oracle = self.snapshot, self.oracle

    @rule(query=groups(), limit=st.sampled_from((1, 3, 100)))
    def search(self, query: list[Hash], limit: int) -> None:
        assert self.snapshot.search([query], (), limit) == [self.oracle.search(query, (), limit)]
        assert self.held.search([query], (), limit) == [self.held_oracle.search(query, (), limit)]

    @invariant()
    def sizes(self) -> None:
        assert +Counter(self.snapshot.entries) == self.oracle.sizes
        for segment in (segment for each in self.snapshot.levels.values() for segment in each.segments):
            assert 0 < segment.size == np.count_nonzero(segment.live)
            assert segment.removed <= levels.REMOVED_SHARE * len(segment.columns)
            assert len(np.unique(segment.searcher.codes, axis=0)) == len(segment.searcher)


TestApplying = Applying.TestCase
TestApplying.settings = settings(max_examples=60, stateful_step_count=30)


@given(parts=batches(), queries=st.lists(groups(), max_size=3))
@settings(max_examples=40)
def test_cut_up_in_any_way_the_changes_give_the_same_answers(
    parts: list[list[Change]], queries: list[list[Hash]]
) -> None:
    step_by_step = Snapshot.empty()
    for revision, part in enumerate(parts, 1):
        step_by_step = step_by_step.apply(part, revision)
    at_once = Snapshot.empty().apply([change for part in parts for change in part], len(parts))
    assert step_by_step.search(queries) == at_once.search(queries)
    assert (step_by_step.banks, step_by_step.entries) == (at_once.banks, at_once.entries)
    assert step_by_step.revision == at_once.revision == len(parts)


def test_segments_stay_few_and_fall_in_size_while_entries_come_in_one_by_one() -> None:
    snapshot = Snapshot.empty().apply([BankPut(Bank("a")), *random_entries(0, 30_000)], 1)
    base = segments(snapshot)[0].searcher
    added = random_entries(30_000, 2_500)
    for number, change in enumerate(added):
        snapshot = snapshot.apply([change], 2 + number)
        sizes = [segment.size for segment in segments(snapshot)]
        assert all(older >= levels.RATIO * newer for older, newer in pairwise(sizes))
    assert segments(snapshot)[0].searcher is base
    assert snapshot.entries == {PDQ: 32_500}
    assert matches_all(snapshot, added[::50])


def test_removals_share_the_codes_until_they_are_many_and_then_give_the_space_back() -> None:
    snapshot = Snapshot.empty().apply([BankPut(Bank("a")), *random_entries(0, 4_000)], 1)
    some = snapshot.apply([EntryRemoved(number, "a") for number in range(1_000)], 2)
    many = some.apply([EntryRemoved(1_000, "a")], 3)
    assert segments(some)[0].searcher is segments(snapshot)[0].searcher
    assert [len(segment.searcher) for segment in segments(many)] == [2_999]
    assert [taken.entries[PDQ] for taken in (snapshot, some, many)] == [4_000, 3_000, 2_999]
    assert matches_all(many, random_entries(0, 4_000)[1_001::40])


def test_a_deleted_bank_is_gone_and_another_of_that_name_is_empty() -> None:
    known = [*random_entries(0, 10, "a"), *random_entries(10, 10, "b")]
    snapshot = Snapshot.empty().apply([BankPut(Bank("a")), BankPut(Bank("b")), *known], 1)
    gone = snapshot.apply([BankDeleted("a")], 2)
    back = gone.apply([BankPut(Bank("c")), BankPut(Bank("a"))], 3)
    assert (set(gone.banks), set(back.banks)) == ({"b"}, {"a", "b", "c"})
    assert gone.entries == back.entries == {PDQ: 10}
    assert matches_all(back, known[10:])
    answers = back.search([[change.entry.hash] for change in known[:10] if isinstance(change, EntryAdded)])
    assert [answer.total for answer in answers] == [0] * 10


def test_a_search_passes_over_the_entries_of_a_deleted_bank_that_still_take_space() -> None:
    item = Hash(PDQ, bytes(32))
    known = [EntryAdded(entry(number, "a" if number else "b", item)) for number in range(10)]
    snapshot = Snapshot.empty().apply([BankPut(Bank("a")), BankPut(Bank("b")), *known], 1)
    gone = snapshot.apply([BankDeleted("b")], 2)
    assert [segment.removed for segment in segments(gone)] == [1]
    assert gone.search([[item]])[0].total == 9


def test_the_same_changes_twice_change_nothing() -> None:
    changes = [BankPut(Bank("a")), *random_entries(0, 50), EntryRemoved(7, "a"), EntryRemoved(999, "a")]
    once = Snapshot.empty().apply(changes, 1)
    twice = once.apply(changes, 1)
    queries = [[change.entry.hash] for change in changes if isinstance(change, EntryAdded)]
    assert twice.search(queries) == once.search(queries)
    assert twice.entries == once.entries == {PDQ: 49}


def test_a_changed_policy_holds_for_entries_that_are_there_already() -> None:
    item = Hash(PDQ, bytes(31) + b"\x0f")
    snapshot = Snapshot.empty().apply([BankPut(Bank("a", threshold=4)), EntryAdded(entry(1, "a", item))], 1)
    tightened = snapshot.apply([BankPut(Bank("a", threshold=3))], 2)
    disabled = snapshot.apply([BankPut(Bank("a", threshold=4, enabled=False))], 2)
    query = [Hash(PDQ, bytes(32))]
    assert [taken.search([query])[0].total for taken in (snapshot, tightened, disabled)] == [1, 0, 0]


def test_hashes_of_every_kind_and_length_are_kept_apart() -> None:
    items = [Hash(PDQ, bytes(32)), Hash("sha256", bytes(32)), Hash("phash", bytes(8)), Hash(PDQ, bytes(16))]
    changes = [EntryAdded(entry(number, "a", item)) for number, item in enumerate(items)]
    snapshot = Snapshot.empty().apply([BankPut(Bank("a")), *changes], 1)
    assert snapshot.entries == {PDQ: 2, "sha256": 1, "phash": 1}
    found = snapshot.search([[item] for item in items])
    assert [[hit.entry.hash for hit in each.hits] for each in found] == [[item] for item in items]
    assert snapshot.search([[Hash("dhash", bytes(8))]])[0].total == 0


def test_empty_hashes_are_left_out_and_logged() -> None:
    changes = [BankPut(Bank("a")), EntryAdded(entry(1, "a", Hash(PDQ, b""))), *random_entries(2, 3)]
    with capture_logs() as logs:
        snapshot = Snapshot.empty().apply(changes, 1)
    assert snapshot.entries == {PDQ: 3}
    assert [(log["event"], log["entries"], log["kind"]) for log in logs] == [("entries not searchable", [1], PDQ)]
    assert snapshot.apply([EntryRemoved(1, "a"), BankDeleted("a")], 2).entries == {PDQ: 0}


def test_an_entry_of_no_bank_is_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        Snapshot.empty().apply(random_entries(0, 1, "nowhere"), 1)


def test_readers_of_old_snapshots_are_undisturbed_while_changes_are_applied() -> None:
    known = random_entries(0, 6_000)
    first = Snapshot.empty().apply([BankPut(Bank("a")), *known[:2_000]], 1)
    queries = [[change.entry.hash] for change in known[:2_000:100] if isinstance(change, EntryAdded)]
    expected, newest, done = first.search(queries), [first], threading.Event()
    wrong: list[object] = []

    def read() -> None:
        last = False
        while not last:
            last, latest = done.is_set(), newest[0]
            if first.search(queries) != expected:
                wrong.append(first)
            if not matches_all(latest, known[2_000 : 2_000 + 10 * (latest.revision - 1)][-10:]):
                wrong.append(latest)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for revision in range(2, 302):
        start = 2_000 + 10 * (revision - 2)
        removed = [EntryRemoved(revision, "a")]
        newest[0] = newest[0].apply([*known[start : start + 10], *removed], revision)
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert newest[0].entries == {PDQ: 2_000 + 300 * 10 - 300}
