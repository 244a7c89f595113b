"""What banks and entries may hold, as the public contract says; every error names the field as the API does."""

import re
from collections.abc import Iterable, Sequence, Sized
from dataclasses import fields
from datetime import datetime
from typing import Final

from hashmatch.errors import InvalidField
from hashmatch.types import Action, Adding, Approval, Bank, Finding, Hash, KindPolicy, NewEntry, Provenance

BATCH: Final = 10_000
"""The most entries that one write adds or removes."""
LONGEST_REASON: Final = 1_024

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_KIND: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
POLICY: Final = tuple(field.name for field in fields(Bank) if field.name != "name")
"""The fields of a bank that may change."""
MOST_KINDS: Final = 32
_LAST_MICROSECOND: Final = 2**53
"""Some 285 years."""
LAST_NUMBER: Final = 2**53
_NOT_STORABLE: Final = re.compile("[\0\ud800-\udfff]")


def check_bank(bank: Bank) -> None:
    """Raise InvalidField for the first field that a bank must not have, for example `bank.threshold`."""
    check_bank_name("bank.name", bank.name)
    _check_text("bank.description", bank.description, 1_024)
    if not isinstance(bank.action, Action):
        raise InvalidField("bank.action", f"must be one of {', '.join(Action)}")
    _check_number("bank.threshold", bank.threshold, 64)
    _check_number("bank.minimum_quality", bank.minimum_quality, 100)
    if not isinstance(bank.enabled, bool):
        raise InvalidField("bank.enabled", "must be true or false")
    _check_number("bank.video_query_share", bank.video_query_share, 100)
    _check_number("bank.video_known_share", bank.video_known_share, 100)
    _check_kinds(bank.kinds)
    _check_share("bank.matching_enabled_ratio", bank.matching_enabled_ratio)
    _check_moment("bank.disabled_until", bank.disabled_until)
    if not isinstance(bank.approval, Approval):
        raise InvalidField("bank.approval", f"must be one of {', '.join(Approval)}")
    _check_number("bank.review_hours", bank.review_hours, 8_760, 1)
    _check_number("bank.growth_limit", bank.growth_limit, 1_000_000)
    _check_share("bank.false_share", bank.false_share)
    _check_number("bank.false_reports", bank.false_reports, 10_000, 1)
    _check_number("bank.false_reporters", bank.false_reporters, 1_000, 1)


def _check_kinds(kinds: Sequence[KindPolicy]) -> None:
    if len(kinds) > MOST_KINDS:
        raise InvalidField("bank.kinds", f"must be at most {MOST_KINDS}, not {len(kinds):,}")
    for number, policy in enumerate(kinds):
        field = f"bank.kinds[{number}]"
        _check_kind(f"{field}.kind", policy.kind)
        if policy.kind in {each.kind for each in kinds[:number]}:
            raise InvalidField(f"{field}.kind", f"{policy.kind} is there twice")
        if policy.threshold is not None:
            _check_number(f"{field}.threshold", policy.threshold, 64)
        if policy.minimum_quality is not None:
            _check_number(f"{field}.minimum_quality", policy.minimum_quality, 100)


def check_bank_name(field: str, name: str) -> None:
    """Raise InvalidField unless it is the name of a bank, which that of its tenant and a slash may precede."""
    parts = name.split("/") if isinstance(name, str) else []
    if len(parts) not in {1, 2}:
        raise InvalidField(field, "must be a name, or that of a tenant, a slash and a name")
    for part in parts:
        check_label(field, part)


def check_label(field: str, label: str) -> None:
    """Raise InvalidField unless it is a name of one part."""
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise InvalidField(field, "must be 1 to 63 of a-z, 0-9 and hyphen, beginning and ending with a letter or digit")


def check_mask(fields: Iterable[str]) -> None:
    """Raise InvalidField unless `fields` are one or more of the fields of a bank that may change."""
    named = set(fields)
    if not named:
        raise InvalidField("update_mask", "must name at least one field")
    if unknown := named - set(POLICY):
        raise InvalidField("update_mask", f"{min(unknown)[:80]!r} is not one of {', '.join(POLICY)}")


