"""What a scan writes: a row for each hash of an image, one for an item that has none, and of a video many.

A video has, for each kind, a row without a hash that says what was found, and then one for each of its frames.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hashmatch.backfill.counts import Counts
from hashmatch.backfill.item import Film, Outcome, Status, gravest
from hashmatch.types import Decision, Hash, HashedImage, Match, VideoDecision, VideoMatch

MATCH: Final = pa.struct(
    [
        ("bank", pa.string()),
        ("action", pa.string()),
        ("entry", pa.int64()),
        ("entry_hash", pa.binary()),
        ("entry_content_id", pa.string()),
        ("distance", pa.int16()),
        ("threshold", pa.int16()),
        ("orientation", pa.string()),
        ("view", pa.string()),
        ("entry_us", pa.int64()),  # where in a known video the entry is
        ("shown_us", pa.int64()),  # where in this video it was seen, from its first frame
        ("shown_end_us", pa.int64()),  # to its last
    ]
)
PASSAGE: Final = pa.struct(
    [(name, pa.int64()) for name in ("query_us", "query_end_us", "known_us", "known_end_us", "frames")]
)
VIDEO: Final = pa.struct(
    [
        ("bank", pa.string()),
        ("action", pa.string()),
        ("content_id", pa.string()),
        ("counts", pa.bool_()),
        *((name, pa.int32()) for name in ("query_frames", "query_compared", "known_frames", "known_compared")),
        ("distance", pa.int16()),
        ("passages", pa.list_(PASSAGE)),
    ]
)
_NAMES: Final = pa.dictionary(pa.int32(), pa.string())
SCHEMA: Final = pa.schema(
    [
        ("item", pa.int32()),  # its number in the part
        ("location", pa.string()),
        ("content_id", pa.string()),
        ("size", pa.int64()),  # bytes
        ("status", _NAMES),  # SCANNED, FAILED or SKIPPED
        ("reason", _NAMES),  # why it failed or was skipped: a stable name
        ("error", pa.string()),  # the same in words
        ("media_type", _NAMES),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("kind", _NAMES),
        ("hash", pa.binary()),
        ("quality", pa.uint8()),
        ("canonical", pa.binary()),  # the least of the hash's 8 orientations: the same for a turned copy's
        ("frame_us", pa.int64()),  # of a video's frame: when it is shown
        ("frame_end_us", pa.int64()),  # when the last of the near-identical frames is that the row stands for
        ("frame_count", pa.int32()),  # how many those are
        ("duration_us", pa.int64()),  # of a video, as it says
        ("frames_scanned", pa.int32()),
        ("scanned_until_us", pa.int64()),  # the time of the last of them
        ("incomplete", _NAMES),  # why a video was not looked at to its end
        ("verdict", _NAMES),  # of the item, by all its hashes
        ("matches", pa.list_(MATCH)),  # of this row's kind, nearest first
        ("videos", pa.list_(VIDEO)),  # known ones of which frames are in this one
        ("total_matches", pa.int32()),  # of the item
        ("banks_not_compared", pa.list_(pa.string())),
        ("revision", pa.int64()),  # that it was looked up at
    ]
)
"""Columns are null where they do not apply: those from `media_type` on where nothing was scanned, those from
`verdict` on where nothing was looked up, and in the rows of frames."""
COUNTS: Final = b"hashmatch.counts"
"""The key of a part's counts in the metadata of its file."""


def table(items: Iterable[tuple[int, Outcome, Decision | None]]) -> pa.Table:
    """The rows of items: the number of each in its part, what became of it, and what was found for it."""
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    for number, outcome, decision in items:
        for row in _rows(number, outcome, decision):
            for name, values in columns.items():
                values.append(row.get(name))
    return pa.table(columns, schema=SCHEMA)


def encoded(rows: pa.Table, counts: Counts) -> bytes:
    """A part's file."""
    file = io.BytesIO()
    kept = rows.replace_schema_metadata({COUNTS: counts.to_json()})
    names = [field.name for field in rows.schema if pa.types.is_dictionary(field.type)]
    pq.write_table(kept, file, compression="zstd", use_dictionary=names, write_statistics=names)
    return file.getvalue()


def counts_of(file: Any) -> Counts:
    """The counts of a part's file, read from its end alone; raises ValueError where it is none of ours, or OSError."""
    metadata = pq.read_metadata(file).metadata or {}
    try:
        return Counts.from_json(metadata[COUNTS])
    except (KeyError, TypeError) as error:
        raise ValueError("not a part of a backfill") from error


