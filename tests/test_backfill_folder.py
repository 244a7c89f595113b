import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from hashmatch.backfill.folder import Folder, LocalFolder, open_folder
from hashmatch.errors import AlreadyExists, ConfigurationError


@pytest.fixture(params=["local", "object"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    if request.param == "local":
        yield open_folder(str(tmp_path / "made" / "here"))
    else:
        yield open_folder("memory://bucket/prefix/")
        fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_files_are_put_replaced_read_and_deleted(folder: Folder) -> None:
    assert folder.get("a/1") is None
    assert folder.names("a") == []
    folder.put("a/2", b"two")
    folder.put("a/1", b"one")
    folder.put("top", b"")
    assert folder.names("a") == ["1", "2"]
    folder.put("a/1", b"uno")
    assert folder.get("a/1") == b"uno"
    with folder.open("a/2") as file:
        assert file.read() == b"two"
    folder.delete("a/2")
    folder.delete("a/2")
    assert folder.names("a") == ["1"]
    with folder.alone():
        assert folder.get("top") == b""


def test_what_a_killed_process_left_is_neither_listed_nor_kept(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    folder.put("rows/a", b"whole")
    left = tmp_path / "rows" / ".b.123.unfinished"
    left.write_bytes(b"half")
    assert folder.names("rows") == ["a"]
    with folder.alone():
        assert not left.exists()
        assert folder.get("rows/a") == b"whole"


def test_one_process_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from hashmatch.backfill.folder import LocalFolder\n"
        "with LocalFolder(pathlib.Path(sys.argv[1])).alone(): print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(AlreadyExists, match="another process"), LocalFolder(tmp_path).alone():
            pass
        other.kill()
    with LocalFolder(tmp_path).alone():
        pass


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    below = open_folder(str(tmp_path / "file" / "below"))
    with pytest.raises(ConfigurationError, match="cannot be a folder"), below.alone():
        pass


def test_looking_makes_nothing(tmp_path: Path) -> None:
    folder = open_folder(str(tmp_path / "none"))
    assert folder.get("a") is None
    assert folder.names("rows") == []
    assert list(tmp_path.iterdir()) == []


def test_a_failed_put_leaves_what_was_there(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    folder.put("a", b"before")
    code = (
        "import pathlib, resource, signal, sys; from hashmatch.backfill.folder import LocalFolder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "LocalFolder(pathlib.Path(sys.argv[1])).put('a', bytes(1000))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=False)
    assert b"File too large" in done.stderr
    assert folder.get("a") == b"before"
    assert folder.names("") == ["a"]
