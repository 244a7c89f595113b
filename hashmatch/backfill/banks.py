"""The banks that a backfill looks up in, wherever they are: a database, exported files, or a server over gRPC."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain, islice, product, starmap
from pathlib import Path
from typing import Final, Protocol, Self

from hashmatch import index
from hashmatch.client import Client, Security
from hashmatch.client.security import OPEN
from hashmatch.errors import ConfigurationError
from hashmatch.index import Snapshot, is_exported, load_exported
from hashmatch.store import Store
from hashmatch.types import Bank, BankPut, Change, Entry, EntryAdded, EntryFilter, State

_AT_ONCE: Final = 50_000
"""Entries that join a snapshot at once."""
_NEVER: Final = 2**62
"""A revision that nothing was added after."""
_DATABASE: Final = "hashmatch.db"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to look for; every one where nothing is said, and those that all that is said allows."""

    since: int = 0
    """Those added after that revision, exclusive, and those of banks whose policy changed after it.

    A server keeps no history of policies: asked there, the latter are left out, and so are entries that were added
    before it and approved or restored after it.
    """
    banks: tuple[str, ...] = ()
    entries: tuple[tuple[str, int], ...] = ()
    """Bank and id of each."""
    waiting: bool = False
    """Those that wait for approval alone, as if they had it and their banks were open to all."""
    batch: str = ""
    """Of those, the ones of batches of that name; all where empty."""

    @property
    def filters(self) -> tuple[EntryFilter, ...]:
        """What to list of a bank."""
        if not self.waiting:
            return (EntryFilter(),)
        return tuple(EntryFilter(state=state, batch=self.batch) for state in (State.PENDING, State.UNREVIEWED))

    def bank(self, bank: Bank) -> Bank:
        """A bank, as it is looked into."""
        return replace(bank, enabled=True, matching_enabled_ratio=1.0, disabled_until=None) if self.waiting else bank

    def entry(self, entry: Entry) -> Entry:
        """An entry, as it is looked for."""
        return replace(entry, state=State.LIVE, review_from=None) if self.waiting else entry

    def allows(self, entry: Entry) -> bool:
        """Whether an entry is of a wanted bank."""
        return not self.banks or entry.bank in self.banks


class Origin(Protocol):
    """Somewhere that banks are kept."""

    def load(self, wanted: Wanted) -> Snapshot:
        """A snapshot of the wanted entries, with every bank as it is now; raises NotFound, Unavailable."""


def load(where: str, wanted: Wanted, timeout: float = 10.0, security: Security = OPEN) -> Snapshot:
    """The banks at `where`: a database's URL, a server's data directory, what `export` wrote, or a server's HOST:PORT.

    `timeout` is seconds that each call to a server may take, `security` what it takes to be let in. Raises
    ConfigurationError where `where` is none of these, Unavailable, and NotFound for a bank or an entry.
    """
    with ExitStack() as stack:
        origin: Origin
        if is_exported(Path(where)):
            origin = OfFiles(Path(where))
        elif url := _database(where):
            origin = OfStore(stack.enter_context(Store.open(url)))
        else:
            origin = OfServer(stack.enter_context(Client(where, timeout=timeout, security=security)))
        snapshot = origin.load(wanted)
    snapshot.roster.check(wanted.banks)  # says which bank there is none of
    return snapshot


def check(where: str, names: Collection[str], timeout: float = 10.0, security: Security = OPEN) -> None:
    """Whether the banks that are named are at `where`, without loading entries; raises as `load` does."""
    load(where, Wanted(since=_NEVER, banks=tuple(names)), timeout, security)


def export(where: str, path: Path, timeout: float = 10.0, security: Security = OPEN) -> Snapshot:
    """Write the banks at `where` into files that `load` maps, in place of those there; returns what was written.

    Raises as `load` does, and ConfigurationError where they cannot be written.
    """
    snapshot = load(where, Wanted(), timeout, security)
    try:
        index.export(snapshot, path)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {path}: {error.strerror}") from error
    return snapshot


