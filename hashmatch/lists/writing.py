"""Entries as files of hashes, row by row; what is written is what `read_rows` reads."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from hashmatch.lists.fields import labels_text
from hashmatch.lists.form import COLUMNS, Format
from hashmatch.types import SECOND, Entry, NewEntry

_ROWS_AT_ONCE: Final = 1_000

_Entries = Iterable[Entry | NewEntry]


def write_rows(entries: _Entries, form: Format) -> Iterator[bytes]:
    """Yield a file of the entries in parts, in their order.

    CSV and JSON lines hold all that an entry was added with. The others hold hashes alone, of one kind if they are
    to be read again; vPDQ times and qualities too (0 where there is none), a frame that is shown for a while as its
    first moment and its last, to the millisecond, and nothing of what is no frame of a video.
    """
    return _WRITERS[form](entries)


def _csv(entries: _Entries) -> Iterator[bytes]:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for at, entry in enumerate(entries, 1):
        writer.writerow(_cells(entry))
        if at % _ROWS_AT_ONCE == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _jsonl(entries: _Entries) -> Iterator[bytes]:
    for entry in entries:
        origin = entry.provenance
        said = dict(zip(COLUMNS, _cells(entry), strict=True)) | {"labels": list(origin.labels)}
        row = {name: value for name, value in said.items() if value not in (None, "", [])}
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _list(entries: _Entries) -> Iterator[bytes]:
    for entry in entries:
        yield f"{entry.hash.hex}\n".encode()


def _vpdq(entries: _Entries) -> Iterator[bytes]:
    number = 0
    for entry in entries:
        if entry.shown is None:
            continue
        for time in dict.fromkeys((entry.shown.start, entry.shown.end)):
            yield f"{number},{entry.hash.quality or 0},{entry.hash.hex},{time / SECOND:.3f}\n".encode()
            number += 1


def _binary(entries: _Entries) -> Iterator[bytes]:
    for entry in entries:
        yield entry.hash.bits


def _cells(entry: Entry | NewEntry) -> Sequence[Any]:
    value, origin, shown = entry.hash, entry.provenance, entry.shown
    times = (None, None) if shown is None else (shown.start, shown.end)
    said = origin.content_id, origin.source, labels_text(origin.labels), origin.note
    moments = (None if each is None else each.isoformat() for each in (origin.reported, entry.expires))
    return value.hex, value.quality, value.kind, *said, *times, origin.programme, *moments


_WRITERS: Final[dict[Format, Callable[[_Entries], Iterator[bytes]]]] = {
    Format.CSV: _csv,
    Format.JSONL: _jsonl,
    Format.LIST: _list,
    Format.VPDQ: _vpdq,
    Format.BINARY: _binary,
}
