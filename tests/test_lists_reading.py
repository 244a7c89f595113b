"""Rows out of files: what a CSV writer wrote is what is read, from any row on, whatever stands between."""

import csv
import gzip
import io
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import ConfigurationError
from hashmatch.lists import BEGINNING, Format, Position, Unsaid
from hashmatch.lists.lines import LONGEST_RECORD, Lines
from hashmatch.lists.reading import Row, read_rows
from hashmatch.types import Hash, NewEntry, Provenance, TimeRange

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


def read(data: bytes, form: Format | None = None, start: Position = BEGINNING, unsaid: Unsaid = PDQ) -> list[Row]:
    return list(read_rows(io.BytesIO(data), form, unsaid, start))


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


GOOD = "ab" * 32
OBJECTS = {
    f'{{"hash": "{GOOD}"}}': NewEntry(Hash.from_hex("pdq", GOOD)),
    f'{{"hash": "{GOOD}", "quality": 7, "labels": ["a;b", ""], "note": "\\u00e9\\n", "else": [1]}}': NewEntry(
        Hash.from_hex("pdq", GOOD, 7), Provenance(labels=("a;b", ""), note="é\n")
    ),
    f'{{"hash": "{GOOD[:32]}", "kind": "md5", "quality": null, "labels": null, "source": "s"}}': NewEntry(
        Hash.from_hex("md5", GOOD[:32]), Provenance(source="s")
    ),
    f'{{"hash": "{GOOD}", "content_id": "v", "shown_from": 5, "shown_until": 9}}': NewEntry(
        Hash.from_hex("pdq", GOOD), Provenance("v"), TimeRange(5, 9)
    ),
    f'{{"hash": "{GOOD}", "content_id": "v", "shown_from": 5}}': NewEntry(
        Hash.from_hex("pdq", GOOD), Provenance("v"), TimeRange(5, 5)
    ),
}
OBJECTS |= {
    f'{{"hash": "{GOOD}", "programme": "flaggers", "reported": "2026-03-01", "expires": "{text}"}}': NewEntry(
        Hash.from_hex("pdq", GOOD),
        Provenance(programme="flaggers", reported=datetime(2026, 3, 1, tzinfo=UTC)),
        expires=datetime(2030, 3, 1, 12, tzinfo=UTC),
    )
    for text in ("2030-03-01T12:00:00Z", "2030-03-01 12:00", "20300301T140000+02:00")
}
BAD_OBJECTS = {
    "{": "not JSON",
    "[" * 100_000: "not JSON",
    f'["{GOOD}"]': "not a JSON object",
    "{}": "pdq has 256 bits, not 0",
    '{"hash": 7}': "hash: must be a text",
    '{"hash": "beef"}': "256 bits",
    f'{{"hash": "{GOOD}", "quality": 101}}': "0 to 100",
    f'{{"hash": "{GOOD}", "quality": 7.5}}': "whole number",
    f'{{"hash": "{GOOD}", "quality": true}}': "whole number",
    f'{{"hash": "{GOOD}", "quality": {"9" * 5_000}}}': "not JSON",
    f'{{"hash": "{GOOD}", "labels": "a"}}': "array",
    f'{{"hash": "{GOOD}", "labels": [1]}}': "array",
    f'{{"hash": "{GOOD}", "note": "a\\u0000"}}': "NUL",
    f'{{"hash": "{GOOD}", "source": "\\ud800"}}': "surrogates",
    f'{{"hash": "{GOOD}", "shown_from": 5}}': "content_id",
    f'{{"hash": "{GOOD}", "reported": "yesterday"}}': "reported: 'yesterday' is not a moment",
    f'{{"hash": "{GOOD}", "reported": "1969-12-31"}}': "before 1970",
    f'{{"hash": "{GOOD}", "expires": "9999-12-31T23:59:59-01:00"}}': "not a moment",
    f'{{"hash": "{GOOD}", "expires": 5}}': "expires: must be a text",
    f'{{"hash": "{GOOD}", "programme": "{"x" * 257}"}}': "programme: at most 256",
    f'{{"hash": "{GOOD}", "content_id": "v", "shown_until": 5}}': "shown_from",
    f'{{"hash": "{GOOD}", "content_id": "v", "shown_from": 5, "shown_until": 4}}': "before",
    f'{{"hash": "{GOOD}", "content_id": "v", "shown_from": {2**53 + 1}}}': "2**53",
}


