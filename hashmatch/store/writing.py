"""Writes, one after another: each one transaction, one revision, and done once however often it is asked for."""

import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, func, select, update

from hashmatch.errors import AlreadyExists, Unavailable
from hashmatch.store.audit import Journal, append, canonical, size
from hashmatch.store.checks import check_reason, check_request_id
from hashmatch.store.database import BUSY_SECONDS, Database, answering
from hashmatch.store.rows import bank_values
from hashmatch.store.runs import runs
from hashmatch.store.schema import AUDITED, What, changes, head, requests
from hashmatch.types import SERVICE, Author, Bank

REQUESTS_KEPT_SECONDS: Final = 7 * 24 * 3_600
"""How long a request id is remembered; older ones are forgotten in passing, by writes that bring one."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write under way, or found to be done already."""

    connection: Connection
    """To read with; what is written goes through `tables`."""
    tables: Journal
    """Inserts, updates and deletes rows, so that the audit log tells of it."""
    revision: int
    created: int
    """When it was first made, in microseconds since 1970-01-01 UTC."""
    last_entry: int
    """The highest number an entry has, those of this write included."""
    author: Author
    repeated: bool
    """Whether it was done before: then nothing must be written, only the first answer given again."""
    banks: set[str] = field(default_factory=set)
    """The names of those that it is known to be of."""
    ordinals: Iterator[int] = field(default_factory=count)
    """Of the rows of `changes` to come."""

    def log_bank(self, bank: Bank) -> None:
        """Record that a bank was made or changed."""
        self._log([{"what": What.BANK_PUT.value, "bank": bank.name, "state": bank_values(bank)}])

    def log_deleted(self, bank: str) -> None:
        """Record that a bank was deleted."""
        self._log([{"what": What.BANK_DELETED.value, "bank": bank}])

    def log_entries(self, what: What, bank: str, ids: Sequence[int], state: Mapping[str, Any] | None = None) -> None:
        """Record that entries, given by ascending numbers, were added, changed or removed; `state` is how they are."""
        same = {"what": what.value, "bank": bank, "state": state}
        self._log([{**same, "first_entry": first, "last_entry": last} for first, last in runs(ids)])

    def logged(self) -> Row[Any]:
        """Return the first row of `changes` that this write made."""
        first = select(changes).where(changes.c.revision == self.revision, changes.c.ordinal == 0)
        return self.connection.execute(first).one()

    def logged_entries(self) -> int:
        """Return how many entries are named in the rows of `changes` that this write made."""
        count = select(func.sum(changes.c.last_entry - changes.c.first_entry + 1))
        return int(self.connection.execute(count.where(changes.c.revision == self.revision)).scalar_one() or 0)

    def _log(self, rows: list[dict[str, Any]]) -> None:
        self.banks.update(row["bank"] for row in rows)
        numbered = [
            {"revision": self.revision, "ordinal": ordinal, "token": None if ordinal else secrets.token_hex(8), **row}
            for ordinal, row in zip(self.ordinals, rows, strict=False)
        ]
        self.tables.insert(changes, numbered)


class _Request(NamedTuple):
    """What names a write, tells it from another of that name, and how many numbers it needs."""

    id: str
    digest: bytes
    entries: int


class Writer:
    """The one way to write to a database; for any number of threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = Lock()

    @contextmanager
    def write(
        self, author: Author, request_id: str, content: tuple[object, ...], *, entries: int = 0
    ) -> Iterator[Write]:
        """Make one write of the block: committed where it ends, undone where it raises.

        `content` is what is asked for: the verb, and plain values of which `repr` tells any two apart. `entries` is
        how many new entries need numbers. The audit log tells of it in the same transaction. Raises InvalidField for
        the reason or the request id, AlreadyExists where that id named another write, and Unavailable where the turn
        does not come in time.
        """
        check_reason(author.reason)
        check_request_id(request_id)
        digest = hashlib.sha256(repr(content).encode()).digest() if request_id else b""
        with self._in_turn(), answering(), self._database.writes.connect() as connection:
            write = _start(
                connection, Journal(self._database, connection), author, _Request(request_id, digest, entries)
            )
            yield write
            if write.repeated:
                return
            if request_id:
                _remember(write, request_id, digest)
            _seal(write, author, content[0])
            self._database.announce(connection)
            connection.commit()

    def adopt(self) -> None:
        """Begin the audit log of a database that was written before there was one, with all that it holds."""
        with answering(), self._database.writes.connect() as connection:
            if size(connection) or not connection.execute(select(head.c.revision)).scalar_one():
                return
        with self.write(Author(SERVICE), "", ("adopt",)) as write:
            if not size(write.connection):
                for table in AUDITED:
                    write.tables.adopt(table)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait for the other threads without a connection in hand, which readers may need."""
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise Unavailable("too many writes are waiting for their turn")
        try:
            yield
        finally:
            self._turn.release()


def _start(connection: Connection, tables: Journal, author: Author, request: _Request) -> Write:
    """Take the next revision, which makes other writers wait; then look whether the write is done already."""
    taken = connection.execute(
        update(head)
        .values(revision=head.c.revision + 1, last_entry=head.c.last_entry + request.entries)
        .returning(head.c.revision, head.c.last_entry)
    ).one()
    revision, created, repeated = taken.revision, time.time_ns() // 1_000, False
    if request.id:
        earlier = connection.execute(select(requests).where(requests.c.request_id == request.id)).one_or_none()
        if earlier is not None:
            if earlier.digest != request.digest:
                raise AlreadyExists(f"request_id {request.id!r} named another request", request_id=request.id)
            revision, created, repeated = earlier.revision, earlier.created, True
    return Write(connection, tables, revision, created, taken.last_entry, author, repeated)


def _remember(write: Write, request_id: str, digest: bytes) -> None:
    oldest = write.created - REQUESTS_KEPT_SECONDS * 1_000_000
    write.tables.delete(requests, requests.c.created < oldest)
    row = {"request_id": request_id, "digest": digest, "revision": write.revision, "created": write.created}
    write.tables.insert(requests, [row])


def _seal(write: Write, author: Author, verb: object) -> None:
    """Append the record of a write to the audit log."""
    record = {
        "revision": write.revision,
        "time": write.created,
        "who": author.name,
        "what": verb,
        "why": author.reason,
        "banks": sorted(write.banks),
        "last_entry": write.last_entry,
        "changes": write.tables.changes,
    }
    bank = next(iter(write.banks)) if len(write.banks) == 1 else None
    append(write.connection, canonical(record), revision=write.revision, bank=bank, hashes=write.tables.hashes)
