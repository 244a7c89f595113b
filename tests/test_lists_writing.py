"""Files out of entries: what is written is what is read."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.lists import BEGINNING, COLUMNS, Format, Unsaid
from hashmatch.lists.reading import read_rows
from hashmatch.lists.writing import write_rows
from hashmatch.types import SECOND, Hash, NewEntry, Provenance, TimeRange

STORABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(STORABLE, max_size=20) | st.text("ab,;'\"\r\n\t \ufeff\u2028[é", max_size=6)
BITS = st.sampled_from([("pdq", 32), ("md5", 16), ("sha256", 32)]).flatmap(
    lambda kind: st.builds(
        Hash,
        st.just(kind[0]),
        st.binary(min_size=kind[1], max_size=kind[1]),
        st.none() | st.integers(0, 100) if kind[0] == "pdq" else st.none(),
    )
)
TIMES = st.lists(st.integers(0, 2**53), min_size=2, max_size=2).map(sorted).map(lambda times: TimeRange(*times))
MOMENTS = st.none() | st.datetimes(datetime(1970, 1, 2), timezones=st.just(UTC))
ORIGINS = st.builds(Provenance, TEXTS, TEXTS, st.lists(TEXTS, max_size=4).map(tuple), TEXTS, TEXTS, MOMENTS)
ENTRIES = st.builds(NewEntry, BITS, ORIGINS, st.none(), MOMENTS) | st.builds(
    NewEntry, BITS, st.builds(Provenance, st.text("ab ", min_size=1, max_size=3), TEXTS), TIMES, MOMENTS
)
LAST = datetime.max.replace(tzinfo=UTC)
WORST = NewEntry(
    Hash("pdq", b"\xff" * 32, 100),
    Provenance(
        "\x01" * 256, "\U0010ffff" * 256, tuple("\x01" * 128 for _ in range(64)), '"' * 4_096, "\x01" * 256, LAST
    ),
    TimeRange(2**53, 2**53),
    LAST,
)
"""The longest that an entry may hold, of what takes the most bytes."""


def written(entries: list[NewEntry], form: Format) -> bytes:
    return b"".join(write_rows(entries, form))


def read(data: bytes, form: Format | None, unsaid: Unsaid) -> list[NewEntry | str]:
    return [row.entry for row in read_rows(io.BytesIO(data), form, unsaid, BEGINNING)]


@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL])
@given(entries=st.lists(ENTRIES, max_size=6))
def test_all_that_an_entry_holds_is_read_again(form: Format, entries: list[NewEntry]) -> None:
    assert read(written([*entries, WORST], form), None, Unsaid("ahash")) == [*entries, WORST]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=6))
def test_hashes_alone_are_read_again(hashes: list[bytes]) -> None:
    entries = [NewEntry(Hash("pdq", bits)) for bits in hashes]
    for form in (Format.LIST, Format.BINARY):
        assert read(written(entries, form), form, Unsaid("pdq")) == entries


@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 100), st.integers(0, 10**9)), max_size=6))
def test_a_video_of_single_moments_is_read_again(frames: list[tuple[bytes, int, int]]) -> None:
    entries = [
        NewEntry(Hash("pdq", bits, quality), Provenance("clip"), TimeRange(time * 1_000, time * 1_000))
        for bits, quality, time in frames
    ]
    assert read(written(entries, Format.VPDQ), Format.VPDQ, Unsaid("pdq", content_id="clip")) == entries


def test_a_frame_shown_for_a_while_is_two_lines_of_vpdq_and_a_still_is_none() -> None:
    bits = b"\1" * 32
    shown = NewEntry(Hash("pdq", bits), Provenance("clip"), TimeRange(SECOND // 2, 3 * SECOND))
    text = written([NewEntry(Hash("pdq", bits, 9)), shown], Format.VPDQ).decode()
    assert text == f"0,0,{bits.hex()},0.500\n1,0,{bits.hex()},3.000\n"


def test_any_reader_of_csv_and_json_reads_it() -> None:
    entry = NewEntry(Hash("pdq", b"\1" * 32, 0), Provenance("a, b", "s", ("x", "y"), 'two\nlines "quoted"'))
    (row,) = csv.DictReader(io.StringIO(written([entry], Format.CSV).decode(), newline=""))
    assert list(row) == list(COLUMNS)
    assert (row["hash"], row["quality"], row["labels"]) == ("01" * 32, "0", "x;y")
    assert json.loads(written([entry], Format.JSONL)) == {
        "hash": "01" * 32,
        "quality": 0,
        "kind": "pdq",
        "content_id": "a, b",
        "source": "s",
        "labels": ["x", "y"],
        "note": 'two\nlines "quoted"',
    }


def test_many_rows_are_written_in_parts() -> None:
    entries = [NewEntry(Hash("pdq", number.to_bytes(32))) for number in range(2_500)]
    parts = list(write_rows(iter(entries), Format.CSV))
    assert len(parts) == 3
    assert read(b"".join(parts), None, Unsaid("pdq")) == entries
