"""Rows of the tables as the project's types, and back."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Any, Final

from sqlalchemy import select

from hashmatch.store.quick import quick
from hashmatch.store.schema import banks, entries
from hashmatch.types import Action, Bank, Entry, Hash, NewEntry, Provenance, TimeRange

_hash, _provenance, _entry, _range = quick(Hash), quick(Provenance), quick(Entry), quick(TimeRange)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_PROVENANCE: Final = Provenance()
_NO_LABELS: Final = "[]"

SELECT_BANKS: Final = select(
    banks.c.name,
    banks.c.description,
    banks.c.action,
    banks.c.threshold,
    banks.c.minimum_quality,
    banks.c.enabled,
    banks.c.video_query_share,
    banks.c.video_known_share,
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
    }


def bank_from(values: Mapping[str, Any]) -> Bank:
    """Return the bank that `bank_values` gave `values` for."""
    return Bank(**{**values, "action": Action(values["action"])})


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
        }
        for entry in added
    ]


def entry_reader() -> Callable[[Sequence[Any], str], Entry]:
    """Return a function from a row of SELECT_ENTRIES and its bank's name to the entry.

    To be used for one series of rows, of which those of one revision stand together: equal times and sets of
    labels share one object.
    """
    moment, time = -1, _EPOCH
    label_sets: dict[str, tuple[str, ...]] = {_NO_LABELS: ()}

    def read(row: Sequence[Any], bank: str) -> Entry:
        nonlocal moment, time
        id_, kind, bits, quality, content_id, source, labels, note, created, revision, start, end = row
        if created != moment:
            moment, time = created, _EPOCH + timedelta(microseconds=created)
        provenance = _NO_PROVENANCE
        if content_id or source or note or labels != _NO_LABELS:
            if labels not in label_sets:
                label_sets[labels] = tuple(json.loads(labels))
            provenance = _provenance(content_id, intern(source), label_sets[labels], note)
        shown = None if start is None else _range(start, end)
        return _entry(id_, bank, _hash(intern(kind), bits, quality), provenance, time, revision, shown)

    return read


def entries_as_added(added: Sequence[NewEntry], bank: str, first: int, created: int, revision: int) -> list[Entry]:
    """Return what was added as stored: numbered from `first`; `created` in microseconds since 1970 UTC."""
    time = _EPOCH + timedelta(microseconds=created)
    return [
        _entry(id_, bank, entry.hash, entry.provenance, time, revision, entry.shown)
        for id_, entry in enumerate(added, start=first)
    ]
