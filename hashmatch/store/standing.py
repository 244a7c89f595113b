"""What becomes of entries: they are added, removed and kept, restored, and removed when they expire."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from hashmatch.errors import InvalidField, NotFound
from hashmatch.store.audit import Key
from hashmatch.store.history import MATCHING, pieces
from hashmatch.store.holding import Standing, admit, batch_number
from hashmatch.store.named import LAST_ID, bank_number, bank_row, no_entry
from hashmatch.store.schema import IS_FLAGGED, What, banks, batches, entries
from hashmatch.store.writing import Write
from hashmatch.types import Adding, Approval, EntryFilter, Hold, State
from hashmatch.types.moments import moment

THERE: Final = entries.c.removed.is_(None)
"""The entries that are not removed."""
UNCOUNTED: Final = banks.c.entry_count.is_(None)


def add(write: Write, bank: str, first: int, rows: Sequence[Mapping[str, Any]], adding: Adding) -> Standing:
    """Add rows of `entry_values`, numbered from `first`, which the write must have taken; returns how they stand.

    Raises NotFound.
    """
    found = bank_row(write.connection, bank)
    stands = admit(write, found, len(rows), adding)
    same = {"bank_id": found.number, "created": write.created, "revision": write.revision, **stands.columns}
    write.tables.load(entries, [{"id": id_, **same, **row} for id_, row in enumerate(rows, start=first)])
    write.log_entries(What.ENTRIES_ADDED, bank, range(first, first + len(rows)), stands.logged)
    return stands


def conditions(number: int, wanted: EntryFilter) -> Iterator[ColumnElement[bool]]:
    """Yield what a filter asks of the entries of a bank, given by its row's number."""
    match wanted.state:
        case None:
            yield MATCHING
        case State.REMOVED:
            yield entries.c.removed.is_not(None)
        case State.FLAGGED:
            yield IS_FLAGGED
        case state:
            yield THERE & (entries.c.state == state.value)
    if wanted.content_id:
        yield entries.c.content_id == wanted.content_id
    if wanted.batch:
        named = select(batches.c.id).where(batches.c.bank_id == number, batches.c.name == wanted.batch)
        yield entries.c.batch.in_(named)


def remove(write: Write, bank: str, ids: Sequence[int]) -> None:
    """Remove entries of a bank; raises NotFound for the bank, or the first that is not there."""
    number = bank_number(write.connection, bank)
    removed = mark_removed(write, number, bank, chosen(ids))
    check_all(bank, ids, removed)


def remove_content(write: Write, bank: str, content_id: str) -> int:
    """Remove all entries of a content id, and return how many; raises NotFound for the bank, or where there is none."""
    number = bank_number(write.connection, bank)
    removed = mark_removed(write, number, bank, [entries.c.content_id == content_id])
    if not removed:
        raise NotFound(f"bank {bank!r} has no entry of content {content_id!r}", bank=bank, content_id=content_id)
    return len(removed)


def remove_expired(write: Write, bank: str, ids: Sequence[int]) -> int:
    """Remove those of the entries that have expired by now and are still there; return how many."""
    number = bank_number(write.connection, bank)
    due = [some & (entries.c.expires <= write.created) for some in chosen(ids)]
    return len(mark_removed(write, number, bank, due))


def restore(write: Write, bank: str, ids: Sequence[int]) -> None:
    """Bring removed entries back; raises NotFound as `remove` does, InvalidField for one that has expired.

    Where the bank wants a second person at any time, they wait for one.
    """
    row = bank_row(write.connection, bank)
    values: dict[str, Any] = {"removed": None, "removal_reason": ""}
    if row.policy.approval is not Approval.NONE:
        batch = batch_number(write, row, "", Hold.APPROVAL)
        values |= Standing(State.PENDING, None, batch).columns
    restored: set[int] = set()
    matching = 0
    for some in chosen(ids):
        gone = some & (entries.c.bank_id == row.number) & entries.c.removed.is_not(None)
        _check_unexpired(write, gone)
        back = numbers(write.tables.update(entries, gone, values))
        restored.update(back)
        matching += count_matching(write, back)
    check_all(bank, ids, restored, "removed ")
    count_more(write, row.number, matching)
    write.log_entries(What.ENTRIES_PUT, bank, sorted(restored))


def expired(connection: Connection, now: int, limit: int) -> list[tuple[str, int]]:
    """Return the bank and number of at most `limit` entries that have expired and are still there."""
    due = select(banks.c.name, entries.c.id).join(banks, banks.c.id == entries.c.bank_id)
    rows = connection.execute(due.where(entries.c.expires <= now, THERE).order_by(entries.c.expires).limit(limit))
    return [(name, id_) for name, id_ in rows]


def count_more(write: Write, number: int, more: int) -> None:
    """Correct how many entries a bank has."""
    write.tables.update(banks, banks.c.id == number, {"entry_count": banks.c.entry_count + more})


def count_anew(write: Write) -> None:
    """Count the entries of the banks that were made before they were counted."""
    held = select(func.count()).where(entries.c.bank_id == banks.c.id, MATCHING).scalar_subquery()
    write.tables.update(banks, UNCOUNTED, {"entry_count": held})


def numbers(keys: Sequence[Key]) -> list[int]:
    """Keys of entries, as what they are."""
    return [key for key in keys if isinstance(key, int)]


def mark_removed(write: Write, number: int, bank: str, which: Iterable[ColumnElement[bool]]) -> set[int]:
    """Mark those of a bank's entries that are there, for the author's reason, and return their numbers."""
    values: dict[str, Any] = {"removed": write.created, "removal_reason": write.author.reason}
    removed: set[int] = set()
    for some in which:
        held = some & (entries.c.bank_id == number)
        matched = numbers(write.tables.update(entries, held & MATCHING, values))
        if matched:
            count_more(write, number, -len(matched))
        removed.update(matched, numbers(write.tables.update(entries, held & THERE, values)))
    if removed:
        write.log_entries(What.ENTRIES_REMOVED, bank, sorted(removed))
    return removed


def count_matching(write: Write, ids: Sequence[int]) -> int:
    """Return how many of these entries match."""
    return sum(
        write.connection.execute(select(func.count()).where(entries.c.id.in_(some), MATCHING)).scalar_one()
        for some in pieces(ids)
    )


def chosen(ids: Sequence[int]) -> list[ColumnElement[bool]]:
    """Conditions for the entries of these numbers, a few at a time."""
    wanted = [id_ for id_ in dict.fromkeys(ids) if 0 < id_ <= LAST_ID]
    return [entries.c.id.in_(some) for some in pieces(wanted)]


def check_all(bank: str, ids: Sequence[int], found: Collection[int], sort: str = "") -> None:
    """Raise NotFound for the first that was not found; `sort` is as for `no_entry`."""
    for id_ in ids:
        if id_ not in found:
            raise no_entry(bank, id_, sort)


def _check_unexpired(write: Write, which: ColumnElement[bool]) -> None:
    late = select(entries.c.id, entries.c.expires).where(which, entries.c.expires <= write.created)
    row = write.connection.execute(late.limit(1)).one_or_none()
    if row is not None:
        raise InvalidField("names", f"entry {row.id} expired at {moment(row.expires).isoformat()}: add it anew")
