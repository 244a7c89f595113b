"""Rows of the tables as the project's types, and back."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from sys import intern
from typing import Any, Final

from sqlalchemy import select

from hashmatch.store.schema import banks, entries
from hashmatch.types import Action, Approval, Bank, Entry, Hash, KindPolicy, NewEntry, Provenance, State, TimeRange
from hashmatch.types.moments import microseconds, moment
from hashmatch.types.quick import quick

_hash, _provenance, _entry, _range = quick(Hash), quick(Provenance), quick(Entry), quick(TimeRange)
_NO_PROVENANCE: Final = Provenance()
_NO_LABELS: Final = "[]"
_LIVE: Final = State.LIVE.value

SELECT_BANKS: Final = select(
    banks.c.name,
    banks.c.description,
    banks.c.action,
    banks.c.threshold,
    banks.c.minimum_quality,
    banks.c.enabled,
    banks.c.video_query_share,
    banks.c.video_known_share,
    banks.c.kinds,
    banks.c.matching_enabled_ratio,
    banks.c.disabled_until,
    banks.c.approval,
    banks.c.review_hours,
    banks.c.growth_limit,
    banks.c.false_share,
    banks.c.false_reports,
    banks.c.false_reporters,
)
SELECT_ENTRIES: Final = select(
    entries.c.id,
    entries.c.kind,
    entries.c.bits,
    entries.c.quality,
    entries.c.content_id,
    entries.c.source,
    entries.c.labels,
    entries.c.note,
    entries.c.created,
    entries.c.revision,
    entries.c.shown_from,
    entries.c.shown_until,
    entries.c.programme,
    entries.c.reported,
    entries.c.expires,
    entries.c.review_from,
    entries.c.state,
    entries.c.removed,
    entries.c.removal_reason,
)


def bank_values(bank: Bank) -> dict[str, Any]:
    """Return the values of a bank's columns, which JSON can also hold."""
    return {
        "name": bank.name,
        "description": bank.description,
        "action": str(bank.action),
        "threshold": bank.threshold,
        "minimum_quality": bank.minimum_quality,
        "enabled": bank.enabled,
        "video_query_share": bank.video_query_share,
        "video_known_share": bank.video_known_share,
        "kinds": json.dumps([(each.kind, each.threshold, each.minimum_quality) for each in bank.kinds]),
        "matching_enabled_ratio": bank.matching_enabled_ratio,
        "disabled_until": microseconds_or_none(bank.disabled_until),
        "approval": str(bank.approval),
        "review_hours": bank.review_hours,
        "growth_limit": bank.growth_limit,
        "false_share": bank.false_share,
        "false_reports": bank.false_reports,
        "false_reporters": bank.false_reporters,
    }


def bank_from(values: Mapping[str, Any]) -> Bank:
    """Return the bank that `bank_values` gave `values` for, in this version or one before it."""
    found = {**values, "action": Action(values["action"])}
    if "kinds" in found:
        found["kinds"] = tuple(KindPolicy(*each) for each in json.loads(found["kinds"]))
    if "disabled_until" in found:
        found["disabled_until"] = moment_or_none(found["disabled_until"])
    if "approval" in found:
        found["approval"] = Approval(found["approval"])
    return Bank(**found)


def microseconds_or_none(value: datetime | None) -> int | None:
    """What a column holds of a moment; NULL for none."""
    return None if value is None else microseconds(value)


def moment_or_none(number: int | None) -> datetime | None:
    """The moment that a column holds."""
    return None if number is None else moment(number)


def entry_values(added: Sequence[NewEntry]) -> list[dict[str, Any]]:
    """Return, for each new entry, the values of the columns that whoever adds it decides."""
    texts: dict[tuple[str, ...], str] = {(): _NO_LABELS}
    for entry in added:
        labels = entry.provenance.labels
        if labels not in texts:
            texts[labels] = json.dumps(labels)
    return [
        {
            "kind": entry.hash.kind,
            "bits": entry.hash.bits,
            "quality": entry.hash.quality,
            "content_id": entry.provenance.content_id,
            "source": entry.provenance.source,
            "labels": texts[entry.provenance.labels],
            "note": entry.provenance.note,
            "shown_from": None if entry.shown is None else entry.shown.start,
            "shown_until": None if entry.shown is None else entry.shown.end,
            "programme": entry.provenance.programme,
            "reported": microseconds_or_none(entry.provenance.reported),
            "expires": microseconds_or_none(entry.expires),
        }
        for entry in added
    ]


def entry_reader() -> Callable[[Sequence[Any], str], Entry]:
    """Return a function from a row of SELECT_ENTRIES and its bank's name to the entry.

    To be used for one series of rows, of which those of one revision stand together: equal times and sets of
    labels share one object.
    """
    at, time = 0, moment(0)
    label_sets: dict[str, tuple[str, ...]] = {_NO_LABELS: ()}

    def read(row: Sequence[Any], bank: str) -> Entry:
        nonlocal at, time
        id_, kind, bits, quality, content_id, source, labels, note, created, revision, start, end, *more = row
        programme, reported, expires, review_from, state, removed, reason = more
        if created != at:
            at, time = created, moment(created)
        provenance = _NO_PROVENANCE
        if content_id or source or note or labels != _NO_LABELS or programme or reported is not None:
            if labels not in label_sets:
                label_sets[labels] = tuple(json.loads(labels))
            said = moment_or_none(reported)
            provenance = _provenance(content_id, intern(source), label_sets[labels], note, intern(programme), said)
        shown = None if start is None else _range(start, end)
        hash_ = _hash(intern(kind), bits, quality)
        if expires is review_from is removed is None and state == _LIVE:
            return _entry(id_, bank, hash_, provenance, time, revision, shown)
        until, doubted, gone = map(moment_or_none, (expires, review_from, removed))
        standing = State(state) if gone is None else State.REMOVED
        return _entry(id_, bank, hash_, provenance, time, revision, shown, until, doubted, standing, gone, reason)

    return read


def entries_as_added(added: Sequence[NewEntry], like: Entry) -> list[Entry]:
    """Return what was added, as stored: numbered from `like`, and like it in bank, time, revision and standing."""
    where, time, revision, review, state = like.bank, like.created, like.revision, like.review_from, like.state
    return [
        _entry(id_, where, new.hash, new.provenance, time, revision, new.shown, new.expires, review, state)
        for id_, new in enumerate(added, start=like.id)
    ]
