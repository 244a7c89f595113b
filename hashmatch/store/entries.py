"""The entries of banks: added, read, listed, removed and restored."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection

from hashmatch.store import holding, schema, standing
from hashmatch.store.checks import check_adding, check_batch, check_entries
from hashmatch.store.database import Database, answering
from hashmatch.store.named import LAST_ID, bank_number, no_entry
from hashmatch.store.reports import with_feedback
from hashmatch.store.rows import SELECT_ENTRIES, entries_as_added, entry_reader, entry_values
from hashmatch.store.writing import Writer
from hashmatch.types import LOCAL, SERVICE, Adding, Author, Entry, EntryFilter, NewEntry, moments

SWEPT_AT_ONCE: Final = 10_000
"""The most expired entries that one sweep removes."""
ALL_THERE: Final = EntryFilter()
ADDING: Final = Adding()
SWEEP: Final = Author(SERVICE, "expired")


class EntryStore:
    """The part of a store that is about entries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database)

    def add_entries(
        self,
        bank: str,
        entries: Sequence[NewEntry],
        request_id: str = "",
        author: Author = LOCAL,
        adding: Adding = ADDING,
    ) -> tuple[list[Entry], int]:
        """Add 1 to 10,000 entries, all or none; returns them in their order, and the revision.

        Their numbers ascend from one entry to the next and from one revision to the next, and are never used
        again. They match from that revision on, or wait for approval, as the bank and its growth want it: each says
        where it stands. Raises NotFound and InvalidField.
        """
        check_entries(entries)
        check_adding(adding)
        rows = entry_values(entries)
        with self._writer.write(author, request_id, ("add_entries", bank, rows), entries=len(rows)) as write:
            if write.repeated:
                logged = write.logged()
                first, stands = int(logged.first_entry), holding.Standing.told(logged.state)
            else:
                first = write.last_entry - len(rows) + 1
                stands = standing.add(write, bank, first, rows, adding)
            like = stands.entry(first, bank, entries[0], write)
            return entries_as_added(entries, like), write.revision

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
                    (entry,) = with_feedback(connection, [entry_reader()(row, bank)])
                    return entry
        raise no_entry(bank, id)

    def list_entries(self, bank: str, after: int = 0, limit: int = 100, wanted: EntryFilter = ALL_THERE) -> list[Entry]:
        """Return at most `limit` entries in the order they were added, beginning after the number `after`, exclusive.

        Raises NotFound.
        """
        columns = schema.entries.c
        with self._reading() as connection:
            bank_id = bank_number(connection, bank)
            page = SELECT_ENTRIES.where(columns.bank_id == bank_id, columns.id > min(after, LAST_ID))
            page = page.where(*standing.conditions(bank_id, wanted))
            read = entry_reader()
            rows = connection.execute(page.order_by(columns.id).limit(limit))
            return with_feedback(connection, [read(row, bank) for row in rows])

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
        """Bring 1 to 10,000 removed entries back, all or none; returns the revision.

        They match again, or wait for approval in a bank that wants a second person at any time. Raises InvalidField,
        also for an entry that has expired, and NotFound for the bank or for the first number that is not a removed
        entry of it.
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

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Read from one snapshot of the database."""
        with answering(), self._database.reads.connect() as connection:
            yield connection
