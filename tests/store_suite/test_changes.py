"""The history: whole revisions, in order, whatever happened since."""

import pytest

from hashmatch.store import Store
from hashmatch.types import Action, Bank, BankDeleted, BankPut, EntryAdded, EntryRemoved

from .samples import Replay, ids, new_entries, tables


def test_each_write_is_told_as_it_was(store: Store) -> None:
    bank, _ = store.create_bank(Bank("a"))
    entries, _ = store.add_entries("a", new_entries(0, 2))
    changed, _ = store.update_bank("a", {"action": Action.BLOCK})
    assert store.changes(0) == (3, [BankPut(bank), *map(EntryAdded, entries), BankPut(changed)])
    assert store.changes(1) == (3, [*map(EntryAdded, entries), BankPut(changed)])
    assert store.changes(2) == (3, [BankPut(changed)])
    assert store.changes(3) == (3, [])
    assert store.changes(1_000) == (1_000, [])


def test_removed_entries_are_left_out_and_their_removal_is_told(store: Store) -> None:
    store.create_bank(Bank("a"))
    entries, _ = store.add_entries("a", new_entries(0, 6))
    numbers = ids(entries)
    store.remove_entries("a", [numbers[0], numbers[4], numbers[1]])
    removed = [EntryRemoved(numbers[at], "a") for at in (0, 1, 4)]
    assert store.changes(1) == (3, [*(EntryAdded(entries[at]) for at in (2, 3, 5)), *removed])
    assert store.changes(2) == (3, removed)


def test_a_revision_may_be_reached_without_a_change(store: Store) -> None:
    store.create_bank(Bank("a"))
    entries, _ = store.add_entries("a", new_entries(0, 2))
    store.remove_entries("a", ids(entries))
    assert store.changes(1, limit=2) == (2, [])


def test_a_bank_deleted_and_made_again(store: Store) -> None:
    first, _ = store.create_bank(Bank("a", "first"))
    store.add_entries("a", new_entries(0, 3))
    store.delete_bank("a")
    second, _ = store.create_bank(Bank("a", "second"))
    entries, _ = store.add_entries("a", new_entries(3, 2))
    assert store.changes(0) == (
        5,
        [BankPut(first), BankDeleted("a"), BankPut(second), *map(EntryAdded, entries)],
    )


@pytest.mark.parametrize(
    ("limit", "reached", "count"),
    [
        (0, 1, 1),
        (1, 1, 1),
        (5, 1, 1),  # the next revision has 5 more
        (6, 2, 6),
        (8, 2, 6),
        (9, 3, 9),
        (100, 4, 10),
    ],
)
def test_a_page_is_whole_revisions_within_the_limit(store: Store, limit: int, reached: int, count: int) -> None:
    store.create_bank(Bank("a"))
    store.add_entries("a", new_entries(0, 5))
    store.add_entries("a", new_entries(5, 3))
    store.create_bank(Bank("b"))
    revision, changes = store.changes(0, limit)
    assert (revision, len(changes)) == (reached, count)


def test_a_revision_larger_than_the_limit_is_returned_whole(store: Store) -> None:
    store.create_bank(Bank("a"))
    entries, _ = store.add_entries("a", new_entries(0, 50))
    assert store.changes(1, limit=10) == (2, list(map(EntryAdded, entries)))


@pytest.mark.parametrize("limit", [1, 3, 7, 10_000])
def test_any_pages_add_up_to_the_tables(store: Store, limit: int) -> None:
    for name in ("a", "b"):
        store.create_bank(Bank(name))
    for number in range(0, 60, 6):
        added, _ = store.add_entries("ab"[number % 4 // 2], new_entries(number, 6))
        store.remove_entries(added[0].bank, ids(added)[number % 5 :: 2])
    replay = Replay()
    replay.follow(store, limit)
    assert replay == tables(store)
