"""The history of the banks, as rows of `changes`: written as runs of entries, read as single changes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, bindparam, func, select

from hashmatch.store.rows import SELECT_ENTRIES, bank_from, entry_reader
from hashmatch.store.schema import What, changes, entries
from hashmatch.types import BankDeleted, BankPut, Change, EntryAdded, EntryRemoved, State
from hashmatch.types.quick import quick

T = TypeVar("T")
IDS_A_STATEMENT: Final = 5_000

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
MATCHING: Final = entries.c.removed.is_(None) & (entries.c.state != State.PENDING.value)
"""The entries that can match."""
_MATCHING: Final = SELECT_ENTRIES.where(MATCHING).order_by(entries.c.id)
_RANGE: Final = _MATCHING.where(entries.c.id.between(bindparam("first"), bindparam("last")))
_LISTED: Final = _MATCHING.where(entries.c.id.in_(bindparam("ids", expanding=True)))


def read_changes(connection: Connection, after: int, limit: int) -> tuple[int, list[Change]]:
    """Return the changes of whole revisions after `after`, exclusive, and the last of these revisions.

    At most `limit` changes, or one revision where that one alone has more. Entries are told as they are now: those
    removed since are left out.
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


def pieces(names: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut numbers or names into as many as one statement may hold."""
    return (names[start : start + IDS_A_STATEMENT] for start in range(0, len(names), IDS_A_STATEMENT))


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
    rows, read = _rows(connection, log), entry_reader()
    for what, bank, first, last, state in log:
        match what:
            case What.ENTRIES_ADDED | What.ENTRIES_PUT:
                yield from (_added(read(rows[id_], bank)) for id_ in range(first, last + 1) if id_ in rows)
            case What.ENTRIES_REMOVED:
                yield from (EntryRemoved(id_, bank) for id_ in range(first, last + 1))
            case What.BANK_PUT:
                yield BankPut(bank_from(state))
            case What.BANK_DELETED:
                yield BankDeleted(bank)


def _rows(connection: Connection, log: Sequence[Sequence[Any]]) -> Mapping[int, Sequence[Any]]:
    """Return the rows, by number, of the entries that `log` adds or changes, as far as they can match.

    The numbers of those it adds grow with revisions, so that they are one range; others are anywhere.
    """
    added = [(first, last) for what, _, first, last, _ in log if what == What.ENTRIES_ADDED]
    put = {id_ for what, _, first, last, _ in log if what == What.ENTRIES_PUT for id_ in range(first, last + 1)}
    found: list[Sequence[Any]] = []
    if added:
        found += connection.execute(_RANGE, {"first": added[0][0], "last": added[-1][1]}).all()
    for some in pieces(sorted(put)):
        found += connection.execute(_LISTED, {"ids": some}).all()
    return {row[0]: row for row in found}
