"""The store: banks, their entries and the history of both, behind one object."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from sqlalchemy import select

from hashmatch.errors import AlreadyExists
from hashmatch.store import schema, standing
from hashmatch.store.approvals import Approvals
from hashmatch.store.audit import AuditLog
from hashmatch.store.checks import check_bank, check_mask
from hashmatch.store.connect import connect
from hashmatch.store.database import Database
from hashmatch.store.entries import EntryStore
from hashmatch.store.exchanges import Exchanges
from hashmatch.store.feedback import FeedbackStore
from hashmatch.store.history import count_changes, read_changes, read_token
from hashmatch.store.migrate import migrate
from hashmatch.store.named import bank_named, bank_number, no_bank
from hashmatch.store.rows import (
    SELECT_BANKS,
    bank_from,
    bank_values,
)
from hashmatch.store.schema import banks, head
from hashmatch.store.tokens import Tokens
from hashmatch.store.writing import Writer
from hashmatch.types import LOCAL, SERVICE, Author, Bank, Change


class Store(EntryStore):
    """The banks in one database, for any number of threads and processes.

    Every write is one transaction and takes the next revision, so all readers see one order. Where a write
    takes a `request_id` (at most 128 characters, remembered for 7 days), the same call with the same id is done
    once and answered alike; another call with that id raises AlreadyExists. Every method raises Unavailable where
    the database is locked for too long or out of reach; then a write may or may not have been made, and asking
    again with its `request_id` is safe. `author` says who writes, and why.
    """

    def __init__(self, database: Database) -> None:
        """Use a database whose schema is up to date; `open` sees to that."""
        super().__init__(database)
        self.tokens = Tokens(database)
        self.approvals = Approvals(database)
        self.audit = AuditLog(database)
        self.exchanges = Exchanges(database)
        self.feedback = FeedbackStore(database)

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
        """Return how many entries of a bank match; raises NotFound."""
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
                mine = select(schema.entries.c.id).where(schema.entries.c.bank_id == bank_id)
                write.tables.delete(schema.reports, schema.reports.c.entry_id.in_(mine))
                write.tables.delete(schema.entries, schema.entries.c.bank_id == bank_id)
                write.tables.delete(schema.batches, schema.batches.c.bank_id == bank_id)
                write.tables.delete(banks, banks.c.id == bank_id)
                write.log_deleted(name)
            return write.revision

    def _count_anew(self) -> None:
        """Count the entries of banks of a version that did not."""
        uncounted = select(banks.c.id).where(standing.UNCOUNTED).limit(1)
        with self._reading() as connection:
            if connection.execute(uncounted).first() is None:
                return
        with self._writer.write(Author(SERVICE), "", ("count_entries",)) as write:
            standing.count_anew(write)
