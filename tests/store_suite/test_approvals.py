"""Another person's approval: what waits for it, who may give it, and what matches meanwhile."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from hashmatch.errors import InvalidField, NeedsAnotherPerson, NotFound
from hashmatch.store import Store, approvals, holding
from hashmatch.types import (
    LOCAL,
    Adding,
    Approval,
    Author,
    Bank,
    Entry,
    EntryFilter,
    Hold,
    State,
)

from .samples import Replay, ids, new_entries

ALICE, BOB = Author("token:alice", "seen"), Author("token:bob", "seen too")
PENDING, UNREVIEWED, REMOVED = (EntryFilter(state=each) for each in (State.PENDING, State.UNREVIEWED, State.REMOVED))


@pytest.fixture(autouse=True)
def _banks(store: Store) -> Iterator[None]:
    """Banks of each sort; in the end, what followers were told is what can match."""
    store.create_bank(Bank("two", approval=Approval.BEFORE))
    store.create_bank(Bank("urgent", approval=Approval.AFTER, review_hours=2))
    store.create_bank(Bank("plain", growth_limit=50))
    yield
    told = matching(store)
    for bank in ("two", "urgent", "plain"):
        here = store.list_entries(bank, 0, 10_000)
        assert [entry for entry in told.values() if entry.bank == bank] == here
        assert store.count_entries(bank) == len(here)


def matching(store: Store) -> dict[int, Entry]:
    """What a follower has, by number."""
    replay = Replay()
    replay.follow(store, 3)
    return dict(sorted(replay.entries.items()))


def test_what_one_person_adds_waits_for_another(store: Store) -> None:
    added, _ = store.add_entries("two", new_entries(0, 3), "once", ALICE, Adding("case 7"))
    assert {entry.state for entry in added} == {State.PENDING}
    assert (store.list_entries("two"), matching(store), store.count_entries("two")) == ([], {}, 0)
    assert store.list_entries("two", wanted=replace(PENDING, batch="case 7")) == added
    assert store.list_entries("two", wanted=replace(PENDING, batch="case 8")) == []
    assert store.get_entry("two", added[0].id) == added[0]
    (batch,) = store.approvals.batches("two")
    assert (batch.name, batch.author, batch.hold) == ("case 7", "token:alice", Hold.APPROVAL)
    assert (batch.pending, batch.unreviewed, batch.review_from) == (3, 0, None)
    for which in ("case 7", ids(added[:1])):
        with pytest.raises(NeedsAnotherPerson, match="token:alice added this"):
            store.approvals.approve("two", which, author=ALICE)
        with pytest.raises(NeedsAnotherPerson):
            store.approvals.reject("two", which, author=ALICE)
    one = store.approvals.approve("two", ids(added[:1]), author=BOB)
    assert (one.count, one.remaining) == (1, 0)
    assert store.list_entries("two") == [replace(added[0], state=State.LIVE)]
    rest = store.approvals.approve("two", "case 7", "again", BOB)
    assert (rest.count, rest.remaining) == (2, 0)
    assert store.approvals.approve("two", "case 7", "again", BOB) == rest
    assert store.approvals.batches("two") == []
    assert store.add_entries("two", new_entries(0, 3), "once", ALICE, Adding("case 7"))[0] == added
    for which in ("case 7", ids(added)):
        with pytest.raises(NotFound, match="wait"):
            store.approvals.approve("two", which, author=BOB)


def test_what_is_rejected_is_kept_with_the_reason_and_waits_again_where_it_is_restored(store: Store) -> None:
    added, _ = store.add_entries("two", new_entries(0, 2), author=ALICE)
    (batch,) = store.approvals.batches()
    assert batch.name == f"r{added[0].revision}"
    assert store.approvals.reject("two", batch.name, author=BOB).count == 2
    assert [entry.removal_reason for entry in store.list_entries("two", wanted=REMOVED)] == ["seen too"] * 2
    store.restore_entries("two", ids(added), author=BOB)
    assert {entry.state for entry in store.list_entries("two", wanted=PENDING)} == {State.PENDING}
    with pytest.raises(NeedsAnotherPerson):
        store.approvals.approve("two", ids(added), author=BOB)
    assert store.approvals.approve("two", ids(added), author=ALICE).count == 2
    store.remove_entries("two", ids(added[:1]), author=BOB)
    store.restore_entries("two", ids(added[:1]), author=BOB)
    assert ids(store.list_entries("two")) == ids(added[1:])
    store.remove_entries("two", ids(added[:1]), author=BOB)


def test_what_is_urgent_matches_at_once_and_is_reviewed(store: Store) -> None:
    added, _ = store.add_entries("urgent", new_entries(0, 3), "once", ALICE)
    assert store.add_entries("urgent", new_entries(0, 3), "once", ALICE)[0] == added
    for entry in added:
        assert entry.state is State.UNREVIEWED
        assert entry.review_from == entry.created + timedelta(hours=2)
    assert list(matching(store).values()) == added
    (batch,) = store.approvals.batches("urgent")
    assert (batch.hold, batch.pending, batch.unreviewed) == (Hold.REVIEW, 0, 3)
    assert batch.review_from == added[0].review_from
    with pytest.raises(NeedsAnotherPerson):
        store.approvals.approve("urgent", ids(added), author=ALICE)
    store.approvals.approve("urgent", ids(added[:1]), author=BOB)
    store.approvals.reject("urgent", ids(added[1:2]), author=BOB)
    reviewed = replace(added[0], state=State.LIVE, review_from=None)
    assert store.list_entries("urgent") == [reviewed, added[2]]
    assert store.list_entries("urgent", wanted=UNREVIEWED) == added[2:]


def test_without_tokens_everyone_is_the_same_person(store: Store) -> None:
    for bank in ("two", "urgent"):
        added, _ = store.add_entries(bank, new_entries(0, 1))
        with pytest.raises(NeedsAnotherPerson, match="hashmatch token create"):
            store.approvals.approve(bank, ids(added), author=LOCAL)


def test_a_bank_that_grows_too_fast_waits_as_one_batch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "SMALL", 10)
    store.add_entries("plain", new_entries(0, 9), author=ALICE)
    store.add_entries("plain", new_entries(9, 50), author=ALICE)
    assert store.count_entries("plain") == 59
    monkeypatch.setattr(holding, "WINDOW", 0)
    assert states(store.add_entries("plain", new_entries(60, 20), author=ALICE)[0]) == {State.LIVE}
    monkeypatch.setattr(holding, "WINDOW", 10**12)
    added = []
    for first, following in ((100, 8), (104, 4), (108, 0)):
        adding = Adding("list", following)
        added += store.add_entries("plain", new_entries(first, 4), author=ALICE, adding=adding)[0]
    assert states(added) == {State.PENDING}
    assert states(store.add_entries("plain", new_entries(200, 1), author=ALICE)[0]) == {State.LIVE}
    (batch,) = store.approvals.batches()
    assert (batch.name, batch.hold, batch.pending) == ("list", Hold.GROWTH, 12)
    with pytest.raises(NeedsAnotherPerson):
        store.approvals.approve("plain", "list", author=ALICE)
    assert store.approvals.approve("plain", "list", author=BOB).count == 12
    assert store.count_entries("plain") == 59 + 20 + 1 + 12
    assert states(store.add_entries("plain", new_entries(300, 14), author=ALICE)[0]) == {State.LIVE}
    assert states(store.add_entries("plain", new_entries(314, 1), author=ALICE)[0]) == {State.PENDING}
    store.update_bank("plain", {"growth_limit": 0})
    assert states(store.add_entries("plain", new_entries(400, 100), author=ALICE)[0]) == {State.LIVE}


def test_who_is_alone_may_confirm_growth(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "SMALL", 10)
    store.add_entries("plain", new_entries(0, 10))
    monkeypatch.setattr(holding, "WINDOW", 0)
    assert states(store.add_entries("plain", new_entries(10, 6), adding=Adding("list"))[0]) == {State.PENDING}
    monkeypatch.setattr(holding, "WINDOW", 10**12)
    assert states(store.add_entries("plain", new_entries(16, 1), adding=Adding("list"))[0]) == {State.PENDING}
    assert store.approvals.approve("plain", "list").count == 7


def test_a_large_batch_is_approved_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals, "BATCH", 100)
    for first in (0, 70):
        store.add_entries("two", new_entries(first, 70), author=ALICE, adding=Adding("many"))
    steps = [store.approvals.approve("two", "many", author=BOB) for _ in range(2)]
    assert [(each.count, each.remaining) for each in steps] == [(100, 40), (40, 0)]
    assert store.count_entries("two") == 140
    store.remove_entries("two", ids(store.list_entries("two", 0, 10_000)))
    store.delete_bank("two")
    store.create_bank(Bank("two"))


def test_two_people_may_use_one_name(store: Store) -> None:
    for author in (ALICE, BOB):
        store.add_entries("two", new_entries(0, 1), author=author, adding=Adding("same"))
    assert [batch.author for batch in store.approvals.batches(limit=1)] == ["token:alice"]
    assert [batch.author for batch in store.approvals.batches(after=1)] == ["token:bob"]
    with pytest.raises(NeedsAnotherPerson):
        store.approvals.approve("two", "same", author=BOB)
    assert store.approvals.approve("two", "same", author=Author("token:carol")).count == 2


def test_what_is_wrong_is_named(store: Store) -> None:
    with pytest.raises(NotFound, match="no bank"):
        store.approvals.batches("nowhere")
    for which in ((), [1] * 10_001):
        with pytest.raises(InvalidField):
            store.approvals.approve("two", which)
    for adding in (Adding("x" * 129), Adding("", -1)):
        with pytest.raises(InvalidField):
            store.add_entries("two", new_entries(0, 1), adding=adding)
    added, _ = store.add_entries("two", new_entries(0, 1), author=ALICE)
    with pytest.raises(NotFound, match="has no waiting entry 99"):
        store.approvals.reject("two", [added[0].id, 99], author=BOB)
    with pytest.raises(NotFound):
        store.approvals.approve("urgent", ids(added), author=BOB)


def states(entries: list[Entry]) -> set[State]:
    return {entry.state for entry in entries}