def check_entries(entries: Sequence[NewEntry]) -> None:
    """Raise InvalidField for the first wrong field, for example `entries[7].hash.bits`."""
    check_batch("entries", entries)
    for number, entry in enumerate(entries):
        try:
            check_hash("hash", entry.hash)
            _check_provenance(entry.provenance)
            _check_shown(entry)
            _check_moment("expires", entry.expires)
        except InvalidField as error:
            field = error.details["field"]
            raise InvalidField(f"entries[{number}].{field}", error.message.removeprefix(f"{field}: ")) from None


def check_hash(field: str, hash_: Hash) -> None:
    """Raise InvalidField, below the path `field`, for what no kind has; which ones there are is not known here."""
    _check_kind(f"{field}.kind", hash_.kind)
    if not isinstance(hash_.bits, bytes) or not 1 <= len(hash_.bits) <= 256:
        raise InvalidField(f"{field}.bits", "must be 1 to 256 bytes")
    if hash_.quality is not None:
        _check_number(f"{field}.quality", hash_.quality, 100)


def _check_kind(field: str, kind: str) -> None:
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise InvalidField(field, "must be 1 to 32 of a-z, 0-9 and hyphen")


def check_batch(field: str, items: Sized) -> None:
    """Raise InvalidField unless there are 1 to 10,000 items."""
    if not 1 <= len(items) <= BATCH:
        raise InvalidField(field, f"must be 1 to {BATCH:,}, not {len(items):,}")


def check_adding(adding: Adding) -> None:
    """Raise InvalidField for a wrong name of a batch, or number of entries to come."""
    _check_text("batch", adding.batch, 128)
    _check_number("following", adding.following, LAST_NUMBER)


def check_request_id(request_id: str) -> None:
    """Raise InvalidField unless it is empty or at most 128 characters."""
    _check_text("request_id", request_id, 128)


def check_reason(reason: str) -> None:
    """Raise InvalidField unless it is empty or at most 1,024 characters."""
    _check_text("reason", reason, LONGEST_REASON)


def check_report(content_id: str, finding: Finding, note: str) -> None:
    """Raise InvalidField for the first that is not as a report of a match must be."""
    if not content_id:
        raise InvalidField("content_id", "must name the upload that matched")
    _check_text("content_id", content_id, 256)
    if not isinstance(finding, Finding):
        raise InvalidField("finding", f"must be one of {', '.join(Finding)}")
    _check_text("note", note, LONGEST_REASON)


def _check_provenance(provenance: Provenance) -> None:
    _check_text("provenance.content_id", provenance.content_id, 256)
    _check_text("provenance.source", provenance.source, 256)
    if len(provenance.labels) > 64:
        raise InvalidField("provenance.labels", f"must be at most 64, not {len(provenance.labels):,}")
    for number, label in enumerate(provenance.labels):
        _check_text(f"provenance.labels[{number}]", label, 128)
    _check_text("provenance.note", provenance.note, 4_096)
    _check_text("provenance.programme", provenance.programme, 256)
    _check_moment("provenance.reported", provenance.reported)


def _check_shown(entry: NewEntry) -> None:
    if entry.shown is None:
        return
    _check_number("shown.start", entry.shown.start, _LAST_MICROSECOND)
    _check_number("shown.end", entry.shown.end, _LAST_MICROSECOND)
    if entry.shown.end < entry.shown.start:
        raise InvalidField("shown.end", f"must not be before shown.start, {entry.shown.start}")
    if not entry.provenance.content_id:
        raise InvalidField("provenance.content_id", "must name the video that the frame is of")


def _check_text(field: str, text: str, most: int) -> None:
    if not isinstance(text, str):
        raise InvalidField(field, "must be text")
    if len(text) > most:
        raise InvalidField(field, f"must be at most {most:,} characters, not {len(text):,}")
    if _NOT_STORABLE.search(text):
        raise InvalidField(field, "must hold neither the NUL character nor surrogates")


def _check_moment(field: str, value: datetime | None) -> None:
    if value is None:
        return
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidField(field, "must be a moment with its time zone")
    if value.timestamp() < 0:
        raise InvalidField(field, "must not be before 1970")


def _check_share(field: str, share: float) -> None:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise InvalidField(field, "must be a number from 0 to 1")


def _check_number(field: str, number: int, most: int, least: int = 0) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise InvalidField(field, f"must be a whole number from {least} to {most}")
