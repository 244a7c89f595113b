"""The history of the banks, as rows of `changes`: written as runs of entries, read as single changes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from hashmatch.store.quick import quick
from hashmatch.store.rows import SELECT_ENTRIES, bank_from, entry_reader
from hashmatch.store.schema import What, changes, entries
from hashmatch.types import BankDeleted, BankPut, Change, EntryAdded, EntryRemoved

_added = quick(EntryAdded)
_SIZES: Final = (
    select(
        changes.c.revision,
        func.sum(func.coalesce(changes.c.last_entry - changes.c.first_entry + 1, 1)),
    )
    .where(changes.c.revision > bindparam("after"))
    .group_by(changes.c.revision)
    .order_by(changes.c.revision)
    .limit(bindparam("most"))
)
_CHANGES: Final = (
    select(changes.c.what, changes.c.bank, changes.c.first_entry, changes.c.last_entry, changes.c.state)
    .where(changes.c.revision > bindparam("after"), changes.c.revision <= bindparam("reached"))
    .order_by(changes.c.revision, changes.c.ordinal)
)
_PENDING: Final = select(
    func.coalesce(func.sum(func.coalesce(changes.c.last_entry - changes.c.first_entry + 1, 1)), 0)
).where(changes.c.revision > bindparam("after"))
_TOKEN: Final = select(changes.c.token).where(changes.c.revision == bindparam("revision"), changes.c.ordinal == 0)
_ADDED: Final = SELECT_ENTRIES.where(entries.c.id.between(bindparam("first"), bindparam("last"))).order_by(entries.c.id)


def read_changes(connection: Connection, after: int, limit: int) -> tuple[int, list[Change]]:
    """Return the changes of whole revisions after `after`, exclusive, and the last of these revisions.

    At most `limit` changes, or one revision where that one alone has more. Entries removed since are left out.
    """
    reached = _reach(connection, after, limit)
    if reached == after:
        return after, []
    log = connection.execute(_CHANGES, {"after": after, "reached": reached}).all()
    return reached, list(_unfold(connection, log))


def count_changes(connection: Connection, after: int) -> int:
    """Return how many changes revisions after `after`, exclusive, have; entries removed since are counted."""
    return int(connection.execute(_PENDING, {"after": after}).scalar_one())


def read_token(connection: Connection, revision: int) -> str:
    """Return what was drawn at random when a revision was written; "" where there is no such revision."""
    return connection.execute(_TOKEN, {"revision": revision}).scalar_one_or_none() or ""


def _reach(connection: Connection, after: int, limit: int) -> int:
    """Return the last revision whose changes fit in `limit` with all before it; at least one, if there is one."""
    reached, total = after, 0
    for revision, size in connection.execute(_SIZES, {"after": after, "most": max(limit, 1)}):
        total += size
        if reached > after and total > limit:
            break
        reached = revision
    return reached


def _unfold(connection: Connection, log: Sequence[Sequence[Any]]) -> Iterator[Change]:
    added, read = iter(_rows_added(connection, log)), entry_reader()
    row = next(added, None)
    for what, bank, first, last, state in log:
        if what == What.ENTRIES_ADDED:
            while row is not None and row[0] <= last:
                yield _added(read(row, bank))
                row = next(added, None)
        elif what == What.ENTRIES_REMOVED:
            for id_ in range(first, last + 1):
                yield EntryRemoved(id_, bank)
        elif what == What.BANK_PUT:
            yield BankPut(bank_from(state))
        else:
            yield BankDeleted(bank)


def _rows_added(connection: Connection, log: Sequence[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    """Return the rows of the entries that `log` adds: their numbers grow with revisions, so they are one range."""
    ends = [(first, last) for what, _, first, last, _ in log if what == What.ENTRIES_ADDED]
    if not ends:
        return []
    return connection.execute(_ADDED, {"first": ends[0][0], "last": ends[-1][1]})
