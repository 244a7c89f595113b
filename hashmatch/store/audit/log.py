"""The audit log, read and proven."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, select

from hashmatch.errors import InvalidField, NotFound, Unavailable
from hashmatch.store.audit.forms import FORMS, canonical, digest
from hashmatch.store.audit.records import count_in, hashes_of, origin, size
from hashmatch.store.audit.verify import Verifier
from hashmatch.store.database import Database, answering
from hashmatch.store.schema import What, audit, changes, entries
from hashmatch.tlog import HASH_BYTES, Checkpoint, root_hash
from hashmatch.tlog.proofs import consistency, inclusion
from hashmatch.types import AuditReport, EntryProof, Progress, Proof, Record, Token

_RECORDS: Final = select(audit.c.number, audit.c.record)


class AuditLog:
    """Reads the log of one database, for any number of threads; every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def checkpoint(self) -> Checkpoint:
        """The log as it is now; raises NotFound where nothing was ever written."""
        with self._reading() as connection:
            return checkpoint_at(connection, size(connection))

    def records(self, first: int = 0, limit: int = 100, bank: str = "", reader: Token | None = None) -> list[Record]:
        """At most `limit` records in their order, from the number `first`, inclusive; of one bank alone if named, and
        of those banks that the reader sees.
        """
        page = _RECORDS.where(audit.c.number >= first).order_by(audit.c.number).limit(limit)
        if bank:
            page = page.where(audit.c.bank == bank)
        if reader is not None:
            page = page.where(*_seen_by(reader))
        with self._reading() as connection:
            return [_record(*row) for row in connection.execute(page)]

    def record(self, number: int) -> Record:
        """One record; raises NotFound."""
        with self._reading() as connection:
            return _one(connection, number)

    def prove_record(self, number: int, at: int = 0) -> Proof:
        """The path from a record to the root of the log when it had `at` records, 0 for now.

        Raises NotFound for a record that was not there, and InvalidField for a size that never was.
        """
        with self._reading() as connection:
            at = _size(connection, "size", at)
            if not 0 <= number < at:
                raise NotFound(f"the audit log had no record {number} when its size was {at}")
            return Proof(at, tuple(hashes_of(connection, inclusion(number, at))))

    def prove_consistency(self, first: int, second: int = 0) -> Proof:
        """The path that shows that the log of size `second`, 0 for now, only adds to that of `first`.

        Raises InvalidField for sizes that never were, and where they do not ascend.
        """
        with self._reading() as connection:
            second = _size(connection, "second", second)
            if not 0 <= first <= second:
                raise InvalidField("first", f"expected 0 to {second}, got {first}")
            return Proof(second, tuple(hashes_of(connection, consistency(first, second))))

    def prove_entry(self, bank: str, entry: int) -> EntryProof:
        """Which record is of the addition of an entry, and that it is; also of one that was removed since.

        Raises NotFound.
        """
        with self._reading() as connection:
            added = (changes.c.what == What.ENTRIES_ADDED.value) & (changes.c.bank == bank)
            within = (changes.c.first_entry <= entry) & (changes.c.last_entry >= entry)
            revision = connection.execute(select(changes.c.revision).where(added & within)).scalar()
            row = _row_of(connection, revision)
            if row is None:
                raise NotFound(f"the audit log tells of no entry {entry} added to bank {bank!r}", bank=bank)
            return _prove(connection, row, entry)

    def verify(
        self, checkpoints: Sequence[Checkpoint] = (), on_progress: Callable[[Progress], None] = lambda _: None
    ) -> AuditReport:
        """Compare the tables with the log, and the log with itself and with earlier checkpoints of it."""
        with self._reading() as connection:
            return Verifier(connection, on_progress).run(checkpoints)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with answering(), self._database.reads.connect() as connection:
            yield connection


def _seen_by(reader: Token) -> Iterator[ColumnElement[bool]]:
    """Conditions for the records of the banks that a token sees; all, where it sees every bank."""
    if reader.banks:
        yield audit.c.bank.in_(reader.banks)
    if reader.tenant:
        yield audit.c.bank.startswith(f"{reader.tenant}/")
    elif reader.tenant is not None:
        yield audit.c.bank.not_like("%/%")


def checkpoint_at(connection: Connection, at: int) -> Checkpoint:
    """The log when it had that many records; raises NotFound for none."""
    if not at:
        raise NotFound("the audit log is empty")
    first, root = hashes_of(connection, [(0, 1), (0, at)])
    return Checkpoint(origin(first), at, root)


def _one(connection: Connection, number: int) -> Record:
    row = connection.execute(_RECORDS.where(audit.c.number == number)).one_or_none() if number < 2**63 else None
    if row is None:
        raise NotFound(f"the audit log has no record {number}")
    return _record(*row)


def _record(number: int, text: str) -> Record:
    try:
        return Record.parse(number, text)
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"record {number} of the audit log is damaged: see 'hashmatch audit verify'") from error


def _size(connection: Connection, field: str, at: int) -> int:
    now = size(connection)
    if not 0 <= at <= now:
        raise InvalidField(field, f"expected 0 to {now}, got {at}")
    return at or now


def _row_of(connection: Connection, revision: int | None) -> RowMapping | None:
    """The record of a revision; of an earlier one than the log's, its first, which holds all there was then."""
    if revision is None:
        return None
    from_then = select(audit).where(audit.c.revision >= revision).order_by(audit.c.number).limit(1)
    return connection.execute(from_then).mappings().one_or_none()


def _prove(connection: Connection, row: RowMapping, entry: int) -> EntryProof:
    record = _record(row["number"], row["record"])
    start = 0
    for change in record.changes:
        if change["table"] == entries.name and change["do"] == "insert":
            for after in change.get("after", ()):
                if after["id"] == entry:
                    return EntryProof(record, canonical(after), digest(after), 0, 0, ())
            index = _place(change, entry)
            if index is not None:
                count = count_in(change)
                hashes = row["hashes"][start * HASH_BYTES : (start + count) * HASH_BYTES]
                return _prove_in(connection, record, (entry, index), hashes)
        start += count_in(change) if "root" in change else 0
    raise NotFound(f"the audit log does not tell how entry {entry} was added")


def _prove_in(connection: Connection, record: Record, place: tuple[int, int], hashes: bytes) -> EntryProof:
    entry, index = place
    leaves = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    path = tuple(root_hash(leaves[begin:end]) for begin, end in inclusion(index, len(leaves)))
    form = FORMS[entries.name]
    now = connection.execute(select(*form.raw).where(entries.c.id == entry)).mappings().one_or_none()
    same = now is not None and form.digest(now) == leaves[index]
    row = canonical(form.plain(now)) if now is not None and same else ""
    return EntryProof(record, row, leaves[index], index, len(leaves), path)


def _place(change: dict[str, Any], number: int) -> int | None:
    """The place of a row among those that a change names by runs."""
    before = 0
    for first, last in change.get("runs", ()):
        if first <= number <= last:
            return int(before + number - first)
        before += last - first + 1
    return None
