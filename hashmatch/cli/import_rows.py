"""Files of known hashes as entries to add, each row with its line number or with what is wrong with it."""

import csv
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import BinaryIO, Final, NamedTuple

from hashmatch import hashing
from hashmatch.cli.import_lines import Lines, Position
from hashmatch.cli.import_order import Format, Unsaid
from hashmatch.errors import ConfigurationError, InvalidField
from hashmatch.types import Hash, NewEntry, Provenance

COLUMNS: Final = ("hash", "quality", "kind", "content_id", "source", "labels", "note")
"""What a CSV file's header may name, in any order; only `hash` must be there, and others are ignored."""
_WITHOUT_HEADER: Final = ("hash", "quality", "content_id")
"""The columns of the reference implementation's hashing tool, which writes no header."""
_LONGEST_NAME: Final = 256
_LONGEST_NOTE: Final = 4_096
_MOST_LABELS: Final = 64
_LONGEST_LABEL: Final = 128
_SETS_OF_LABELS: Final = 1_024
"""Kept as they were taken apart: a list has few, which return again and again."""

_Cells = Sequence[str]


class Row(NamedTuple):
    """One row of a file, good or not."""

    line: int
    """Where it begins, from 1; of a binary file, which hash it is."""
    entry: NewEntry | str
    """What to add, or why the row cannot be added."""
    end: Position


def read_rows(stream: BinaryIO, form: Format | None, unsaid: Unsaid, start: Position) -> Iterator[Row]:
    """Yield the rows after `start`, which must be the beginning unless the stream is a file.

    Where `form` is None, the first line must tell: a header that names `hash`, or a hash. Raises
    ConfigurationError where it does not, or a header is not usable. Blank lines are no rows.
    """
    if form is Format.BINARY:
        return _binary_rows(stream, unsaid, start)
    lines = Lines(stream)
    columns, surplus = _columns(lines, form)
    if start.offset:
        lines.seek(start)
    return _text_rows(lines, _row_reader(columns, unsaid, surplus=surplus))


def _binary_rows(stream: BinaryIO, unsaid: Unsaid, start: Position) -> Iterator[Row]:
    size = hashing.KINDS[unsaid.kind].bits // 8
    provenance = Provenance("", unsaid.source, unsaid.labels)
    if start.offset:
        stream.seek(start.offset)
    offset, number = start
    while bits := stream.read(size):
        offset, number = offset + len(bits), number + 1
        entry: NewEntry | str = NewEntry(Hash(unsaid.kind, bits), provenance)
        if len(bits) < size:
            entry = f"the file ends after {len(bits)} of the {size} bytes of a hash"
        yield Row(number, entry, Position(offset, number))


def _text_rows(lines: Lines, read: Callable[[list[str]], NewEntry]) -> Iterator[Row]:
    """Yield rows; one that cannot be taken apart costs its first line and no other."""
    records = csv.reader(lines, strict=True)
    while True:
        lines.begin()
        number = lines.position.line + 1
        entry: NewEntry | str
        try:
            cells = next(records)
        except StopIteration:
            return
        except (csv.Error, ValueError) as error:
            lines.take_back(kept=1)
            entry = str(error)
        else:
            if not cells:
                continue
            try:
                entry = read(cells)
            except (InvalidField, ValueError) as error:
                entry = str(error)
        yield Row(number, entry, lines.position)


def _columns(lines: Lines, form: Format | None) -> tuple[_Cells, bool]:
    """The names of the columns, and whether a row may have more of them; draws the header, where there is one."""
    if form is Format.LIST:
        return ("hash",), False
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


def _is_hex(text: str) -> bool:
    try:
        return bool(bytes.fromhex(text))
    except ValueError:
        return False


def _row_reader(columns: _Cells, unsaid: Unsaid, *, surplus: bool) -> Callable[[list[str]], NewEntry]:
    """A function from a row's cells to its entry; raises InvalidField or ValueError saying what is wrong."""
    width = len(columns)
    pick = itemgetter(*(columns.index(name) if name in columns else width for name in COLUMNS))
    split = lru_cache(_SETS_OF_LABELS)(_labels)

    def read(cells: list[str]) -> NewEntry:
        if len(cells) > width and not surplus:
            raise ValueError(f"has {len(cells)} columns, not {width}")
        cells[width:] = [""]
        cells.extend([""] * (width + 1 - len(cells)))
        text, quality, kind, content_id, source, labels, note = pick(cells)
        value = Hash(kind.strip() or unsaid.kind, _bits(text), _quality(quality))
        _check_text("content_id", content_id, _LONGEST_NAME)
        _check_text("source", source, _LONGEST_NAME)
        _check_text("note", note, _LONGEST_NOTE)
        provenance = Provenance(content_id, source or unsaid.source, split(labels) or unsaid.labels, note)
        return NewEntry(hashing.check(value), provenance)

    return read


def _bits(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"hash: {text[:80]!r} is not hexadecimal") from None


def _quality(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if len(text) > 3 or not text.isascii() or not text.isdecimal():
        raise ValueError(f"quality: {text[:80]!r} is not a whole number from 0 to 100")
    return int(text)


def _labels(text: str) -> tuple[str, ...]:
    labels = tuple(label for part in text.split(";") if (label := part.strip()))
    if len(labels) > _MOST_LABELS:
        raise ValueError(f"labels: at most {_MOST_LABELS}, not {len(labels)}")
    for label in labels:
        _check_text("labels", label, _LONGEST_LABEL)
    return labels


def _check_text(name: str, text: str, most: int) -> None:
    """Raise ValueError for what the public contract does not allow."""
    if len(text) > most:
        raise ValueError(f"{name}: at most {most:,} characters, not {len(text):,}")
    if "\0" in text:
        raise ValueError(f"{name}: must not hold the NUL character")
