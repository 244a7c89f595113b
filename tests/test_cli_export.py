"""`hashmatch bank export` against a real server: what goes out comes in again, whole or not at all."""

import os
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.types import Bank, Entry, Hash, NewEntry, Provenance, TimeRange
from tests.command import COMMAND, Ended, called, environment

SOON = datetime.now(UTC) + timedelta(days=3)
ENTRIES = [
    NewEntry(Hash("pdq", b"\1" * 32, 90), Provenance("case 1", "hotline", ("spam", "a;b"), 'two\nlines, "é"')),
    NewEntry(Hash("pdq", b"\2" * 32), Provenance(programme="flaggers", reported=SOON), expires=SOON),
    NewEntry(Hash("md5", b"\3" * 16), Provenance("case 1")),
    NewEntry(Hash("pdq", b"\4" * 32, 70), Provenance("clip"), TimeRange(0, 0)),
    NewEntry(Hash("pdq", b"\5" * 32, 80), Provenance("clip"), TimeRange(1_500_000, 1_500_000)),
]


@pytest.fixture(scope="module")
def bank(server: ServerProcess) -> str:
    with Client(server.address) as client:
        client.create_bank(Bank("exported"))
        client.add_entries("exported", ENTRIES)
    return "exported"


def run(server: ServerProcess, *arguments: object) -> Ended:
    return called("--server", server.address, "bank", *arguments)


def as_new(entry: Entry) -> NewEntry:
    return NewEntry(entry.hash, entry.provenance, entry.shown, entry.expires)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_bank_out_and_in_is_the_same(server: ServerProcess, bank: str, tmp_path: Path, form: str) -> None:
    file = tmp_path / "bank"
    out = run(server, "export", bank, file, "--format", form)
    assert (out.code, out.out, out.err) == (0, f"exported 5 entries of {bank} to {file}\n", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with Client(server.address) as client:
        client.create_bank(Bank(f"copy-{form}"))
        assert run(server, "import", f"copy-{form}", file).code == 0
        assert list(map(as_new, client.list_entries(f"copy-{form}"))) == ENTRIES
    again = tmp_path / "again"
    run(server, "export", f"copy-{form}", again, "--format", form)
    assert again.read_bytes() == file.read_bytes()


def test_formats_of_hashes_alone_say_what_they_left_out(server: ServerProcess, bank: str, tmp_path: Path) -> None:
    file = tmp_path / "bank"
    out = run(server, "export", bank, file, "--format", "list")
    assert (out.code, "left out 1 of 5" in out.err) == (0, True)
    assert file.read_text().split() == [number * 32 for number in ("01", "02", "04", "05")]
    run(server, "export", bank, file, "--format", "binary", "--kind", "md5")
    assert file.read_bytes() == b"\3" * 16
    run(server, "export", bank, file, "--format", "jsonl", "--content-id", "case 1")
    assert len(file.read_text().splitlines()) == 2


def test_a_video_goes_out_as_vpdq_and_comes_in(server: ServerProcess, bank: str, tmp_path: Path) -> None:
    file = tmp_path / "clip.txt"
    assert run(server, "export", bank, file, "--format", "vpdq", "--content-id", "clip").code == 0
    assert file.read_text() == f"0,70,{'04' * 32},0.000\n1,80,{'05' * 32},1.500\n"
    with Client(server.address) as client:
        client.create_bank(Bank("videos"))
        assert run(server, "import", "videos", file).code == 2
        assert run(server, "import", "videos", file, "--content-id", "clip").code == 0
        assert list(map(as_new, client.list_entries("videos"))) == ENTRIES[3:]


def test_what_cannot_be_exported_is_refused(server: ServerProcess, bank: str, tmp_path: Path) -> None:
    assert run(server, "export", bank, "--format", "vpdq").code == 2
    assert run(server, "export", bank, "--kind", "unknown").code == 2
    assert run(server, "export", "nowhere", tmp_path / "file").code == 5
    missing = run(server, "export", bank, tmp_path / "no" / "file")
    assert (missing.code, "cannot be written" in missing.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_kept_where_the_export_breaks_off(server: ServerProcess, bank: str, tmp_path: Path) -> None:
    """No byte more may be written: the limit is one on the size of files."""
    file = tmp_path / "bank"
    file.write_text("old")
    command = [*COMMAND, "--server", server.address, "bank", "export", bank, str(file)]
    limited = ["prlimit", "--fsize=0", *command]
    done = subprocess.run(limited, env=environment(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, b"cannot be written" in done.stderr) == (2, True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_standard_output_may_be_a_pipe_that_closes(server: ServerProcess, bank: str) -> None:
    command = [*COMMAND, "--server", server.address, "bank", "export", bank]
    done = subprocess.run(command, env=environment(), capture_output=True, timeout=60, check=True)
    assert len(done.stdout.splitlines()) == len(ENTRIES) + 2
    assert done.stderr == b""
    read, write = os.pipe()
    os.close(read)
    closed = subprocess.run(command, env=environment(), stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write)
    assert (closed.returncode, b"Traceback" in closed.stderr) == (1, False)
