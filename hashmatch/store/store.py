"""The store: banks, their entries and the history of both, behind one object."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, select

from hashmatch.errors import AlreadyExists
from hashmatch.store import schema, standing
from hashmatch.store.audit import AuditLog
from hashmatch.store.checks import check_bank, check_batch, check_entries, check_mask
from hashmatch.store.connect import connect
from hashmatch.store.database import Database, answering
from hashmatch.store.exchanges import Exchanges
from hashmatch.store.history import count_changes, read_changes, read_token
from hashmatch.store.migrate import migrate
from hashmatch.store.named import LAST_ID, bank_named, bank_number, no_bank, no_entry
from hashmatch.store.rows import (
    SELECT_BANKS,
    SELECT_ENTRIES,
    bank_from,
    bank_values,
    entries_as_added,
    entry_reader,
    entry_values,
)
from hashmatch.store.schema import banks, head
from hashmatch.store.tokens import Tokens
from hashmatch.store.writing import Writer
from hashmatch.types import LOCAL, SERVICE, Author, Bank, Change, Entry, EntryFilter, NewEntry, State, moments

SWEPT_AT_ONCE: Final = 10_000
"""The most expired entries that one sweep removes."""
ALL_THERE: Final = EntryFilter()
SWEEP: Final = Author(SERVICE, "expired")


class Store:
    """The banks in one database, for any number of threads and processes.

    Every write is one transaction and takes the next revision, so all readers see one order. Where a write
    takes a `request_id` (at most 128 characters, remembered for 7 days), the same call with the same id is done
    once and answered alike; another call with that id raises AlreadyExists. Every method raises Unavailable where
    the database is locked for too long or out of reach; then a write may or may not have been made, and asking
    again with its `request_id` is safe. `author` says who writes, and why.
    """

    def __init__(self, database: Database) -> None:
        """Use a database whose schema is up to date; `open` sees to that."""
        self._database = database
        self._writer = Writer(database)
        self.tokens = Tokens(database)
        self.audit = AuditLog(database)
        self.exchanges = Exchanges(database)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the database at an SQLAlchemy URL, made and migrated as needed.

        To be called from one thread at a time; any number of processes may open one database at once. Raises
        ConfigurationError where the URL or its file cannot be used, or a newer version wrote the database.
        """
        database = connect(url)
        try:
            migrate(database)
            Writer(database).adopt()
            store = cls(database)
            store._count_anew()
        except BaseException:
            database.close()
            raise
        return store

    def close(self) -> None:
        """Give up the connections; the store must not be in use, nor used again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def listening(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `wake` soon after other processes write, where the database can tell; a follower polls all the same."""
        return self._database.listening(wake)

    def head(self) -> int:
        """Return the newest revision; 0 where nothing was ever written."""
        with self._reading() as connection:
            revision: int = connection.execute(select(head.c.revision)).scalar_one()
            return revision

    def changes(self, after: int, limit: int = 10_000) -> tuple[int, list[Change]]:
        """Return the changes of the revisions after `after`, exclusive, in order, and the last of these revisions.

        Whole revisions only: at most `limit` changes, or one revision where that one alone has more. Entries
        that were removed since are left out, so a revision may be reached without any change; where the revision
        returned is `after`, there is nothing new.
        """
        with self._reading() as connection:
            return read_changes(connection, after, limit)

    def pending(self, after: int) -> int:
        """Return how many changes there are after that revision, exclusive; entries removed since are counted."""
        with self._reading() as connection:
            return count_changes(connection, after)

    def token(self, revision: int) -> str:
        """Return what tells a revision from the one of that number in any other database, or in this one before it
        was put back to an earlier state; "" where there is no such revision.
        """
        with self._reading() as connection:
            return read_token(connection, revision)

    def create_bank(self, bank: Bank, request_id: str = "", author: Author = LOCAL) -> tuple[Bank, int]:
        """Make a bank; returns it and the revision. Raises InvalidField, and AlreadyExists for its name."""
        check_bank(bank)
        values = bank_values(bank)
        with self._writer.write(author, request_id, ("create_bank", values)) as write:
            if not write.repeated:
                taken = select(banks.c.id).where(banks.c.name == bank.name)
                if write.connection.execute(taken).first() is not None:
                    raise AlreadyExists(f"a bank named {bank.name!r} exists", bank=bank.name)
                write.tables.insert(banks, [{**values, "entry_count": 0}])
                write.log_bank(bank)
            return bank, write.revision

    def get_bank(self, name: str) -> Bank:
        """Return a bank; raises NotFound."""
        with self._reading() as connection:
            return bank_named(connection, name)

    def count_entries(self, name: str) -> int:
        """Return how many entries a bank holds; raises NotFound."""
        with self._reading() as connection:
            row = connection.execute(select(banks.c.entry_count).where(banks.c.name == name)).one_or_none()
            if row is None:
                raise no_bank(name)
            return int(row.entry_count)

    def list_banks(self, after: str = "", limit: int = 100) -> list[Bank]:
        """Return at most `limit` banks by name, beginning after the name `after`, exclusive."""
        page = SELECT_BANKS.where(banks.c.name > after).order_by(banks.c.name).limit(limit)
        with self._reading() as connection:
            return [bank_from(row._asdict()) for row in connection.execute(page)]

    def update_bank(
        self, name: str, values: Mapping[str, object], request_id: str = "", author: Author = LOCAL
    ) -> tuple[Bank, int]:
        """Change fields of a bank; returns its new state and the revision.

        `values` holds one or more of a bank's fields but its name. Raises NotFound
        and InvalidField, of `update_mask` where `values` is empty or names anything else.
        """
        check_mask(values)
        new: dict[str, Any] = dict(values)
        with self._writer.write(author, request_id, ("update_bank", name, sorted(new.items()))) as write:
            if write.repeated:
                return bank_from(write.logged().state), write.revision
            bank = replace(bank_named(write.connection, name), **new)
            check_bank(bank)
            write.tables.update(banks, banks.c.name == name, bank_values(bank))
            write.log_bank(bank)
            return bank, write.revision

    def delete_bank(self, name: str, request_id: str = "", author: Author = LOCAL) -> int:
        """Delete a bank and its entries; returns the revision. Raises NotFound."""
        with self._writer.write(author, request_id, ("delete_bank", name)) as write:
            if not write.repeated:
                bank_id = bank_number(write.connection, name)
                write.tables.delete(schema.entries, schema.entries.c.bank_id == bank_id)
                write.tables.delete(banks, banks.c.id == bank_id)
                write.log_deleted(name)
            return write.revision

    def add_entries(
        self, bank: str, entries: Sequence[NewEntry], request_id: str = "", author: Author = LOCAL
    ) -> tuple[list[Entry], int]:
        """Add 1 to 10,000 entries, all or none; returns them in their order, and the revision.

        Their numbers ascend from one entry to the next and from one revision to the next, and are never used
        again. Raises NotFound and InvalidField.
        """
        check_entries(entries)
        rows = entry_values(entries)
        with self._writer.write(author, request_id, ("add_entries", bank, rows), entries=len(rows)) as write:
            if write.repeated:
                first: int = write.logged().first_entry
            else:
                first = write.last_entry - len(rows) + 1
                standing.add(write, bank, first, rows)
            return entries_as_added(entries, bank, first, write.created, write.revision), write.revision

    def get_entry(self, bank: str, id: int) -> Entry:  # noqa: A002 - the word of the types
        """Return an entry; raises NotFound for the bank, or an entry that is not there or was removed."""
        with self._reading() as connection:
            bank_id = bank_number(connection, bank)
            if 0 < id <= LAST_ID:
                one = SELECT_ENTRIES.where(
                    schema.entries.c.bank_id == bank_id, schema.entries.c.id == id, standing.THERE
                )
                row = connection.execute(one).one_or_none()
                if row is not None:
                    return entry_reader()(row, bank)
        raise no_entry(bank, id)

    def list_entries(self, bank: str, after: int = 0, limit: int = 100, wanted: EntryFilter = ALL_THERE) -> list[Entry]:
        """Return at most `limit` entries in the order they were added, beginning after the number `after`, exclusive.

        Raises NotFound.
        """
        columns = schema.entries.c
        with self._reading() as connection:
            bank_id = bank_number(connection, bank)
            page = SELECT_ENTRIES.where(columns.bank_id == bank_id, columns.id > min(after, LAST_ID))
            page = page.where(columns.removed.is_not(None) if wanted.state is State.REMOVED else standing.THERE)
            if wanted.state not in {None, State.REMOVED}:
                page = page.where(columns.state == wanted.state)
            if wanted.content_id:
                page = page.where(columns.content_id == wanted.content_id)
            read = entry_reader()
            rows = connection.execute(page.order_by(columns.id).limit(limit))
            return [read(row, bank) for row in rows]

    def remove_entries(self, bank: str, ids: Sequence[int], request_id: str = "", author: Author = LOCAL) -> int:
        """Remove 1 to 10,000 entries, all or none; returns the revision. A number given twice counts once.

        They are kept with the author's reason, and may be restored. Raises InvalidField, and NotFound for the bank or
        for the first number that is not an entry of it.
        """
        check_batch("names", ids)
        with self._writer.write(author, request_id, ("remove_entries", bank, list(ids))) as write:
            if not write.repeated:
                standing.remove(write, bank, ids)
            return write.revision

    def remove_content(self, bank: str, content_id: str, request_id: str = "", author: Author = LOCAL) -> int:
        """Remove all entries of a content id as `remove_entries` does; returns the revision. Raises NotFound."""
        with self._writer.write(author, request_id, ("remove_content", bank, content_id)) as write:
            if not write.repeated:
                standing.remove_content(write, bank, content_id)
            return write.revision

    def restore_entries(self, bank: str, ids: Sequence[int], request_id: str = "", author: Author = LOCAL) -> int:
        """Let 1 to 10,000 removed entries match again, all or none; returns the revision.

        Raises InvalidField, also for an entry that has expired, and NotFound for the bank or for the first number that
        is not a removed entry of it.
        """
        check_batch("names", ids)
        with self._writer.write(author, request_id, ("restore_entries", bank, list(ids))) as write:
            if not write.repeated:
                standing.restore(write, bank, ids)
            return write.revision

    def remove_expired(self, author: Author = SWEEP) -> int:
        """Remove entries that have expired, 10,000 at most; returns how many. They do not match in any case."""
        with self._reading() as connection:
            due = standing.expired(connection, moments.now(), SWEPT_AT_ONCE)
        count = 0
        for bank, some in groupby(sorted(due), key=itemgetter(0)):
            ids = [id_ for _, id_ in some]
            with self._writer.write(author, "", ("remove_expired", bank, ids)) as write:
                count += standing.remove_expired(write, bank, ids)
        return count

    def _count_anew(self) -> None:
        """Count the entries of banks of a version that did not."""
        uncounted = select(banks.c.id).where(standing.UNCOUNTED).limit(1)
        with self._reading() as connection:
            if connection.execute(uncounted).first() is None:
                return
        with self._writer.write(Author(SERVICE), "", ("count_entries",)) as write:
            standing.count_anew(write)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Read from one snapshot of the database."""
        with answering(), self._database.reads.connect() as connection:
            yield connection
