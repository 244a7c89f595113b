"""SQLite: one file on this machine, written ahead and synced before a write is acknowledged."""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Table, create_engine, event, insert

from hashmatch.errors import ConfigurationError
from hashmatch.store import database
from hashmatch.store.database import Database


class SQLite(Database):
    """A database in a file, for the processes of one machine."""

    @classmethod
    def at(cls, url: URL) -> Self:
        """Use the file that a URL names, whose directory is made where it is missing; raises ConfigurationError."""
        _prepare_file(url)
        engine = create_engine(url, paramstyle="named", connect_args={"timeout": database.BUSY_SECONDS})
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return cls(engine, engine.execution_options(hashmatch_begin="BEGIN IMMEDIATE"))

    def prepare_migration(self, connection: Connection) -> None:
        """Nothing more to do: a transaction that writes holds the only lock from its beginning."""

    def load(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        # SQLAlchemy's own handling of parameters would be most of the time of a large batch.
        statement = str(insert(table).values(dict.fromkeys(rows[0])).compile(dialect=connection.dialect))
        connection.exec_driver_sql(statement, list(rows))

    def announce(self, connection: Connection) -> None:
        """Nothing to do: nobody can listen."""

    def listening(self, wake: Callable[[], None]) -> AbstractContextManager[None]:  # noqa: ARG002 - as it says
        """SQLite tells nobody; followers poll."""
        return nullcontext()


def _prepare_file(url: URL) -> None:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ConfigurationError(f"{url} names no file: the banks need one, as in sqlite:////path/to/hashmatch.db")
    file = Path(url.database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            raise ConfigurationError(f"{file} is a directory: the database needs the name of a file")
    except OSError as error:
        raise ConfigurationError(f"cannot create {file.parent} for the database: {error.strerror}") from error


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    """Set one new connection up; sqlite3 must leave the beginning of transactions to `_begin`."""
    connection.isolation_level = None
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite does not itself wait for another process that is doing the same."""
    deadline = time.monotonic() + database.BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    """Begin a transaction: one that reads sees one snapshot, one that writes holds the write lock throughout."""
    connection.exec_driver_sql(connection.get_execution_options().get("hashmatch_begin", "BEGIN"))