def test_objects_are_told_from_columns_and_read_one_a_line() -> None:
    lines = [text for pair in zip(OBJECTS, BAD_OBJECTS, strict=False) for text in (*pair, "")]
    rows = read("\n".join(lines).encode())
    assert [row.entry for row in rows[::2]] == list(OBJECTS.values())
    assert [row.line for row in rows] == [at for at in range(1, len(lines) + 1) if at % 3]
    assert [read(text.encode())[0].entry for text in OBJECTS] == list(OBJECTS.values())


@pytest.mark.parametrize("text", BAD_OBJECTS, ids=range(len(BAD_OBJECTS)))
def test_what_is_wrong_with_an_object_is_told(text: str) -> None:
    bad, good = read(f'{text}\n{{"hash": "{GOOD}"}}'.encode(), Format.JSONL)
    assert BAD_OBJECTS[text] in str(bad.entry)
    assert good.entry == NewEntry(Hash.from_hex("pdq", GOOD))


VIDEO = Unsaid("pdq", content_id="clip")


def test_vpdq_as_both_versions_of_its_tool_write_it() -> None:
    """The older wrote three significant digits, the newer three decimal places."""
    text = f"0,100,{GOOD},0\n1,98,{GOOD},0.0319\n\n2,0,{GOOD.upper()},12.300\r\n"
    found = [(row.line, row.entry) for row in read(text.encode(), unsaid=VIDEO)]
    assert found == [
        (line, NewEntry(Hash.from_hex("pdq", GOOD, quality), Provenance("clip"), TimeRange(time, time)))
        for line, quality, time in ((1, 100, 0), (2, 98, 31_900), (4, 0, 12_300_000))
    ]
    with pytest.raises(ConfigurationError, match="--content-id"):
        read(text.encode())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"0,100,{GOOD}", "3 columns"),
        (f"0,101,{GOOD},0", "0 to 100"),
        (f"0,x,{GOOD},0", "quality"),
        ("0,1,beef,0", "256 bits"),
        *((f"0,1,{GOOD},{time}", "not a time") for time in ("", "-1", "nan", "inf", "1e999999", "9e15", "x" * 99)),
    ],
)
def test_what_is_wrong_with_a_frame_is_told(line: str, said: str) -> None:
    bad, good = read(f"{line}\n0,1,{GOOD},1\n".encode(), Format.VPDQ, unsaid=VIDEO)
    assert said in str(bad.entry)
    assert isinstance(good.entry, NewEntry)


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        (f"hash\n{GOOD}\n".encode("utf-16"), "UTF-16"),
        (b"\xfe\xff\0h", "UTF-16"),
        (gzip.compress(b"hash\n" * 10**6, mtime=0), "compressed"),
        (b"PK\3\4", "ZIP"),
    ],
)
def test_a_file_that_is_no_text_is_said_to_be_what_it_is(begin: bytes, said: str) -> None:
    for form in (None, Format.CSV, Format.JSONL, Format.LIST):
        with pytest.raises(ConfigurationError, match=said):
            read(begin, form)


def test_a_line_of_a_gigabyte_costs_itself_and_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "sparse"
    with file.open("wb") as out:
        out.write(f"hash\n{GOOD}\n".encode())
        out.seek(2**30)
        out.write(f"\n{GOOD}\n".encode())
    with file.open("rb") as stream:
        tracemalloc.start()
        rows = list(read_rows(stream, None, PDQ, BEGINNING))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert [isinstance(row.entry, NewEntry) for row in rows] == [True, False, True]
    assert (rows[1].line, "longer than" in str(rows[1].entry), rows[2].line) == (3, True, 4)
    assert peak < 2**23
