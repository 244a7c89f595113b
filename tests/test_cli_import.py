"""`hashmatch bank import` against real servers: formats, bad rows, and what crashes leave."""

import csv
import io
import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.import_batches import ROWS_A_BATCH
from hashmatch.client import Client
from hashmatch.types import Bank
from tests.command import COMMAND, Ended, called, environment, hashmatch
from tests.servers import running_server
from tests.test_cli import on_terminal

HEADER = ("hash", "quality", "kind", "content_id", "source", "labels", "note")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command notes how far it has come; every test has its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Target:
    """One new bank of a server, and what its database says of it."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self.server = server
        self.name = name
        self.create()

    def create(self) -> None:
        with Client(self.server.address) as client:
            client.create_bank(Bank(self.name))

    def delete(self) -> None:
        with Client(self.server.address) as client:
            client.delete_bank(self.name)

    def load(self, file: object, *options: object, data: bytes = b"") -> Ended:
        return called("--server", self.server.address, "bank", "import", self.name, file, *options, data=data)

    def command(self, file: object, *options: object) -> list[str]:
        return [*COMMAND, "--server", self.server.address, "bank", "import", self.name, str(file), *map(str, options)]

    def rows(self, columns: str = "lower(hex(bits))") -> list[tuple[object, ...]]:
        """Of the entries that are not removed, in the order they were added."""
        with sqlite3.connect(self.server.data_dir / "hashmatch.db") as database:
            there = "entries join banks on banks.id = bank_id where name = ? and removed is null"
            found = database.execute(f"select {columns} from {there} order by entries.id", (self.name,)).fetchall()
        database.close()
        return found

    def count(self) -> int:
        return len(self.rows("1"))

    def holds_each_once(self, digits: Iterable[str]) -> bool:
        return Counter(text for (text,) in self.rows()) == Counter(digits)


@pytest.fixture
def bank(server: ServerProcess, request: pytest.FixtureRequest) -> Target:
    return Target(server, "b" + "".join(letter for letter in request.node.name if letter.isalnum()).lower()[-50:])


def hashes(count: int, seed: int = 1) -> list[str]:
    source = random.Random(seed)
    return [source.randbytes(32).hex() for _ in range(count)]


def text(digits: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in digits).encode()


def table(rows: Iterable[Iterable[object]], header: Iterable[object] = HEADER) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode()


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_csv_with_every_column(bank: Target, tmp_path: Path, bom: bytes) -> None:
    one, two, three = hashes(3)
    rows = [
        (one.upper(), 97, "pdq", "case 1", "hotline", "spam; scam;;", 'two\nlines, "quoted"'),
        (two, "", "", "", "", "", ""),
        (f" {three} ", " 0 ", "", "é" * 256, "", "x", ""),
    ]
    file = tmp_path / "known.csv"
    file.write_bytes(bom + table(rows))
    ended = hashmatch("--server", bank.server.address, "bank", "import", bank.name, file, "--source", "list", "--json")
    assert (ended.code, ended.err) == (0, "")
    told = ended.object
    assert told.pop("revision") > 0
    assert told == {"bank": bank.name, "file": str(file), "imported": 3, "left_out": 0, "complete": True}
    columns = "lower(hex(bits)), quality, kind, content_id, source, labels, note"
    assert bank.rows(columns) == [
        (one, 97, "pdq", "case 1", "hotline", '["spam", "scam"]', 'two\nlines, "quoted"'),
        (two, None, "pdq", "", "list", "[]", ""),
        (three, 0, "pdq", "é" * 256, "list", '["x"]', ""),
    ]


def test_csv_columns_come_in_any_order_and_others_are_ignored(bank: Target, tmp_path: Path) -> None:
    (digits,) = hashes(1)
    file = tmp_path / "known.csv"
    file.write_bytes(table([("x", "scam", digits, 60)], ("Id", "Labels", " HASH ", "quality")))
    assert bank.load(file).out.startswith(f"imported 1 row into {bank.name} (revision ")
    assert bank.rows("lower(hex(bits)), quality, labels, content_id") == [(digits, 60, '["scam"]', "")]


def test_csv_without_a_header_is_hash_quality_and_name(bank: Target, tmp_path: Path) -> None:
    one, two = hashes(2)
    file = tmp_path / "known.csv"
    file.write_text(f"{one},100,a.jpg\r\n\r\n{two},5,b.jpg,more\r\n")
    assert bank.load(file, "--label", "l").code == 0
    columns = "lower(hex(bits)), quality, content_id, labels"
    assert bank.rows(columns) == [(one, 100, "a.jpg", '["l"]'), (two, 5, "b.jpg", '["l"]')]


def test_a_list_a_binary_file_and_standard_input(bank: Target, tmp_path: Path) -> None:
    digits = hashes(12_001)
    (tmp_path / "list").write_bytes(text(digits[:6_000]).removesuffix(b"\n"))
    (tmp_path / "binary").write_bytes(b"".join(map(bytes.fromhex, digits[6_000:12_000])))
    assert bank.load(tmp_path / "list").code == 0
    assert bank.load(tmp_path / "binary", "--format", "binary", "--kind", "pdq", "--source", "s").code == 0
    assert bank.load("-", data=text(digits[12_000:])).code == 0
    assert bank.holds_each_once(digits)
    assert Counter(bank.rows("source")) == {("",): 6_001, ("s",): 6_000}


def test_an_empty_file_is_no_rows(bank: Target, tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("header", b"hash,quality\n"), ("blank", b"\n\n")):
        (tmp_path / name).write_bytes(content)
        ended = bank.load(tmp_path / name)
        assert (ended.code, ended.out) == (0, f"imported 0 rows into {bank.name} (revision 0)\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,quality\n1,2\n", "neither a header with a column 'hash' nor a hash"),
        (b"hash,hash\n1,2\n", "twice"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
        (b"x" * 10**6, "longer than"),
    ],
)
def test_a_file_that_is_none_is_wrong_usage(bank: Target, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(content)
    ended = bank.load(tmp_path / "file")
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_other_refusals(bank: Target, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(text(hashes(1)))
    missing = bank.load(tmp_path / "nothing")
    assert (missing.code, "cannot be read" in missing.err) == (2, True)
    assert bank.load(tmp_path).code == 2
    assert bank.load(tmp_path / "list", "--kind", "unknown").code == 2
    bank.delete()
    unknown = bank.load(tmp_path / "list")
    assert (unknown.code, "NOT_FOUND" in unknown.err) == (5, True)
    nowhere = called("--server", "127.0.0.1:1", "bank", "import", "a", tmp_path / "list")
    assert (nowhere.code, "no server answers" in nowhere.err) == (4, True)


BAD = {
    "beef": "256 bits",
    "xy" * 32: "hexadecimal",
    f"{'0' * 64},101": "101",
    f"{'0' * 64},-1": "whole number",
    f"{'0' * 64},9.5": "whole number",
    f"{'0' * 64},,nokind": "nokind",
    f"{'0' * 64},,,{'c' * 257}": "256",
    f"{'0' * 64},,,,{'s' * 257}": "256",
    f"{'0' * 64},,,,,{'l' * 129}": "128",
    f"{'0' * 64},,,,,{';'.join('abc' * 22)}": "64",
    f"{'0' * 64},,,,,,{'n' * 4_097}": "4,096",
    f"{'0' * 64},,,,,,a\0b": "NUL",
    f"{'0' * 64},,,,,,,eighth": "8 columns",
    f'"{"0" * 64}" 5': "expected",
    f'{"0" * 64},,,"open': "",
    f'{"0" * 64},,,,,,"{"n" * 200_000}"': "longer",
}


def test_bad_rows_are_told_and_the_others_kept(bank: Target, tmp_path: Path) -> None:
    """Each bad row stands between good ones, so that none takes a neighbour with it."""
    good = hashes(len(BAD) + 3)
    lines = [",".join(HEADER), good[0]]
    for row, digits in zip(BAD, good[1:], strict=False):
        lines += [row, digits]
    content = "\n".join(lines).encode() + b"\n" + b"0" * 64 + b",,,\xff\n"
    lines_of_bad = [*range(3, 3 + 2 * len(BAD), 2), 3 + 2 * len(BAD)]
    content += text(good[-2:])
    file = tmp_path / "known.csv"
    file.write_bytes(content)
    ended = bank.load(file)
    assert ended.code == 3
    told = ended.err.splitlines()
    assert [line.partition(": line ")[2].partition(":")[0] for line in told] == [str(line) for line in lines_of_bad]
    assert all(part in line for part, line in zip([*BAD.values(), "UTF-8"], told, strict=True))
    assert ended.out.startswith(f"imported {len(good)} rows into {bank.name}, {len(told)} left out (revision ")
    assert bank.holds_each_once(good)


def test_what_is_just_allowed_is_allowed_by_the_server(bank: Target, tmp_path: Path) -> None:
    labels = ";".join(f"{number:0128}" for number in range(64))
    file = tmp_path / "known.csv"
    file.write_bytes(table([("0" * 64, 100, "pdq", "é" * 256, "é" * 256, labels, "é" * 4_096)]))
    assert bank.load(file).code == 0
    assert bank.count() == 1


def test_many_bad_rows_are_counted(bank: Target, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(text(["0" * 64, *["zz"] * 6_000, "1" * 64]))
    ended = bank.load(file, "--format", "list")
    assert ended.code == 3
    assert len(ended.err.splitlines()) == 21
    assert "5,980 more" in ended.err
    again = bank.load(file, "--format", "list")
    assert (again.code, again.out) == (3, ended.out)
    assert bank.holds_each_once(["0" * 64, "1" * 64])


def test_every_bad_row_is_an_object_where_those_are_asked_for(bank: Target, tmp_path: Path) -> None:
    good = hashes(30)
    file = tmp_path / "known.jsonl"
    file.write_text("".join(f'{{"hash": "{digits}", "labels": ["x"]}}\n{{"hash": 7}}\n' for digits in good))
    ended = bank.load(file, "--json")
    assert (ended.code, ended.err) == (3, "")
    *bad, told = ended.objects
    assert bad == [{"line": line, "error": "hash: must be a text"} for line in range(2, 61, 2)]
    assert (told["imported"], told["left_out"], told["complete"]) == (30, 30, True)
    assert bank.rows("lower(hex(bits)), labels") == [(digits, '["x"]') for digits in good]


def test_a_video_of_vpdq_is_written_once(bank: Target, tmp_path: Path, cache: Path) -> None:
    digits = hashes(3)
    file = tmp_path / "clip.txt"
    file.write_text("".join(f"{at},100,{value},{at / 30:.3f}\n" for at, value in enumerate(digits)))
    unnamed = bank.load(file)
    assert (unnamed.code, "--content-id" in unnamed.err) == (2, True)
    for _ in range(2):
        assert bank.load(file, "--content-id", "clip").code == 0
        shutil.rmtree(cache)
    columns = "lower(hex(bits)), content_id, shown_from, shown_until"
    times = (0, 33_000, 67_000)
    assert bank.rows(columns) == [(value, "clip", time, time) for value, time in zip(digits, times, strict=True)]


def test_a_binary_file_that_ends_within_a_hash(bank: Target, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\1" * 70)
    ended = bank.load(tmp_path / "binary", "--format", "binary")
    assert (ended.code, bank.count()) == (3, 2)
    assert "line 3: the file ends after 6 of the 32 bytes of a hash" in ended.err


def test_strict_stops_before_its_batch_and_goes_on_once_mended(bank: Target, tmp_path: Path) -> None:
    digits = hashes(2 * ROWS_A_BATCH + 10)
    file = tmp_path / "list"
    file.write_bytes(text([*digits[: ROWS_A_BATCH + 3], "bad", *digits[ROWS_A_BATCH + 4 :]]))
    ended = bank.load(file, "--strict")
    assert ended.code == 3
    assert [line.partition("list: ")[2] for line in ended.err.splitlines()] == [
        f"line {ROWS_A_BATCH + 4}: hash: 'bad' is not hexadecimal"
    ]
    assert f"stopped after line {ROWS_A_BATCH:,}" in ended.out
    assert bank.holds_each_once(digits[:ROWS_A_BATCH])
    file.write_bytes(text(digits))
    mended = bank.load(file, "--strict")
    assert (mended.code, f"after line {ROWS_A_BATCH:,}" in mended.err) == (0, True)
    assert bank.holds_each_once(digits)


def test_the_same_file_twice_is_written_once(bank: Target, tmp_path: Path, cache: Path) -> None:
    digits = [*hashes(ROWS_A_BATCH), *["ab" * 32] * (2 * ROWS_A_BATCH + 7)]
    file = tmp_path / "list"
    file.write_bytes(text(digits))
    first = bank.load(file)
    assert first.code == 0
    again = bank.load(file)
    assert (again.code, again.out) == (0, first.out)
    assert "going on after line" in again.err
    shutil.rmtree(cache)
    assert bank.load(file) == first
    (note,) = cache.rglob("*.json")
    note.write_text("{")
    assert bank.load(file) == first
    assert bank.load(file, "--anew") == first
    assert bank.holds_each_once(digits)


def test_rows_appended_are_all_that_is_added(bank: Target, tmp_path: Path) -> None:
    digits = hashes(ROWS_A_BATCH + 500)
    file = tmp_path / "list"
    file.write_bytes(text(digits[:700]))
    assert bank.load(file).code == 0
    file.write_bytes(text(digits))
    assert bank.load(file).out.startswith(f"imported {len(digits):,} rows")
    assert bank.holds_each_once(digits)


@pytest.mark.parametrize("change", ["edited", "shortened"])
def test_a_file_that_changed_is_not_imported_twice_by_accident(bank: Target, tmp_path: Path, change: str) -> None:
    digits = hashes(10)
    file = tmp_path / "list"
    file.write_bytes(text(digits))
    bank.load(file)
    changed = digits[:9] if change == "shortened" else [*digits[:9], "0" * 64]
    file.write_bytes(text(changed))
    ended = bank.load(file)
    assert (ended.code, ended.out, "--anew" in ended.err) == (2, "", True)
    assert bank.holds_each_once(digits)
    assert bank.load(file, "--anew").code == 0
    assert bank.holds_each_once([*digits, *changed])


@pytest.mark.parametrize("noted", [True, False])
def test_another_bank_of_that_name_is_filled_again(bank: Target, tmp_path: Path, cache: Path, noted: bool) -> None:
    digits = hashes(ROWS_A_BATCH + 3)
    file = tmp_path / "list"
    file.write_bytes(text(digits))
    for _ in range(3):
        assert bank.load(file).code == 0
        assert bank.load(file, "--anew").code == 0
        assert bank.holds_each_once(digits)
        bank.delete()
        bank.create()
        if not noted:
            shutil.rmtree(cache)


def test_removed_entries_do_not_come_back(bank: Target, tmp_path: Path) -> None:
    digits = hashes(10)
    file = tmp_path / "list"
    file.write_bytes(text(digits))
    bank.load(file)
    ids = [entry for (entry,) in bank.rows("entries.id")]
    with Client(bank.server.address) as client:
        client.remove_entries(bank.name, [int(str(entry)) for entry in ids[-3:]])
    for options in ((), ("--anew",)):
        assert bank.load(file, *options).code == 0
        assert bank.holds_each_once(digits[:7])


def test_progress_is_shown_on_a_terminal(bank: Target, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(text(hashes(3 * ROWS_A_BATCH)))
    code, shown = on_terminal("--server", bank.server.address, "bank", "import", bank.name, file)
    assert code == 0
    assert re.search(r"importing.*%.*15,000 rows, [\d,]+/s", shown)
    assert f"imported 15,000 rows into {bank.name}" in shown


def wait_for_rows(bank: Target, process: subprocess.Popen[bytes], more_than: int) -> None:
    deadline = time.monotonic() + 60
    while bank.count() <= more_than:
        assert process.poll() is None, "the import ended before it was interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("noted", [True, False])
def test_a_client_killed_in_mid_import(bank: Target, tmp_path: Path, cache: Path, noted: bool) -> None:
    digits = hashes(6 * ROWS_A_BATCH + 1, seed=int(noted))
    file = tmp_path / "list"
    file.write_bytes(text(digits))
    there = 0
    for _ in range(2):
        with subprocess.Popen(bank.command(file), env=environment(), stderr=subprocess.DEVNULL) as process:
            wait_for_rows(bank, process, there)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        there = bank.count()
        if not noted:
            shutil.rmtree(cache, ignore_errors=True)
    ended = bank.load(file)
    assert ended.code == 0
    assert ended.out.startswith(f"imported {len(digits):,} rows")
    assert bank.holds_each_once(digits)


def test_a_server_killed_in_mid_import(tmp_path: Path) -> None:
    digits = hashes(6 * ROWS_A_BATCH + 1)
    file = tmp_path / "list"
    file.write_bytes(text(digits))
    with running_server(tmp_path / "server") as server:
        bank = Target(server, "a")
        with subprocess.Popen(
            bank.command(file, "--json"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            for _ in range(2):
                wait_for_rows(bank, process, bank.count())
                address = server.address
                server.kill()
                server.start(address)
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert json.loads(out)["imported"] == len(digits)
        assert bank.holds_each_once(digits)


def test_a_server_that_stays_away_ends_the_import(tmp_path: Path) -> None:
    digits = hashes(4 * ROWS_A_BATCH + 1)
    file = tmp_path / "list"
    file.write_bytes(text(digits))
    with running_server(tmp_path / "server") as server:
        bank = Target(server, "a")
        command = bank.command(file, "--wait", 1)
        with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE) as process:
            wait_for_rows(bank, process, 0)
            server.kill()
            _, err = process.communicate(timeout=60)
        assert process.returncode == 4
        assert err.count(b"waiting for at most 1 s") == 1
        assert b"the same command goes on from there" in err
        server.start(server.address)
        assert bank.load(file).code == 0
        assert bank.holds_each_once(digits)
