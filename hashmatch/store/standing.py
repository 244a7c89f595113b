"""What becomes of entries: they are added, removed and kept, restored, and removed when they expire."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from hashmatch.errors import InvalidField, NotFound
from hashmatch.store.audit import Key
from hashmatch.store.history import pieces
from hashmatch.store.named import LAST_ID, bank_number, no_entry
from hashmatch.store.schema import What, banks, entries
from hashmatch.store.writing import Write
from hashmatch.types.moments import moment

THERE: Final = entries.c.removed.is_(None)
"""The entries that are not removed."""
UNCOUNTED: Final = banks.c.entry_count.is_(None)


def add(write: Write, bank: str, first: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of `entry_values`, numbered from `first`, which the write must have taken; raises NotFound."""
    number = bank_number(write.connection, bank)
    same = {"bank_id": number, "created": write.created, "revision": write.revision}
    numbered = [{"id": id_, **same, **row} for id_, row in enumerate(rows, start=first)]
    write.tables.load(entries, numbered)
    count_more(write, number, len(rows))
    write.log_entries(What.ENTRIES_ADDED, bank, range(first, first + len(rows)))


def remove(write: Write, bank: str, ids: Sequence[int]) -> None:
    """Remove entries of a bank; raises NotFound for the bank, or the first that is not there."""
    number = bank_number(write.connection, bank)
    removed = _mark_removed(write, number, _some(ids))
    _check_all(bank, ids, removed)
    _log_removed(write, number, bank, removed)


def remove_content(write: Write, bank: str, content_id: str) -> int:
    """Remove all entries of a content id, and return how many; raises NotFound for the bank, or where there is none."""
    number = bank_number(write.connection, bank)
    removed = _mark_removed(write, number, [entries.c.content_id == content_id])
    if not removed:
        raise NotFound(f"bank {bank!r} has no entry of content {content_id!r}", bank=bank, content_id=content_id)
    _log_removed(write, number, bank, removed)
    return len(removed)


def remove_expired(write: Write, bank: str, ids: Sequence[int]) -> int:
    """Remove those of the entries that have expired by now and are still there; return how many."""
    number = bank_number(write.connection, bank)
    due = [some & (entries.c.expires <= write.created) for some in _some(ids)]
    removed = _mark_removed(write, number, due)
    if removed:
        _log_removed(write, number, bank, removed)
    return len(removed)


def restore(write: Write, bank: str, ids: Sequence[int]) -> None:
    """Let removed entries match again; raises NotFound as `remove` does, InvalidField for one that has expired."""
    number = bank_number(write.connection, bank)
    restored: set[int] = set()
    for some in _some(ids):
        gone = some & (entries.c.bank_id == number) & entries.c.removed.is_not(None)
        _check_unexpired(write, gone)
        restored.update(numbers(write.tables.update(entries, gone, {"removed": None, "removal_reason": ""})))
    _check_all(bank, ids, restored, "removed ")
    count_more(write, number, len(restored))
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
    held = select(func.count()).where(entries.c.bank_id == banks.c.id, THERE).scalar_subquery()
    write.tables.update(banks, UNCOUNTED, {"entry_count": held})


def numbers(keys: Sequence[Key]) -> list[int]:
    """Keys of entries, as what they are."""
    return [key for key in keys if isinstance(key, int)]


def _mark_removed(write: Write, number: int, which: Iterable[ColumnElement[bool]]) -> set[int]:
    """Mark entries of a bank that are there, and return their numbers."""
    values: dict[str, Any] = {"removed": write.created, "removal_reason": write.author.reason}
    removed: set[int] = set()
    for some in which:
        removed.update(numbers(write.tables.update(entries, some & (entries.c.bank_id == number) & THERE, values)))
    return removed


def _log_removed(write: Write, number: int, bank: str, removed: set[int]) -> None:
    count_more(write, number, -len(removed))
    write.log_entries(What.ENTRIES_REMOVED, bank, sorted(removed))


def _some(ids: Sequence[int]) -> list[ColumnElement[bool]]:
    """Conditions for the entries of these numbers, a few at a time."""
    wanted = [id_ for id_ in dict.fromkeys(ids) if 0 < id_ <= LAST_ID]
    return [entries.c.id.in_(some) for some in pieces(wanted)]


def _check_all(bank: str, ids: Sequence[int], found: set[int], sort: str = "") -> None:
    for id_ in ids:
        if id_ not in found:
            raise no_entry(bank, id_, sort)


def _check_unexpired(write: Write, which: ColumnElement[bool]) -> None:
    late = select(entries.c.id, entries.c.expires).where(which, entries.c.expires <= write.created)
    row = write.connection.execute(late.limit(1)).one_or_none()
    if row is not None:
        raise InvalidField("names", f"entry {row.id} expired at {moment(row.expires).isoformat()}: add it anew")
