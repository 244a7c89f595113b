"""The exchanges that banks follow: what they are, how far fetching has come, and what it changes.

An exchange's entries are those of its bank that carry its source; a record of it is the entries of one content id.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, func, select

from hashmatch.errors import AlreadyExists, NotFound, Superseded
from hashmatch.store import standing
from hashmatch.store.checks import check_entries, check_label
from hashmatch.store.database import Database, answering
from hashmatch.store.exchange_plan import Plan, own, plan, reason
from hashmatch.store.named import bank_number
from hashmatch.store.rows import entry_values, moment_or_none
from hashmatch.store.schema import entries, exchanges
from hashmatch.store.writing import Write, Writer
from hashmatch.types import Adding, Applied, Author, Exchange, ExchangeStatus, NewEntry
from hashmatch.types.moments import moment


class Exchanges:
    """The exchanges of one database, for any number of threads and processes; every method raises Unavailable.

    Of several fetches of one exchange the one that began last goes on, and the others end with Superseded.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database)

    def add(self, exchange: Exchange, author: Author) -> None:
        """Let a bank follow an exchange; raises InvalidField, AlreadyExists for its name, NotFound for the bank."""
        check_label("name", exchange.name)
        with self._writer.write(author, "", ("add_exchange", exchange.name)) as write:
            bank_number(write.connection, exchange.bank)
            write.banks.add(exchange.bank)
            if write.connection.execute(_one(exchange.name)).first() is not None:
                raise AlreadyExists(f"an exchange named {exchange.name!r} exists", exchange=exchange.name)
            values = {
                "name": exchange.name,
                "api": exchange.api,
                "bank": exchange.bank,
                "options": dict(exchange.options),
                "credentials": exchange.credentials,
                "created": write.created,
                "fetch": "",
                "error": "",
            }
            write.tables.insert(exchanges, [values])

    def all(self) -> list[ExchangeStatus]:
        """Every exchange, by name."""
        with self._reading() as connection:
            return [_status(row) for row in connection.execute(select(exchanges).order_by(exchanges.c.name))]

    def get(self, name: str) -> ExchangeStatus:
        """One exchange; raises NotFound."""
        with self._reading() as connection:
            return _status(_named(connection, name))

    def remove(self, name: str, author: Author) -> None:
        """Follow an exchange no more; its entries stay where they are. Raises NotFound."""
        with self._writer.write(author, "", ("remove_exchange", name)) as write:
            write.banks.add(_named(write.connection, name).bank)
            write.tables.delete(exchanges, exchanges.c.name == name)

    def begin(self, name: str, author: Author) -> str:
        """Begin a fetch, and return what tells it from others; raises NotFound."""
        fetch = secrets.token_hex(8)
        with self._writer.write(author, "", ("begin_fetch", name)) as write:
            _named(write.connection, name)
            _change(write, name, fetch=fetch, began=write.created, error="")
        return fetch

    def apply(
        self,
        name: str,
        fetch: str,
        records: Mapping[str, Sequence[NewEntry]],
        checkpoint: Mapping[str, Any] | None,
        author: Author,
    ) -> Applied:
        """Let records hold these entries and no others, and keep a checkpoint unless it is None, all or nothing.

        The entries must be at most 10,000 in all, and carry the exchange's source and the records' names as content
        ids. Entries that are as they should be are left alone, and so are hashes that somebody else removed from a
        record: they do not come back. The reason that is kept begins with the exchange's source. Raises Superseded,
        NotFound for the exchange or its bank, and InvalidField for an entry.
        """
        wanted = [entry for some in records.values() for entry in some]
        if wanted:
            check_entries(wanted)
        if checkpoint is None and (done := self._planned(name, records)).is_done:
            return done.applied
        said = Author(author.name, reason(name, author.reason))
        with self._writer.write(said, "", ("apply_records", name), entries=len(wanted)) as write:
            exchange = _current(write.connection, name, fetch)
            todo = plan(write.connection, exchange, records)
            self._carry_out(write, exchange, todo, write.last_entry - len(wanted) + 1)
            if checkpoint is not None:
                _change(write, name, checkpoint=dict(checkpoint))
        return todo.applied

    def records(self, name: str, after: str = "", limit: int = 10_000) -> list[str]:
        """Return the names of at most `limit` records that hold entries, in their order, after a name, exclusive.

        Raises NotFound for the exchange or its bank.
        """
        with self._reading() as connection:
            mine = own(connection, _status(_named(connection, name)).exchange)
            page = select(entries.c.content_id).distinct().where(mine, standing.THERE, entries.c.content_id > after)
            return list(connection.execute(page.order_by(entries.c.content_id).limit(limit)).scalars())

    def count(self, name: str) -> int:
        """Return how many entries it has; raises NotFound for the exchange or its bank."""
        with self._reading() as connection:
            mine = own(connection, _status(_named(connection, name)).exchange)
            return connection.execute(
                select(func.count()).select_from(entries).where(mine, standing.THERE)
            ).scalar_one()

    def finish(self, name: str, fetch: str, checkpoint: Mapping[str, Any] | None, author: Author) -> None:
        """Say that a fetch came to its end, and where the next goes on; raises Superseded."""
        kept = None if checkpoint is None else dict(checkpoint)
        with self._writer.write(author, "", ("finish_fetch", name)) as write:
            _current(write.connection, name, fetch)
            _change(write, name, checkpoint=kept, fetched=write.created)

    def fail(self, name: str, fetch: str, error: str, author: Author) -> None:
        """Say why a fetch did not come to its end; raises Superseded."""
        with self._writer.write(author, "", ("fail_fetch", name)) as write:
            _current(write.connection, name, fetch)
            _change(write, name, error=error)

    def clear(self, name: str, author: Author) -> None:
        """Remove all its entries, and end fetches that are under way; raises NotFound for the exchange or its bank."""
        fetch, after = self.begin(name, author), ""
        while records := self.records(name, after):
            after = records[-1]
            self.apply(name, fetch, dict.fromkeys(records, ()), None, author)

    def _planned(self, name: str, records: Mapping[str, Sequence[NewEntry]]) -> Plan:
        with self._reading() as connection:
            return plan(connection, _status(_named(connection, name)).exchange, records)

    @staticmethod
    def _carry_out(write: Write, exchange: Exchange, todo: Plan, first: int) -> None:
        if todo.gone:
            standing.remove(write, exchange.bank, todo.gone)
        if todo.new:
            adding = Adding(f"exchange {exchange.name}")
            standing.add(write, exchange.bank, first, entry_values(todo.new), adding)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with answering(), self._database.reads.connect() as connection:
            yield connection


def _one(name: str) -> Any:
    return select(exchanges).where(exchanges.c.name == name)


def _named(connection: Connection, name: str) -> Row[Any]:
    row: Row[Any] | None = connection.execute(_one(name)).one_or_none()
    if row is None:
        raise NotFound(f"no exchange is named {name!r}", exchange=name)
    return row


def _current(connection: Connection, name: str, fetch: str) -> Exchange:
    row = _named(connection, name)
    if row.fetch != fetch:
        raise Superseded(f"another fetch of {name} has begun", exchange=name)
    return _status(row).exchange


def _change(write: Write, name: str, **values: Any) -> None:
    write.tables.update(exchanges, exchanges.c.name == name, values)


def _status(row: Row[Any]) -> ExchangeStatus:
    return ExchangeStatus(
        Exchange(row.name, row.api, row.bank, row.options, row.credentials),
        moment(row.created),
        row.checkpoint,
        moment_or_none(row.began),
        moment_or_none(row.fetched),
        row.error,
    )
