"""Entries that are removed and kept, restored, and that expire."""

from datetime import UTC, datetime, timedelta

import pytest

from hashmatch.errors import InvalidField, NotFound
from hashmatch.store import Store
from hashmatch.types import (
    Author,
    Bank,
    Entry,
    EntryAdded,
    EntryFilter,
    EntryRemoved,
    Hash,
    NewEntry,
    Provenance,
    State,
)

from .samples import ids, new_entries

REMOVED = EntryFilter(state=State.REMOVED)
ALICE = Author("token:alice", "a landscape")


@pytest.fixture(autouse=True)
def _bank(store: Store) -> None:
    store.create_bank(Bank("a"))


def test_what_is_removed_is_kept_with_the_reason_and_can_be_restored(store: Store) -> None:
    entries, added = store.add_entries("a", new_entries(1, 4))
    before = datetime.now(UTC) - timedelta(seconds=1)
    store.remove_entries("a", ids(entries[1:3]), author=ALICE)
    kept = store.list_entries("a", wanted=REMOVED)
    assert ids(kept) == ids(entries[1:3])
    for entry in kept:
        assert (entry.state, entry.removal_reason) == (State.REMOVED, "a landscape")
        assert entry.removed is not None
        assert before < entry.removed <= datetime.now(UTC)
    revision = store.restore_entries("a", [entries[2].id])
    assert store.list_entries("a") == [entries[0], entries[2], entries[3]]
    assert store.get_entry("a", entries[2].id) == entries[2]
    assert ids(store.list_entries("a", wanted=REMOVED)) == [entries[1].id]
    assert store.count_entries("a") == 3
    assert store.changes(added) == (
        revision,
        [EntryRemoved(entries[1].id, "a"), EntryRemoved(entries[2].id, "a"), EntryAdded(entries[2])],
    )


def test_only_removed_entries_of_the_bank_are_restored_all_or_none(store: Store) -> None:
    store.create_bank(Bank("b"))
    entries, _ = store.add_entries("a", new_entries(0, 3))
    others, _ = store.add_entries("b", new_entries(3, 1))
    store.remove_entries("a", [entries[0].id])
    store.remove_entries("b", [others[0].id])
    head = store.head()
    for wrong in (entries[1].id, others[0].id, 0, -1, 2**63):
        with pytest.raises(NotFound, match="has no removed entry") as caught:
            store.restore_entries("a", [entries[0].id, wrong])
        assert caught.value.details == {"bank": "a", "entry": str(wrong)}
    with pytest.raises(NotFound, match="has no entry"):
        store.remove_entries("a", [entries[0].id])
    assert store.head() == head
    assert ids(store.list_entries("a", wanted=REMOVED)) == [entries[0].id]


def test_a_content_is_listed_and_removed_as_a_whole(store: Store) -> None:
    store.create_bank(Bank("b"))
    item = [
        NewEntry(Hash("pdq", bytes(32)), Provenance("item")),
        NewEntry(Hash("md5", bytes(16)), Provenance("item")),
        NewEntry(Hash("pdq", bytes(32)), Provenance("other")),
        NewEntry(Hash("pdq", bytes(32))),
    ]
    mine, _ = store.add_entries("a", item)
    store.add_entries("b", item)
    assert store.list_entries("a", wanted=EntryFilter("item")) == mine[:2]
    assert store.list_entries("a", mine[0].id, wanted=EntryFilter("item")) == mine[1:2]
    store.remove_content("a", "item", author=ALICE)
    assert store.list_entries("a") == mine[2:]
    assert (store.count_entries("a"), store.count_entries("b")) == (2, 4)
    assert ids(store.list_entries("a", wanted=EntryFilter("item", State.REMOVED))) == ids(mine[:2])
    for content in ("item", "nothing"):
        with pytest.raises(NotFound, match=content):
            store.remove_content("a", content)


def test_what_has_expired_is_swept_and_cannot_be_restored(store: Store) -> None:
    now = datetime.now(UTC)
    past, future = now - timedelta(seconds=1), now + timedelta(days=1)
    new = [NewEntry(Hash("pdq", bytes(32)), expires=expires) for expires in (past, None, future, past)]
    entries, _ = store.add_entries("a", new)
    assert [entry.expires for entry in entries] == [past, None, future, past]
    store.remove_entries("a", [entries[3].id])
    head = store.head()
    assert [store.remove_expired() for _ in range(2)] == [1, 0]
    assert store.head() == head + 1
    assert store.list_entries("a") == entries[1:3]
    assert store.count_entries("a") == 2
    assert reasons(store.list_entries("a", wanted=REMOVED)) == {entries[0].id: "expired", entries[3].id: ""}
    with pytest.raises(InvalidField, match=f"entry {entries[0].id} expired"):
        store.restore_entries("a", [entries[0].id])


def reasons(entries: list[Entry]) -> dict[int, str]:
    return {entry.id: entry.removal_reason for entry in entries}
