"""Entries: added, read, listed and removed."""

from datetime import UTC, datetime, timedelta

import pytest

from hashmatch.errors import InvalidField, NotFound
from hashmatch.store import Store
from hashmatch.types import PDQ, Bank, Hash, NewEntry, Provenance

from .samples import ids, new_entries, new_entry

HUGE = 2**63


@pytest.fixture(autouse=True)
def _bank(store: Store) -> None:
    store.create_bank(Bank("a"))


def test_entries_are_kept_as_given(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(microseconds=1)
    added = new_entries(0, 20)
    entries, revision = store.add_entries("a", added)
    assert revision == 2
    assert [NewEntry(entry.hash, entry.provenance, entry.shown, entry.expires) for entry in entries] == added
    assert ids(entries) == sorted(set(ids(entries)))
    assert {(entry.bank, entry.revision) for entry in entries} == {("a", 2)}
    for entry in entries:
        assert entry.created.tzinfo is UTC
        assert before <= entry.created <= datetime.now(UTC)
    assert [store.get_entry("a", entry.id) for entry in entries] == entries
    assert store.list_entries("a") == entries
    assert store.count_entries("a") == 20


def test_text_and_bytes_are_kept_to_the_letter(store: Store) -> None:
    odd = NewEntry(
        Hash(PDQ, bytes(range(224, 256)), 0),
        Provenance("' OR 1=1; --", 'back\\slash "quoted" %s :id ?', ("žluť, \n", "", "[]", '"'), "\t🐎\r\n"),
    )
    entries, _ = store.add_entries("a", [odd, odd])
    for entry in store.list_entries("a"):
        assert NewEntry(entry.hash, entry.provenance, entry.shown, entry.expires) == odd
    assert store.list_entries("a") == entries


def test_what_is_read_cannot_be_changed(store: Store) -> None:
    entries, _ = store.add_entries("a", [new_entry(1)])
    read = store.get_entry("a", entries[0].id)
    for value, field in ((read, "id"), (read.hash, "bits"), (read.provenance, "note")):
        with pytest.raises(AttributeError):
            setattr(value, field, None)
    assert hash(read) == hash(entries[0])


def test_a_full_batch_is_one_revision(store: Store) -> None:
    entries, revision = store.add_entries("a", new_entries(0, 10_000))
    assert len(set(ids(entries))) == 10_000
    assert {entry.revision for entry in entries} == {revision}
    assert store.list_entries("a", limit=10_000) == entries


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (NewEntry(Hash("MD5", bytes(16))), "entries[1].hash.kind"),
        (NewEntry(Hash(PDQ, bytes(257))), "entries[1].hash.bits"),
        (NewEntry(Hash(PDQ, bytes(32), 101)), "entries[1].hash.quality"),
        (NewEntry(Hash(PDQ, bytes(32), -1)), "entries[1].hash.quality"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(content_id="x" * 257)), "entries[1].provenance.content_id"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(source="x" * 257)), "entries[1].provenance.source"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(labels=("x",) * 65)), "entries[1].provenance.labels"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(labels=("", "x" * 129))), "entries[1].provenance.labels[1]"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(note="x" * 4_097)), "entries[1].provenance.note"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(note="a\0b")), "entries[1].provenance.note"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(source="\ud800")), "entries[1].provenance.source"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(programme="x" * 257)), "entries[1].provenance.programme"),
        (NewEntry(Hash(PDQ, bytes(32)), Provenance(reported=datetime(2024, 1, 1))), "entries[1].provenance.reported"),
        (NewEntry(Hash(PDQ, bytes(32)), expires=datetime(1969, 1, 1, tzinfo=UTC)), "entries[1].expires"),
    ],
)
def test_one_wrong_entry_is_named_and_none_is_added(store: Store, wrong: NewEntry, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        store.add_entries("a", [new_entry(0), wrong])
    assert caught.value.details["field"] == field
    assert str(caught.value).count(field) == 1
    assert store.count_entries("a") == 0
    assert store.head() == 1


def test_the_longest_that_is_allowed_is_kept(store: Store) -> None:
    longest = Provenance("x" * 256, "ž" * 256, ("y" * 128,) * 64, "z" * 4_096)
    store.add_entries("a", [NewEntry(Hash(PDQ, bytes(32), 100), longest)])
    assert store.list_entries("a")[0].provenance == longest


def test_batches_have_bounds(store: Store) -> None:
    for field, call in (
        ("entries", lambda: store.add_entries("a", [])),
        ("entries", lambda: store.add_entries("a", [new_entry(0)] * 10_001)),
        ("names", lambda: store.remove_entries("a", [])),
        ("names", lambda: store.remove_entries("a", range(1, 10_002))),
    ):
        with pytest.raises(InvalidField) as caught:
            call()
        assert caught.value.details["field"] == field


def test_entries_are_listed_in_pages(store: Store) -> None:
    store.create_bank(Bank("b"))
    first, _ = store.add_entries("a", new_entries(0, 3))
    store.add_entries("b", new_entries(3, 3))
    second, _ = store.add_entries("a", new_entries(6, 3))
    both = first + second
    assert store.list_entries("a") == both
    assert store.list_entries("a", limit=4) == both[:4]
    assert store.list_entries("a", after=both[3].id, limit=4) == both[4:]
    assert store.list_entries("a", after=both[-1].id) == []
    assert store.list_entries("a", after=HUGE) == []


def test_removed_entries_are_gone_and_their_numbers_with_them(store: Store) -> None:
    entries, _ = store.add_entries("a", new_entries(0, 5))
    numbers = ids(entries)
    assert store.remove_entries("a", [numbers[4], numbers[1], numbers[4]]) == 3
    assert store.list_entries("a") == [entries[0], entries[2], entries[3]]
    assert store.count_entries("a") == 3
    with pytest.raises(NotFound):
        store.get_entry("a", numbers[4])
    again, _ = store.add_entries("a", new_entries(0, 5))
    assert min(ids(again)) > max(numbers)


def test_removal_is_all_or_none_and_names_the_first_that_is_missing(store: Store) -> None:
    store.create_bank(Bank("b"))
    entries, _ = store.add_entries("a", new_entries(0, 3))
    others, _ = store.add_entries("b", new_entries(3, 1))
    for missing in (others[0].id, others[0].id + 1, 0, -1, HUGE):
        with pytest.raises(NotFound) as caught:
            store.remove_entries("a", [entries[0].id, missing, others[0].id + 2])
        assert caught.value.details == {"bank": "a", "entry": str(missing)}
    assert store.list_entries("a") == entries
    assert store.head() == 4


@pytest.mark.parametrize("number", [-HUGE, 0, 2, HUGE])
def test_an_entry_that_is_not_there_is_not_found(store: Store, number: int) -> None:
    store.add_entries("a", [new_entry(0)])
    with pytest.raises(NotFound) as caught:
        store.get_entry("a", number)
    assert caught.value.details == {"bank": "a", "entry": str(number)}


def test_an_entry_is_found_in_its_own_bank_alone(store: Store) -> None:
    store.create_bank(Bank("b"))
    entries, _ = store.add_entries("a", [new_entry(0)])
    with pytest.raises(NotFound):
        store.get_entry("b", entries[0].id)


def test_thousands_of_scattered_entries_are_removed_at_once(store: Store) -> None:
    entries, _ = store.add_entries("a", new_entries(0, 10_000))
    store.remove_entries("a", ids(entries)[::-2])
    assert store.list_entries("a", limit=10_000) == entries[::2]
