import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from hashmatch import backfill
from hashmatch.backfill import RescanOptions, ScanOptions, Wanted
from hashmatch.errors import AlreadyExists, ConfigurationError, NotFound
from hashmatch.store import Store
from hashmatch.types import Action, Bank, Hash, MatchOptions, NewEntry, Provenance
from tests.backfill_media import write_folder
from tests.command import called

NOW = datetime(2025, 5, 5, 12, tzinfo=UTC)
KNOWN = np.random.default_rng(5).integers(0, 256, (40, 32), np.uint8)
"""The entries: the first 30 in `old`, the others in `new`, of which those from 35 on want quality."""


def altered(codes: NDArray[np.uint8], draw: np.random.Generator, most: int) -> NDArray[np.uint8]:
    """The codes with up to about `most` bits flipped in each."""
    flips = draw.random((len(codes), 256)) < draw.random((len(codes), 1)) * most / 256
    return codes ^ np.packbits(flips, axis=1)


def make_log(folder: Path, count: int = 6000, files: int = 3) -> list[dict[str, Any]]:
    """A log in which every fifth hash is an altered known one; returns its rows."""
    draw = np.random.default_rng(7)
    codes = draw.integers(0, 256, (count, 32), np.uint8)
    codes[::5] = altered(KNOWN[draw.integers(0, len(KNOWN), len(codes[::5]))], draw, 60)
    rows: list[dict[str, Any]] = [
        {
            "content_id": f"upload-{at}",
            "time": NOW + timedelta(seconds=at),
            "kind": "pdq",
            "hash": code.tobytes(),
            "quality": None if at % 11 == 0 else at % 101,
        }
        for at, code in enumerate(codes)
    ]
    for at in range(0, count, 40):
        rows[at] |= {"kind": "sha256", "quality": None}
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        table = pa.Table.from_pylist(rows[number * count // files : (number + 1) * count // files])
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=700)
    return rows


def expected(rows: list[dict[str, Any]], known: range, threshold: int = 31) -> list[tuple[str, list[tuple[int, int]]]]:
    """By brute force, what each row that matches is called, and its distances and entries, nearest first."""
    found = []
    values = {at: int.from_bytes(KNOWN[at]) for at in known}
    for row in rows:
        if row["kind"] != "pdq":
            continue
        mine = int.from_bytes(row["hash"])
        quality = 100 if row["quality"] is None else row["quality"]
        near = sorted(((mine ^ value).bit_count(), at + 1) for at, value in values.items() if at < 35 or quality >= 80)
        near = [pair for pair in near if pair[0] <= threshold]
        if near:
            found.append((row["content_id"], near))
    return found


def told(tables: list[pa.Table]) -> list[tuple[str, list[tuple[int, int]]]]:
    return [
        (row["content_id"], [(match["distance"], match["entry"]) for match in row["matches"]])
        for table in tables
        for row in table.to_pylist()
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose banks grow at revisions 3, 5 and 7."""
    folder = tmp_path_factory.mktemp("data")
    with Store.open(f"sqlite:///{folder}/hashmatch.db") as store:
        for name, numbers in (("old", range(30)), ("new", range(30, 35)), ("strict", range(35, 40))):
            store.create_bank(Bank(name, action=Action.BLOCK, minimum_quality=80 if name == "strict" else 0))
            store.add_entries(
                name, [NewEntry(Hash("pdq", KNOWN[at].tobytes(), 100), Provenance(f"known-{at}")) for at in numbers]
            )
    return folder


class TestRescan:
    @pytest.mark.parametrize(
        ("wanted", "known"),
        [
            (Wanted(), range(40)),
            (Wanted(since=2), range(30, 40)),
            (Wanted(since=4), range(35, 40)),
            (Wanted(since=6), range(0)),
            (Wanted(banks=("new",)), range(30, 35)),
            (Wanted(entries=(("old", 8),)), range(7, 8)),
        ],
    )
    def test_finds_what_brute_force_finds(self, tmp_path: Path, data: Path, wanted: Wanted, known: range) -> None:
        rows = make_log(tmp_path / "log")
        options = RescanOptions(str(data), wanted, part_rows=1500)
        found = told(list(backfill.rescan([str(tmp_path / "log")], options=options)))
        assert found == expected(rows, known)
        assert len(found) > 20 or len(known) < 2

    def test_rows_are_those_of_the_log_and_a_decision(self, tmp_path: Path, data: Path) -> None:
        rows = {row["content_id"]: row for row in make_log(tmp_path / "log")}
        for table in backfill.rescan([str(tmp_path / "log")], options=RescanOptions(str(data))):
            assert table.schema == backfill.RESCAN_SCHEMA
            for row in table.to_pylist():
                logged = rows[row["content_id"]]
                assert {name: row[name] for name in logged} == logged
                assert (row["verdict"], row["revision"]) == ("BLOCK", 6)
                assert row["total_matches"] == len(row["matches"])
                assert row["matches"][0]["entry_content_id"] == f"known-{row['matches'][0]['entry'] - 1}"

    def test_hashes_in_no_bank(self, tmp_path: Path) -> None:
        rows = make_log(tmp_path / "log")
        for threshold in (10, 31):
            asked = RescanOptions(hashes=(Hash("pdq", KNOWN[3].tobytes()),), threshold=threshold)
            found = told(list(backfill.rescan([str(tmp_path / "log")], options=asked)))
            mine = int.from_bytes(KNOWN[3])
            assert [name for name, _ in found] == [
                row["content_id"]
                for row in rows
                if row["kind"] == "pdq" and (int.from_bytes(row["hash"]) ^ mine).bit_count() <= threshold
            ]

    def test_a_scan_is_a_log(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "media", 30)
        (tmp_path / "media" / "bad.jpg").write_bytes(b"no picture")
        url = f"sqlite:///{tmp_path}/hashmatch.db"
        with Store.open(url) as store:
            store.create_bank(Bank("a"))
            kinds = MatchOptions(kinds=("pdq", "sha256"))
            list(backfill.scan(str(tmp_path / "media"), str(tmp_path / "scan"), ScanOptions(url, kinds)))
            ((_, hashed),) = [
                (row["location"], row)
                for table in backfill.scan(str(tmp_path / "media"), options=ScanOptions(match=kinds))
                for row in table.to_pylist()
                if row["location"].endswith("00007.jpg") and row["kind"] == "sha256"
            ]
            store.add_entries("a", [NewEntry(Hash("sha256", hashed["hash"]))])
        options = RescanOptions(url, Wanted(since=1))
        (table,) = backfill.rescan([str(tmp_path / "scan")], options=options)
        (row,) = table.to_pylist()
        assert row["location"].endswith("00007.jpg")
        assert row["kind"] == "sha256"
        assert row["matches"][0]["distance"] == 0

    def test_goes_on_where_it_ended(self, tmp_path: Path, data: Path) -> None:
        rows = make_log(tmp_path / "log")
        options = RescanOptions(str(data), part_rows=1500)
        some = backfill.rescan([str(tmp_path / "log")], str(tmp_path / "out"), options)
        first = next(some)
        some.close()
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log" / "later.parquet")
        rest = list(backfill.rescan([str(tmp_path / "log")], str(tmp_path / "out"), options))
        assert told([first, *rest]) == expected(rows, range(40))
        assert list(backfill.rescan([str(tmp_path / "log")], str(tmp_path / "out"), options)) == []
        report = backfill.report(backfill.open_folder(str(tmp_path / "out")))
        assert report.complete
        assert (report.found, report.counts.scanned) == (6000, 6000)
        assert report.counts.matched == len(expected(rows, range(40)))
        with pytest.raises(AlreadyExists, match="since"):
            list(backfill.rescan([str(tmp_path / "log")], str(tmp_path / "out"), RescanOptions(str(data), Wanted(3))))


class TestDamage:
    def test_every_row_is_accounted_for(self, tmp_path: Path, data: Path) -> None:
        rows = make_log(tmp_path / "log", count=3000)
        whole = (tmp_path / "log" / "1.parquet").read_bytes()
        (tmp_path / "log" / "1.parquet").write_bytes(whole[:1000] + bytes(2000) + whole[3000:])
        (tmp_path / "log" / "3.parquet").write_bytes(b"no parquet")
        pq.write_table(pa.table({"x": [1]}), tmp_path / "log" / "4.parquet")
        odd = [("pdq", bytes(31)), ("pdq", None), (None, bytes(32)), ("pdq", KNOWN[0].tobytes())]
        kinds, hashes = zip(*odd, strict=True)
        pq.write_table(pa.table({"kind": kinds, "hash": hashes}), tmp_path / "log" / "5.parquet")
        out = tmp_path / "out"
        tables = list(backfill.rescan([str(tmp_path / "log")], str(out), RescanOptions(str(data))))
        counts = backfill.report(backfill.open_folder(str(out))).counts
        assert counts.found == 3000 + 2 + 4
        assert counts.found == counts.scanned + counts.skipped + counts.failed.total()
        assert counts.failed["BAD_HASH"] == 1
        assert counts.skipped == 2
        lost = counts.failed["CORRUPT_LOG"] - 2
        assert 0 < lost <= 1000
        found = {name for name, _ in told(tables)}
        assert found >= {name for name, _ in expected(rows[:1000] + rows[2000:], range(40))}
        assert None in found

    def test_nothing_to_read_is_an_error(self, tmp_path: Path, data: Path) -> None:
        for log in (tmp_path, tmp_path / "none", tmp_path / "none.parquet"):
            with pytest.raises(ConfigurationError):
                list(backfill.rescan([str(log)], options=RescanOptions(str(data))))
        with pytest.raises(NotFound):
            list(backfill.rescan([str(tmp_path)], options=RescanOptions(str(data), Wanted(banks=("none",)))))


def test_command(tmp_path: Path, data: Path) -> None:
    rows = make_log(tmp_path / "log")
    rescan = ("backfill", "rescan", tmp_path / "log", "--nice", 0)
    done = called(*rescan, "--banks", data, "--entry", "banks/old/entries/8")
    assert done.code == 0, done.err
    assert [row["content_id"] for row in done.objects] == [name for name, _ in expected(rows, range(7, 8))]
    assert {row["kind"] for row in done.objects} == {"pdq"}
    assert done.objects[0]["time"].startswith("2025-05-05T")
    assert bytes.fromhex(done.objects[0]["hash"])
    by_hash = called(*rescan, "--hash", KNOWN[7].tobytes().hex())
    assert [row["content_id"] for row in by_hash.objects] == [row["content_id"] for row in done.objects]
    recorded = called(*rescan, "--banks", data, "--since-revision", 2, "--out", tmp_path / "out", "--json")
    assert recorded.code == 0
    assert json.loads(recorded.out)["matched"] == len(expected(rows, range(30, 40)))
    assert called(*rescan, "--banks", data).code == 2
    assert called(*rescan, "--banks", data, "--entry", "nonsense").code == 2
    assert called(*rescan, "--banks", data, "--entry", "old/35").code == 5
