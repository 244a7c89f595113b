"""Rows out of files: what a CSV writer wrote is what is read, from any row on, whatever stands between."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.cli.import_lines import BEGINNING, LONGEST_RECORD, Lines, Position
from hashmatch.cli.import_order import Format, Unsaid
from hashmatch.cli.import_rows import Row, read_rows
from hashmatch.types import Hash, NewEntry, Provenance

PDQ = Unsaid("pdq")
TEXTS = st.text("ab,;'\"\r\n\t \ufeff\u2028é漢😀", max_size=12)
ENTRIES = st.builds(
    NewEntry,
    st.builds(Hash, st.just("pdq"), st.binary(min_size=32, max_size=32), st.none() | st.integers(0, 100)),
    st.builds(
        Provenance,
        TEXTS,
        TEXTS,
        st.lists(st.text('aé,"\n', min_size=1, max_size=3).map(lambda label: f"<{label}>"), max_size=3).map(tuple),
        TEXTS,
    ),
)


def read(data: bytes, form: Format | None = None, start: Position = BEGINNING) -> list[Row]:
    return list(read_rows(io.BytesIO(data), form, PDQ, start))


def cells(entry: NewEntry) -> list[object]:
    value, origin = entry.hash, entry.provenance
    return [origin.note, ";".join(origin.labels), value.hex, value.quality, origin.content_id, origin.source]


@given(st.lists(ENTRIES, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.data())
def test_what_was_written_is_read_from_any_row_on(
    entries: list[NewEntry], end: str, bom: bool, data: st.DataObject
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(("note", "labels", "hash", "quality", "content_id", "source"))
    writer.writerows(map(cells, entries))
    content = out.getvalue().encode("utf-8-sig" if bom else "utf-8")
    rows = read(content)
    assert [row.entry for row in rows] == entries
    if rows:
        at = data.draw(st.integers(0, len(rows) - 1))
        assert read(content, start=rows[at].end) == rows[at + 1 :]
        assert rows[-1].end == (len(content), content.count(b"\n"))


@given(st.lists(st.binary(max_size=80).map(lambda line: line.replace(b"\n", b"")), max_size=20))
def test_good_rows_survive_any_neighbour(junk: list[bytes]) -> None:
    """Between quotation marks, a good row may be part of a note: so that no junk opens any, none has one."""
    good = "ab" * 32
    lines = [b"hash"]
    for line in junk:
        lines += [line.replace(b'"', b"'"), good.encode()]
    rows = read(b"\n".join(lines))
    found = [row for row in rows if row.entry == NewEntry(Hash.from_hex("pdq", good))]
    assert [row.line for row in found if row.line % 2] == list(range(3, 2 * len(junk) + 2, 2))
    assert [row.end.offset for row in rows] == sorted(row.end.offset for row in rows)


@given(st.binary(max_size=400))
def test_bytes_without_a_header_are_hashes(content: bytes) -> None:
    rows = read(content, Format.BINARY)
    whole = [row.entry.hash.bits for row in rows if isinstance(row.entry, NewEntry)]
    assert b"".join(whole) == content[: len(content) // 32 * 32]
    assert len(rows) == -(-len(content) // 32)
    assert all(read(content, Format.BINARY, row.end) == rows[row.line :] for row in rows)


@pytest.mark.parametrize("surplus", [0, 1, 3 * 2**20])
def test_a_line_may_be_as_long_as_it_says_and_no_longer(surplus: int) -> None:
    content = b"x" * (LONGEST_RECORD - 1 + surplus) + b"\nnext\n"
    lines = Lines(io.BytesIO(content))
    if surplus:
        with pytest.raises(ValueError, match="longer"):
            next(lines)
    else:
        assert len(next(lines)) == LONGEST_RECORD
    assert lines.position == (LONGEST_RECORD + surplus, 1)
    lines.begin()
    assert next(lines) == "next\n"
    lines.take_back(kept=0)
    assert (lines.position, list(lines)) == ((LONGEST_RECORD + surplus, 1), ["next\n"])
