"""Connections to a database: everything that only one kind of database needs to be told."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hashmatch.errors import ConfigurationError, Unavailable

BUSY_SECONDS: Final = 10.0
"""How long a statement waits for another writer to finish before the database counts as unavailable."""

WRITES: Final = {"hashmatch_begin": "BEGIN IMMEDIATE"}
"""Execution options of an engine whose transactions write."""


def connect(url: str) -> Engine:
    """Return an engine for `url`, for example `sqlite:////var/lib/hashmatch/hashmatch.db`.

    The file's directory is created where it is missing. Nothing is read or written yet. Raises
    ConfigurationError where the URL cannot be understood or names no usable file.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(f"{url!r} is not a database URL such as sqlite:////path/to/hashmatch.db") from error
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise ConfigurationError(f"databases of type {parsed.drivername!r} are not supported; sqlite is")
    _prepare_file(parsed)
    engine = create_engine(parsed, paramstyle="named", connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def answering() -> Iterator[None]:
    """Raise Unavailable where the database is locked for too long, out of reach, or cannot store more."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise Unavailable(f"the database does not answer: {error.orig}") from error
    except PoolTimeout as error:
        raise Unavailable("every connection to the database is in use") from error


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
    deadline = time.monotonic() + BUSY_SECONDS
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
