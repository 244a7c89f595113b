"""Approval by another person: what waits for it, and what becomes of that."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, select

from hashmatch.errors import NeedsAnotherPerson, NotFound
from hashmatch.store.checks import BATCH, check_batch
from hashmatch.store.database import Database, answering
from hashmatch.store.named import BankRow, bank_number, bank_row
from hashmatch.store.rows import moment_or_none
from hashmatch.store.schema import What, banks, batches, entries
from hashmatch.store.standing import THERE, check_all, chosen, mark_removed
from hashmatch.store.writing import Write, Writer
from hashmatch.types import LOCAL, Approval, Author, Batch, Decided, Hold, State
from hashmatch.types.moments import moment

WAITING: Final = entries.c.state.in_((State.PENDING.value, State.UNREVIEWED.value)) & THERE
"""The entries that wait for approval."""
_PENDING: Final = entries.c.state == State.PENDING.value
_LIVE: Final[dict[str, Any]] = {"state": State.LIVE.value, "review_from": None}


class Approvals:
    """The entries of one database that wait for approval, for any number of threads and processes.

    `which` is 1 to 10,000 entries by number, or a batch by name, of which one call takes 10,000 at most. Who added an
    entry can neither approve nor reject it: that raises NeedsAnotherPerson. Where there are no tokens, everyone is the
    same person, so that nothing can be approved in a bank that wants two; what waits in other banks because they grew
    can be. Raises NotFound for the bank, and for entries or a batch that does not wait.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database)

    def batches(self, bank: str = "", after: int = 0, limit: int = 100) -> list[Batch]:
        """Return at most `limit` batches with entries that wait, of one bank or of all, from `after`, exclusive.

        Raises NotFound.
        """
        pending = func.sum(case((_PENDING, 1), else_=0))
        waiting = select(batches, banks.c.name.label("bank"), pending, func.count(), func.min(entries.c.review_from))
        waiting = waiting.join(banks, banks.c.id == batches.c.bank_id).join(entries, entries.c.batch == batches.c.id)
        waiting = waiting.where(WAITING, batches.c.id > after).group_by(batches.c.id, banks.c.name)
        with answering(), self._database.reads.connect() as connection:
            if bank:
                waiting = waiting.where(batches.c.bank_id == bank_number(connection, bank))
            rows = connection.execute(waiting.order_by(batches.c.id).limit(limit))
            return [_batch(row) for row in rows]

    def approve(self, bank: str, which: Sequence[int] | str, request_id: str = "", author: Author = LOCAL) -> Decided:
        """Let entries match, or go on to."""
        with self._writer.write(author, request_id, ("approve_entries", bank, _plain(which))) as write:
            if not write.repeated:
                row = bank_row(write.connection, bank)
                found = _waiting(write, row, which)
                for some in chosen(found):
                    _count_approved(write, row.number, len(write.tables.update(entries, some & _PENDING, _LIVE)))
                    write.tables.update(entries, some & WAITING, _LIVE)
                write.log_entries(What.ENTRIES_PUT, bank, found)
            return _decided(write, bank, which)

    def reject(self, bank: str, which: Sequence[int] | str, request_id: str = "", author: Author = LOCAL) -> Decided:
        """Remove entries, for the author's reason."""
        with self._writer.write(author, request_id, ("reject_entries", bank, _plain(which))) as write:
            if not write.repeated:
                row = bank_row(write.connection, bank)
                mark_removed(write, row.number, bank, chosen(_waiting(write, row, which)))
            return _decided(write, bank, which)


def _waiting(write: Write, bank: BankRow, which: Sequence[int] | str) -> list[int]:
    """The numbers, ascending, of those that wait and are not the author's; raises as `Approvals` says."""
    if not isinstance(which, str):
        check_batch("names", which)
    found: set[int] = set()
    for some in [_named(bank.number, which)] if isinstance(which, str) else chosen(which):
        query = select(entries.c.id, batches.c.author).join(batches, batches.c.id == entries.c.batch)
        query = query.where(some, entries.c.bank_id == bank.number, WAITING).order_by(entries.c.id).limit(BATCH)
        rows = write.connection.execute(query).all()
        for author in {row.author for row in rows}:
            check_other(write.author, author, bank)
        found.update(row.id for row in rows)
    if isinstance(which, str):
        if not found:
            name = bank.policy.name
            raise NotFound(f"bank {name!r} has no batch {which!r} that waits for approval", bank=name, batch=which)
    else:
        check_all(bank.policy.name, which, found, "waiting ")
    return sorted(found)


def check_other(author: Author, added_by: str, bank: BankRow) -> None:
    """Raise NeedsAnotherPerson where the author is who added something, or cannot be known to be another."""
    if author.name == LOCAL.name:
        _check_alone(added_by, bank)
    elif author.name == added_by:
        raise NeedsAnotherPerson(f"{added_by} added this: another person must decide on it", author=added_by)


def _check_alone(added_by: str, bank: BankRow) -> None:
    """Raise NeedsAnotherPerson where it takes two, as there is one."""
    if bank.policy.approval is not Approval.NONE:
        raise NeedsAnotherPerson(
            f"bank {bank.policy.name!r} wants two persons, and without tokens everyone is the same: make some with "
            "'hashmatch token create'",
            author=added_by,
        )


def _named(number: int, name: str) -> ColumnElement[bool]:
    return entries.c.batch.in_(select(batches.c.id).where(batches.c.bank_id == number, batches.c.name == name))


def _count_approved(write: Write, number: int, count: int) -> None:
    """Count entries in, and not as growth: somebody has looked at them."""
    more = {"entry_count": banks.c.entry_count + count, "window_count": banks.c.window_count + count}
    if count:
        write.tables.update(banks, banks.c.id == number, more)


def _decided(write: Write, bank: str, which: Sequence[int] | str) -> Decided:
    remaining = 0
    if isinstance(which, str):
        mine = _named(bank_number(write.connection, bank), which)
        remaining = write.connection.execute(select(func.count()).where(mine, WAITING)).scalar_one()
    return Decided(write.logged_entries(), remaining, write.revision)


def _plain(which: Sequence[int] | str) -> list[int] | str:
    return which if isinstance(which, str) else list(which)


def _batch(row: Any) -> Batch:
    *_, pending, waiting, review = row
    return Batch(
        id=row.id,
        bank=row.bank,
        name=row.name,
        author=row.author,
        hold=Hold(row.hold),
        created=moment(row.created),
        pending=int(pending),
        unreviewed=int(waiting - pending),
        review_from=moment_or_none(review),
    )
