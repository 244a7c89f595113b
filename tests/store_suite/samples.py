"""Values to store, and an independent reading of the history."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hashmatch.store import Store
from hashmatch.types import (
    PDQ,
    Bank,
    BankDeleted,
    BankPut,
    Change,
    Entry,
    EntryAdded,
    EntryRemoved,
    Hash,
    NewEntry,
    Provenance,
    TimeRange,
)

REPORTED = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
LATER = datetime(2400, 1, 1, tzinfo=UTC)


def new_entry(number: int) -> NewEntry:
    """Return an entry unlike that of any other number; some have no quality, some no provenance."""
    bits = hashlib.sha256(str(number).encode()).digest()
    reported = REPORTED + timedelta(microseconds=number) if number % 2 else None
    provenance = Provenance(
        f"case-{number}", "hotline", ("first", "second")[: number % 3], "seen twice", "trusted flaggers", reported
    )
    shown = TimeRange(number, number + number % 2) if number % 5 and number % 3 == 0 else None
    return NewEntry(
        Hash(PDQ, bits, (number * 7) % 101 if number % 4 else None),
        provenance if number % 5 else Provenance(),
        shown,
        LATER if number % 7 == 0 else None,
    )


def new_entries(first: int, count: int) -> list[NewEntry]:
    return [new_entry(number) for number in range(first, first + count)]


@dataclass
class Replay:
    """The banks as the changes say that they are."""

    banks: dict[str, Bank] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    revision: int = 0

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            match change:
                case BankPut(bank):
                    self.banks[bank.name] = bank
                case BankDeleted(name):
                    del self.banks[name]
                    self.entries = {id_: entry for id_, entry in self.entries.items() if entry.bank != name}
                case EntryAdded(entry):
                    assert entry.bank in self.banks
                    self.entries[entry.id] = entry
                case EntryRemoved(id=id_):
                    self.entries.pop(id_, None)

    def follow(self, store: Store, limit: int = 10_000) -> None:
        """Catch up with the store."""
        while True:
            reached, changes = store.changes(self.revision, limit)
            if reached == self.revision:
                assert changes == []
                return
            assert reached > self.revision
            self.apply(changes)
            self.revision = reached


def tables(store: Store) -> Replay:
    """Return the banks as the lists say that they are, by pages that are not whole."""
    found = Replay(revision=store.head())
    while page := store.list_banks(after=max(found.banks, default=""), limit=2):
        found.banks |= {bank.name: bank for bank in page}
    for name in found.banks:
        after = 0
        while entries := store.list_entries(name, after, limit=7):
            found.entries |= {entry.id: entry for entry in entries}
            after = entries[-1].id
        assert store.count_entries(name) == sum(entry.bank == name for entry in found.entries.values())
    found.entries = dict(sorted(found.entries.items()))
    return found


def ids(entries: Sequence[Entry]) -> list[int]:
    return [entry.id for entry in entries]