def match_value(match: Match) -> dict[str, Any]:
    """A match as a value of `MATCH`."""
    return {
        "bank": match.bank,
        "action": match.action.value,
        "entry": match.entry_id,
        "entry_hash": match.entry_hash.bits,
        "entry_content_id": match.provenance.content_id,
        "distance": match.distance,
        "threshold": match.threshold,
        "orientation": match.orientation.value,
        "view": match.view.value,
        "entry_us": None if match.entry_shown is None else match.entry_shown.start,
    }


def decision_values(decision: Decision, kind: str) -> dict[str, Any]:
    """The columns from `verdict` on, of the row of one kind."""
    return {
        "verdict": decision.verdict.value,
        "matches": [match_value(match) for match in decision.matches if match.entry_hash.kind == kind],
        "total_matches": decision.total_matches,
        "banks_not_compared": list(decision.banks_not_compared),
        "revision": decision.revision,
    }


def _rows(number: int, outcome: Outcome, decision: Decision | None) -> Iterator[dict[str, Any]]:
    item, image = outcome.item, outcome.image
    same: dict[str, Any] = {
        "item": number,
        "location": item.location,
        "content_id": item.content_id or None,
        "size": outcome.size,
        "status": outcome.status.value,
    }
    if outcome.films:
        yield from (same | row for film in outcome.films for row in _film_rows(film, outcome.films))
        return
    if image is None:
        yield same | {"reason": outcome.reason, "error": outcome.error}
        return
    same |= {"media_type": image.media_type, "width": image.width, "height": image.height}
    for turned in _by_kind(image):
        value = turned[0]
        least = min(each.bits for each in turned) if len(turned) > 1 else None
        found = {} if decision is None else decision_values(decision, value.kind)
        yield same | {"kind": value.kind, "hash": value.bits, "quality": value.quality, "canonical": least} | found


def _film_rows(film: Film, films: Sequence[Film]) -> Iterator[dict[str, Any]]:
    info, scan = film.scan.info, film.scan
    same = {"media_type": info.media_type, "width": info.width, "height": info.height, "kind": film.kind}
    yield same | {
        "duration_us": info.duration,
        "frames_scanned": scan.frames_scanned,
        "scanned_until_us": scan.scanned_until,
        "incomplete": scan.incomplete,
        **_film_found(film, [each.decision for each in films if each.decision is not None]),
    }
    for frame, canonical in film.frames:
        yield same | {
            "hash": frame.hash.bits,
            "quality": frame.hash.quality,
            "canonical": canonical,
            "frame_us": frame.shown.start,
            "frame_end_us": frame.shown.end,
            "frame_count": frame.count,
        }


def _film_found(film: Film, decisions: Sequence[VideoDecision]) -> dict[str, Any]:
    """The columns from `verdict` on."""
    found = film.decision
    if found is None:
        return {}
    return {
        "verdict": gravest(decisions).value,
        "matches": [
            match_value(image.match) | {"shown_us": image.shown.start, "shown_end_us": image.shown.end}
            for image in found.images
        ],
        "videos": [_video_value(video) for video in found.videos],
        "total_matches": sum(each.total_images + each.total_videos for each in decisions),
        "banks_not_compared": list(found.banks_not_compared),
        "revision": found.revision,
    }


def _video_value(video: VideoMatch) -> dict[str, Any]:
    names = ("bank", "counts", "query_frames", "query_compared", "known_frames", "known_compared", "distance")
    return {name: getattr(video, name) for name in names} | {
        "action": video.action.value,
        "content_id": video.provenance.content_id,
        "passages": [
            {
                "query_us": part.query.start,
                "query_end_us": part.query.end,
                "known_us": part.known.start,
                "known_end_us": part.known.end,
                "frames": part.frames,
            }
            for part in video.passages
        ],
    }


def _by_kind(image: HashedImage) -> Iterator[Sequence[Hash]]:
    return (list(turned) for _, turned in groupby(image.hashes, key=lambda value: value.kind))


def unfinished(rows: pa.Table) -> list[int]:
    """The numbers of the items of a part that failed."""
    failed = rows.filter(pc.equal(rows["status"], Status.FAILED.value))
    return sorted(set(failed["item"].to_pylist()))
