import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hashmatch import backfill, hash_log
from hashmatch.backfill import RescanOptions
from hashmatch.errors import ConfigurationError
from hashmatch.hash_log import HashLog, retain
from hashmatch.types import Hash

FOREVER = 3600.0


def logged(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("date=*/*.parquet")) for row in pq.read_table(path).to_pylist()]


def some_hash(number: int, quality: int | None = 90) -> Hash:
    return Hash("pdq", number.to_bytes(32), quality)


def eventually(what: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_keeps_what_was_hashed_and_nothing_else(tmp_path: Path) -> None:
    began = datetime.now(UTC)
    with HashLog(tmp_path / "log", 30, FOREVER) as log:
        log.append("one", [some_hash(1), Hash("sha256", bytes(32))])
        log.append("two", [some_hash(2, 0)])
    rows = logged(tmp_path / "log")
    assert [(row["content_id"], row["kind"], row["hash"], row["quality"]) for row in rows] == [
        ("one", "pdq", (1).to_bytes(32), 90),
        ("one", "sha256", bytes(32), None),
        ("two", "pdq", (2).to_bytes(32), 0),
    ]
    assert {name for row in rows for name in row} == {"time", "content_id", "kind", "hash", "quality", "frame_us"}
    assert all(began <= row["time"] <= datetime.now(UTC) for row in rows)
    (place,) = {path.parent.name for path in (tmp_path / "log").glob("*/*")}
    assert place in {f"date={began.date()}", f"date={datetime.now(UTC).date()}"}


def test_nothing_hashed_makes_no_file(tmp_path: Path) -> None:
    with HashLog(tmp_path, 30, 0.01):
        time.sleep(0.05)
    assert logged(tmp_path) == []


def test_writes_in_the_background(tmp_path: Path) -> None:
    with HashLog(tmp_path, 30, 0.05) as log:
        log.append("one", [some_hash(1)])
        eventually(lambda: len(logged(tmp_path)) == 1)


def test_many_threads(tmp_path: Path) -> None:
    with HashLog(tmp_path, 30, 0.01) as log:

        def append(thread: int) -> None:
            for number in range(500):
                log.append(f"{thread}-{number}", [some_hash(number)])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(append, range(4)))
    assert {row["content_id"] for row in logged(tmp_path)} == {f"{at}-{n}" for at in range(4) for n in range(500)}


def test_a_full_buffer_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_log, "_FLUSH_ROWS", 100)
    with HashLog(tmp_path, 30, FOREVER) as log:
        for number in range(100):
            log.append("x", [some_hash(number)])
        eventually(lambda: len(logged(tmp_path)) == 100)


def test_a_disk_that_fails_costs_no_upload_and_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_log, "MOST_HELD", 50)
    with HashLog(tmp_path / "log", 30, 0.01) as log:
        (tmp_path / "log").rmdir()
        (tmp_path / "log").touch()
        for number in range(80):
            log.append(str(number), [some_hash(number)])
            time.sleep(0.002)
        (tmp_path / "log").unlink()
        (tmp_path / "log").mkdir()
        eventually(lambda: len(logged(tmp_path / "log")) == 50)
        log.append("after", [some_hash(99)])
    assert [row["content_id"] for row in logged(tmp_path / "log")][-1] == "after"


def test_a_killed_process_loses_the_last_seconds_only(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from hashmatch.hash_log import HashLog; from hashmatch.types import Hash\n"
        "log = HashLog(pathlib.Path(sys.argv[1]), 30, 0.2)\n"
        "for n in range(100000):\n"
        "    log.append(str(n), [Hash('pdq', n.to_bytes(32, 'big'))])\n"
        "    print(n, time.time(), flush=True); time.sleep(.005)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        eventually(lambda: len(logged(tmp_path)) >= 50)
        killed = time.time()
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate()
    appended = [(int(number), float(at)) for number, at in map(str.split, out.splitlines()[:-1])]
    kept = [int(row["content_id"]) for row in logged(tmp_path)]
    assert kept == list(range(len(kept)))
    assert all(number < len(kept) for number, at in appended if at < killed - 5)


def test_old_days_are_deleted(tmp_path: Path) -> None:
    today = date(2025, 3, 10)
    for age in range(6):
        place = tmp_path / f"date={today - timedelta(days=age)}"
        place.mkdir()
        (place / "x.parquet").touch()
    (tmp_path / "date=nonsense").mkdir()
    (tmp_path / "else").mkdir()
    retain(tmp_path, 3, today)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "date=2025-03-07",
        "date=2025-03-08",
        "date=2025-03-09",
        "date=2025-03-10",
        "date=nonsense",
        "else",
    ]


def test_retention_is_enforced_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "date=2001-01-01").mkdir()
    with HashLog(tmp_path, 1, FOREVER):
        eventually(lambda: not (tmp_path / "date=2001-01-01").exists())


def test_a_rescan_reads_it(tmp_path: Path) -> None:
    with HashLog(tmp_path, 30, FOREVER) as log:
        for number in range(100):
            log.append(f"upload-{number}", [Hash("pdq", bytes([number]) * 32, 90)])
    asked = RescanOptions(hashes=(Hash("pdq", bytes([42]) * 32),), threshold=0)
    (table,) = backfill.rescan([str(tmp_path)], options=asked)
    (row,) = table.to_pylist()
    assert (row["content_id"], row["time"].date()) == ("upload-42", datetime.now(UTC).date())


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="hash log"):
        HashLog(tmp_path / "file" / "log", 30, 1.0)
