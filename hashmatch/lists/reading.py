"""Files of known hashes as entries to add, each row with its line number or with what is wrong with it."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

from hashmatch import hashing
from hashmatch.errors import ConfigurationError, InvalidField
from hashmatch.lists.fields import new_entry, new_hash
from hashmatch.lists.form import COLUMNS, Format, Unsaid
from hashmatch.lists.lines import Lines, Position
from hashmatch.lists.parsers import cells_parser, frame_parser, object_parser
from hashmatch.types import NewEntry, Provenance

_WITHOUT_HEADER: Final = ("hash", "quality", "content_id")
"""The columns of the reference implementation's hashing tool, which writes no header."""
_FRAME: Final = re.compile(r"\s*\d{1,9},\s*\d{1,3},\s*[0-9a-fA-F]{64},\s*[0-9.]+\s*", re.ASCII)
"""A line of vPDQ."""


class Row(NamedTuple):
    """One row of a file, good or not."""

    line: int
    """Where it begins, from 1; of a binary file, which hash it is."""
    entry: NewEntry | str
    """What to add, or why the row cannot be added."""
    end: Position


def read_rows(stream: BinaryIO, form: Format | None, unsaid: Unsaid, start: Position) -> Iterator[Row]:
    """Yield the rows after `start`, which must be the beginning unless the stream is a file.

    Where `form` is None, the first line that is not blank must tell: a JSON object, a line of vPDQ, a header that
    names `hash`, or a hash. Raises ConfigurationError where it does not, where a header is not usable, where the
    kind has another length than the format's, and for UTF-16 and compressed files. Blank lines are no rows.
    """
    if form is Format.BINARY:
        return _binary_rows(stream, unsaid, start)
    lines = Lines(stream)
    form = form or _told(lines)
    records: Iterator[Any] = map(str.strip, lines)
    parse: Callable[[Any], NewEntry]
    if form is Format.JSONL:
        parse = object_parser(unsaid)
    elif form is Format.VPDQ:
        parse = _frames(unsaid)
    else:
        columns, surplus = (("hash",), False) if form is Format.LIST else _columns(lines)
        records, parse = csv.reader(lines, strict=True), cells_parser(columns, unsaid, surplus=surplus)
    if start.offset:
        lines.seek(start)
    return _text_rows(lines, records, parse)


def _binary_rows(stream: BinaryIO, unsaid: Unsaid, start: Position) -> Iterator[Row]:
    size = hashing.KINDS[unsaid.kind].bits // 8
    provenance = Provenance(unsaid.content_id, unsaid.source, unsaid.labels)
    if start.offset:
        stream.seek(start.offset)
    offset, number = start
    while bits := stream.read(size):
        offset, number = offset + len(bits), number + 1
        entry: NewEntry | str = new_entry(new_hash(unsaid.kind, bits), provenance)
        if len(bits) < size:
            entry = f"the file ends after {len(bits)} of the {size} bytes of a hash"
        yield Row(number, entry, Position(offset, number))


def _text_rows(lines: Lines, records: Iterator[Any], parse: Callable[[Any], NewEntry]) -> Iterator[Row]:
    """Yield rows; one that cannot be taken apart costs its first line and no other."""
    while True:
        lines.begin()
        number = lines.position.line + 1
        entry: NewEntry | str
        try:
            record = next(records)
        except StopIteration:
            return
        except (csv.Error, ValueError) as error:
            lines.take_back(kept=1)
            entry = str(error)
        else:
            if not record:
                continue
            try:
                entry = parse(record)
            except (InvalidField, ValueError) as error:
                entry = str(error)
        yield Row(number, entry, lines.position)


def _told(lines: Lines) -> Format:
    """What the first line that is not blank says of the format; nothing is drawn."""
    lines.begin()
    try:
        first = next(filter(None, map(str.strip, lines)), "")
    except ValueError as error:
        raise ConfigurationError(f"the first line {error}: it is neither a header nor a hash") from error
    lines.take_back(kept=0)
    if first.startswith("{"):
        return Format.JSONL
    return Format.VPDQ if _FRAME.fullmatch(first) else Format.CSV


def _columns(lines: Lines) -> tuple[Sequence[str], bool]:
    """The names of the columns, and whether a row may have more of them; draws the header, where there is one."""
    lines.begin()
    try:
        first = next(filter(None, csv.reader(lines, strict=True)), [])
    except (csv.Error, ValueError) as error:
        raise ConfigurationError(f"the first line {error}: it is neither a header nor a hash") from error
    names = [cell.strip().lower() for cell in first]
    if "hash" in names:
        twice = [name for name in COLUMNS if names.count(name) > 1]
        if twice:
            raise ConfigurationError(f"the header names {twice[0]!r} twice")
        return names, False
    lines.take_back(kept=0)
    if first and not _is_hex(names[0]):
        raise ConfigurationError("the first line is neither a header with a column 'hash' nor a hash: say --format")
    return _WITHOUT_HEADER, True


def _frames(unsaid: Unsaid) -> Callable[[str], NewEntry]:
    if not unsaid.content_id:
        raise ConfigurationError("a file of vPDQ does not name its video: say --content-id")
    return frame_parser(unsaid)


def _is_hex(text: str) -> bool:
    try:
        return bool(bytes.fromhex(text))
    except ValueError:
        return False
