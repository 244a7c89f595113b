"""What `--json` prints: plain objects whose keys are stable."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

from hashmatch.errors import HashmatchError
from hashmatch.types import (
    Bank,
    Batch,
    Decision,
    Entry,
    Hash,
    ImageDecision,
    Match,
    Provenance,
    Report,
    SourceFeedback,
    Status,
    TimeRange,
)


def emit(value: dict[str, Any]) -> None:
    """Print one line, at once, so that a pipeline can act on it."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def error_object(error: HashmatchError) -> dict[str, Any]:
    return {"reason": error.reason, "message": error.message, "details": dict(error.details)}


def hash_object(value: Hash) -> dict[str, Any]:
    found = {"kind": value.kind, "hex": value.hex, "quality": value.quality}
    return found | {"approximate": True} if value.approximate else found


def provenance_object(value: Provenance) -> dict[str, Any]:
    return {
        "content_id": value.content_id,
        "source": value.source,
        "labels": list(value.labels),
        "note": value.note,
        "programme": value.programme,
        "reported": iso(value.reported),
    }


def iso(moment: datetime | None) -> str | None:
    """A moment in ISO 8601."""
    return None if moment is None else moment.isoformat()


def match_object(match: Match) -> dict[str, Any]:
    return {
        "bank": match.bank,
        "action": match.action,
        "entry": match.entry_id,
        "distance": match.distance,
        "threshold": match.threshold,
        "orientation": match.orientation,
        "view": match.view,
        "entry_hash": hash_object(match.entry_hash),
        "query_hash": hash_object(match.query_hash),
        "provenance": provenance_object(match.provenance),
    }


def decision_object(decision: Decision) -> dict[str, Any]:
    found: dict[str, Any] = {
        "verdict": decision.verdict,
        "hash": hash_object(decision.hash),
        "matches": [match_object(match) for match in decision.matches],
        "total_matches": decision.total_matches,
        "banks_not_compared": list(decision.banks_not_compared),
        "revision": decision.revision,
    }
    if isinstance(decision, ImageDecision):
        found |= {"media_type": decision.media_type, "width": decision.width, "height": decision.height}
    return found


def bank_object(bank: Bank) -> dict[str, Any]:
    return {
        "bank": bank.name,
        "description": bank.description,
        "action": bank.action,
        "threshold": bank.threshold,
        "minimum_quality": bank.minimum_quality,
        "enabled": bank.enabled,
        "video_query_share": bank.video_query_share,
        "video_known_share": bank.video_known_share,
        "kinds": [asdict(policy) for policy in bank.kinds],
        "matching_enabled_ratio": bank.matching_enabled_ratio,
        "disabled_until": iso(bank.disabled_until),
        "approval": bank.approval,
        "review_hours": bank.review_hours,
        "growth_limit": bank.growth_limit,
        "false_share": bank.false_share,
        "false_reports": bank.false_reports,
        "false_reporters": bank.false_reporters,
    }


def batch_object(batch: Batch) -> dict[str, Any]:
    return {
        "bank": batch.bank,
        "batch": batch.name,
        "author": batch.author,
        "hold": batch.hold,
        "created": batch.created.isoformat(),
        "pending": batch.pending,
        "unreviewed": batch.unreviewed,
        "review_from": iso(batch.review_from),
    }


def range_object(value: TimeRange) -> dict[str, float]:
    """In seconds."""
    return {"start": value.start / 1e6, "end": value.end / 1e6}


def entry_object(entry: Entry) -> dict[str, Any]:
    shown = {} if entry.shown is None else {"shown": range_object(entry.shown)}
    return {
        "bank": entry.bank,
        "entry": entry.id,
        "hash": hash_object(entry.hash),
        "provenance": provenance_object(entry.provenance),
        "created": entry.created.isoformat(),
        "revision": entry.revision,
        "expires": iso(entry.expires),
        "review_from": iso(entry.review_from),
        "state": entry.state,
        "feedback": asdict(entry.feedback),
        **({} if entry.removed is None else {"removed": iso(entry.removed), "removal_reason": entry.removal_reason}),
        **shown,
    }


def report_object(report: Report) -> dict[str, Any]:
    return {**asdict(report), "time": report.time.isoformat()}


def source_object(source: SourceFeedback) -> dict[str, Any]:
    said = asdict(source.feedback)
    return {"source": source.source, "entries": source.entries, "flagged": source.flagged, **said}


def status_object(status: Status) -> dict[str, Any]:
    return {
        "revision": status.revision,
        "entries": dict(status.entries),
        "versions": dict(status.versions),
        "variant": status.variant,
        "max_media_bytes": status.max_media_bytes,
        "sandbox": status.sandbox,
        "behind_seconds": status.behind_seconds,
        "follower_error": status.follower_error,
        "load": asdict(status.load),
        "complete": status.complete,
        "recent_entries": status.recent_entries,
        "building": None if status.building is None else asdict(status.building),
        "process_revisions": list(status.process_revisions),
    }


def row_object(row: dict[str, Any]) -> dict[str, Any]:
    """A row of an Arrow table: bytes as hexadecimal digits, times as ISO 8601."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat()
        case dict():
            return row_object(value)
        case list():
            return [_plain(each) for each in value]
    return value
