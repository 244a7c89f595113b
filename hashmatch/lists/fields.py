"""From the texts and numbers of a row to an entry, checked as the public contract says.

Checked here too, because a server refuses a whole batch for one row. Every function raises ValueError that says
what is wrong, or InvalidField for a hash that its kind does not have.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from hashmatch import hashing
from hashmatch.lists.form import Unsaid
from hashmatch.types import SECOND, Hash, NewEntry, Provenance, TimeRange
from hashmatch.types.quick import quick

_LONGEST_NAME: Final = 256
_LONGEST_NOTE: Final = 4_096
_MOST_LABELS: Final = 64
_LONGEST_LABEL: Final = 128
_LAST_MICROSECOND: Final = 2**53
_NOT_STORABLE: Final = re.compile("[\0\ud800-\udfff]")

new_hash, new_provenance, new_entry = quick(Hash), quick(Provenance), quick(NewEntry)


def entry_of(
    value: Hash, origin: Provenance, shown: TimeRange | None, unsaid: Unsaid, expires: datetime | None = None
) -> NewEntry:
    """The entry of a row, with what holds where the row is silent; `origin` has its labels checked."""
    _check_text("content_id", origin.content_id, _LONGEST_NAME)
    _check_text("source", origin.source, _LONGEST_NAME)
    _check_text("note", origin.note, _LONGEST_NOTE)
    _check_text("programme", origin.programme, _LONGEST_NAME)
    content_id = origin.content_id or unsaid.content_id
    if shown is not None and not content_id:
        raise ValueError("content_id: must name the video that the frame is of")
    source, labels = origin.source or unsaid.source, origin.labels or unsaid.labels
    provenance = new_provenance(content_id, source, labels, origin.note, origin.programme, origin.reported)
    return new_entry(hashing.check(value), provenance, shown, expires)


def bits(text: str) -> bytes:
    """Hexadecimal digits as bytes."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"hash: {text[:80]!r} is not hexadecimal") from None


def quality(text: str) -> int | None:
    """A quality, or None for blanks."""
    text = text.strip()
    if not text:
        return None
    if len(text) > 3 or not text.isascii() or not text.isdecimal():
        raise ValueError(f"quality: {text[:80]!r} is not a whole number from 0 to 100")
    return int(text)


def labels(text: str) -> tuple[str, ...]:
    """Labels separated by semicolons, blanks around them dropped; or a JSON array of them."""
    if text[:1] == "[":
        try:
            return check_labels(json.loads(text))
        except (json.JSONDecodeError, RecursionError):
            pass
    return check_labels([label for part in text.split(";") if (label := part.strip())])


def labels_text(values: tuple[str, ...]) -> str:
    """What `labels` reads as `values`."""
    if any(not label or label != label.strip() or ";" in label or label[0] == "[" for label in values):
        return json.dumps(values, ensure_ascii=False)
    return ";".join(values)


def check_labels(values: Any) -> tuple[str, ...]:
    """The labels, if that is what they are."""
    if not isinstance(values, list) or not all(isinstance(label, str) for label in values):
        raise ValueError("labels: must be an array of texts")
    if len(values) > _MOST_LABELS:
        raise ValueError(f"labels: at most {_MOST_LABELS}, not {len(values):,}")
    for label in values:
        _check_text("labels", label, _LONGEST_LABEL)
    return tuple(values)


def microseconds(name: str, text: str) -> int | None:
    """A time, or None for blanks."""
    text = text.strip()
    if not text:
        return None
    if len(text) > 16 or not text.isascii() or not text.isdecimal():
        raise ValueError(f"{name}: {text[:80]!r} is not a whole number of microseconds")
    return int(text)


def seconds(text: str) -> int:
    """Seconds in decimal notation as microseconds, rounded to even."""
    try:
        value = Decimal(text.strip()) * SECOND
        known = 0 <= value <= _LAST_MICROSECOND
    except ArithmeticError:
        known = False
    if not known:
        raise ValueError(f"seconds: {text[:80]!r} is not a time")
    return int(value.to_integral_value())


def moment(name: str, text: str) -> datetime | None:
    """A moment in ISO 8601, or None for blanks; without a time zone it is in UTC."""
    text = text.strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: {text[:80]!r} is not a moment such as 2026-03-01T12:00:00Z") from None
    if found.timestamp() < 0:
        raise ValueError(f"{name}: must not be before 1970")
    return found


def shown_range(start: int | None, end: int | None) -> TimeRange | None:
    """From when to when a frame is shown; the one moment where only the first is said."""
    if start is None and end is None:
        return None
    if start is None:
        raise ValueError("shown_until: says nothing without shown_from")
    end = start if end is None else end
    if not 0 <= start <= end <= _LAST_MICROSECOND:
        raise ValueError("shown_until: must not be before shown_from, nor either negative or after 2**53")
    return TimeRange(start, end)


def _check_text(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise ValueError(f"{name}: at most {most:,} characters, not {len(text):,}")
    if _NOT_STORABLE.search(text):
        raise ValueError(f"{name}: must hold neither the NUL character nor surrogates")
