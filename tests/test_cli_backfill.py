from pathlib import Path

import pytest

from hashmatch.cli.backfill_report import need_extra
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.errors import ConfigurationError
from hashmatch.types import Action, Bank, NewMedia
from tests.backfill_media import jpeg, write_folder
from tests.command import called, hashmatch


@pytest.fixture(scope="module")
def known(server: ServerProcess) -> ServerProcess:
    with Client(server.address) as client:
        client.create_bank(Bank("bad", action=Action.BLOCK))
        client.add_entries("bad", [NewMedia(jpeg(3)), NewMedia(jpeg(4))])
    return server


def test_scan_and_report(known: ServerProcess, tmp_path: Path) -> None:
    write_folder(tmp_path / "media", 12)
    scan = ("--server", known.address, "backfill", "scan", tmp_path / "media", "--out", tmp_path / "out")
    done = called(*scan, "--part-items", 5, "--nice", 0)
    assert done.code == 0, done.err
    assert "12 found, in 3 of 3 parts; complete" in done.out
    assert "2 matched in bad" in done.out
    again = called(*scan, "--json", "--nice", 0)
    assert again.code == 0
    told = again.object
    assert told == called("backfill", "report", tmp_path / "out", "--json").object
    assert told["matched_by_bank"] == {"bad": 2}
    assert told["verdicts"] == {"ALLOW": 10, "BLOCK": 2}
    assert told["revisions"] == [2, 2]


def test_failures_have_an_exit_code_and_can_be_tried_again(tmp_path: Path) -> None:
    write_folder(tmp_path / "media", 3)
    bad = tmp_path / "media" / "bad.jpg"
    bad.write_bytes(jpeg(8)[:100])
    scan = ("backfill", "scan", tmp_path / "media", "--out", tmp_path / "out", "--hash-only", "--nice", 0)
    done = called(*scan)
    assert done.code == 3
    assert "1 failed: CORRUPT_MEDIA" in done.out
    bad.write_bytes(jpeg(8))
    assert called(*scan).code == 3
    assert called(*scan, "--retry-failed").code == 0


def test_dry_run(tmp_path: Path) -> None:
    write_folder(tmp_path / "media", 30)
    dry = ("backfill", "scan", tmp_path / "media", "--hash-only", "--dry-run", "--nice", 0)
    told = called(*dry, "--json").object
    assert (told["found"], told["sampled"], told["failed"]) == (30, 30, 0)
    assert told["seconds"] > 0
    assert "30 found" in called(*dry).out


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    write_folder(tmp_path / "media", 1)
    scan = ("backfill", "scan", tmp_path / "media", "--nice", 0)
    assert "--out" in called(*scan, "--hash-only").err
    unreachable = called("--server", "127.0.0.1:1", *scan, "--out", tmp_path / "out")
    assert unreachable.code == 4
    assert "--hash-only" in unreachable.err
    assert called("backfill", "report", tmp_path / "none").code == 2
    assert not (tmp_path / "out").exists()
    missing = called("backfill", "scan", tmp_path / "nowhere", "--out", tmp_path / "out", "--hash-only", "--nice", 0)
    assert missing.code == 2
    assert "nothing at" in missing.err


def test_it_steps_back_for_others(tmp_path: Path) -> None:
    write_folder(tmp_path / "media", 1)
    done = hashmatch("backfill", "scan", tmp_path / "media", "--out", tmp_path / "out", "--hash-only", "--json")
    assert done.code == 0, done.err
    assert done.object["complete"]


@pytest.mark.parametrize(("missing", "told"), [(("s3fs",), "s3fs is"), (("fsspec", "s3fs"), "fsspec, s3fs are")])
def test_what_is_not_installed(monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], told: str) -> None:
    monkeypatch.setattr("hashmatch.cli.backfill_report.find_spec", lambda name: None if name in missing else name)
    with pytest.raises(ConfigurationError, match=rf"^{told} not installed: .*pip install 'hashmatch\[backfill\]'"):
        need_extra()