class OfFiles:
    """Banks that were exported: all of them, as they were then."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, wanted: Wanted) -> Snapshot:
        """Raises ConfigurationError where part of the entries is wanted, besides: files have no history."""
        if wanted.entries or 0 < wanted.since < _NEVER:
            raise ConfigurationError(f"{self._path} holds no history of the banks: name a server or database")
        snapshot = load_exported(self._path)
        if snapshot is None:
            raise ConfigurationError(f"{self._path} is damaged, or the files of a server: export the banks again")
        return snapshot


class OfStore:
    """Banks in a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, wanted: Wanted) -> Snapshot:
        growing = _Growing.of(map(wanted.bank, _pages_of_banks(self._store)), wanted.since)
        if wanted.waiting:
            for bank in wanted.banks or sorted(growing.snapshot.banks):
                growing.add(EntryAdded(wanted.entry(entry)) for entry in self._entries(bank, wanted.filters))
            return growing.at(self._store.head())
        if wanted.entries:
            growing.add(EntryAdded(self._store.get_entry(bank, entry)) for bank, entry in wanted.entries)
            return growing.at(self._store.head())
        older: set[str] = set()
        revision = wanted.since
        while True:
            reached, changes = self._store.changes(revision, _AT_ONCE)
            if reached == revision:
                break
            revision = reached
            growing.add(c for c in changes if not isinstance(c, EntryAdded) or wanted.allows(c.entry))
            older |= {change.bank.name for change in changes if isinstance(change, BankPut)}
        if wanted.since:
            for bank in sorted(older & growing.snapshot.banks.keys()):
                known = (entry for entry in self._entries(bank) if entry.revision <= wanted.since)
                growing.add(EntryAdded(entry) for entry in known if wanted.allows(entry))
        return growing.at(revision)

    def _entries(self, bank: str, filters: Sequence[EntryFilter] = (EntryFilter(),)) -> Iterator[Entry]:
        for wanted in filters:
            last = 0
            while page := self._store.list_entries(bank, last, 10_000, wanted):
                yield from page
                last = page[-1].id


class OfServer:
    """Banks of a running server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def load(self, wanted: Wanted) -> Snapshot:
        """What is added while it loads is left out: the snapshot's revision is the server's when it began."""
        revision = self._client.status().revision
        growing = _Growing.of(map(wanted.bank, self._client.list_banks()), revision)
        if wanted.entries:
            growing.add(EntryAdded(self._client.get_entry(bank, entry)) for bank, entry in wanted.entries)
            return growing.at(revision)
        banks = sorted(name for name in growing.snapshot.banks if not wanted.banks or name in wanted.banks)
        pairs = product(banks if wanted.since < revision else (), wanted.filters)
        entries = chain.from_iterable(starmap(self._client.list_entries, pairs))
        growing.add(EntryAdded(wanted.entry(each)) for each in entries if wanted.since < each.revision <= revision)
        return growing.at(revision)


class _Growing:
    """A snapshot that more and more changes join, many at a time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @classmethod
    def of(cls, banks: Iterable[Bank], revision: int) -> Self:
        return cls(Snapshot.empty().apply([BankPut(bank) for bank in banks], revision))

    def add(self, changes: Iterable[Change]) -> None:
        """Apply changes in their order."""
        rest = iter(changes)
        while some := list(islice(rest, _AT_ONCE)):
            self.snapshot = self.snapshot.apply(some, self.snapshot.revision)

    def at(self, revision: int) -> Snapshot:
        """The snapshot, as that of a revision."""
        return self.snapshot.apply([], revision)


def _pages_of_banks(store: Store) -> Iterator[Bank]:
    last = ""
    while page := store.list_banks(last):
        yield from page
        last = page[-1].name


def _database(where: str) -> str:
    """The URL of the database that `where` means; empty where it is a server's address. Raises ConfigurationError."""
    if "://" not in where:
        file = Path(where, _DATABASE)
        if file.is_file():
            return f"sqlite:///{file}"
        if Path(where).exists():
            raise ConfigurationError(f"{where} is not a server's data directory: there is no {_DATABASE}")
        return ""
    if where.startswith("sqlite") and not Path(where.partition(":///")[2]).is_file():
        raise ConfigurationError(f"{where}: there is no such file")
    return where
