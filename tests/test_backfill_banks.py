import os
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from hashmatch.backfill import banks
from hashmatch.backfill.banks import Wanted, load
from hashmatch.backfill.shared import shared
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.errors import ConfigurationError, NotFound, Unavailable
from hashmatch.index import Snapshot
from hashmatch.store import Store
from hashmatch.types import Action, Bank, Hash, NewEntry, Provenance
from tests.command import called


def new(*numbers: int) -> list[NewEntry]:
    return [NewEntry(Hash("pdq", bytes([number]) * 32, 100)) for number in numbers]


def known(snapshot: Snapshot) -> set[tuple[str, int]]:
    """Bank and number of each entry that a snapshot finds."""
    found = snapshot.search([[Hash("pdq", bytes([number]) * 32)] for number in range(60)])
    return {(hit.bank.name, hit.entry.hash.bits[0]) for each in found for hit in each.hits if hit.distance == 0}


@pytest.fixture(scope="module")
def revision(server: ServerProcess) -> int:
    """Of the middle of a history in which `a` then grows, `b` changes its policy and `c` is new."""
    with Client(server.address) as client:
        for name in "abd":
            client.create_bank(Bank(name, threshold=0))
        client.add_entries("a", new(1, 2, 3))
        client.add_entries("b", new(1, 11, 12))
        gone, _ = client.add_entries("d", new(21))
        _, middle = client.add_entries("d", new(22))
        client.add_entries("a", new(4))
        client.update_bank("b", threshold=1)
        client.create_bank(Bank("c", threshold=0))
        client.add_entries("c", new(31, 32))
        client.remove_entries("d", [gone[0].id])
        last = client.remove_entries("c", [client.add_entries("c", new(33))[0][0].id])
        client.wait_for_revision(last)
    return middle


BEFORE = {("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 11), ("b", 12), ("d", 22)}
AFTER = {("a", 4), ("c", 31), ("c", 32)}


def test_all_of_a_server_and_of_its_database(server: ServerProcess, revision: int) -> None:
    url = f"sqlite:///{server.data_dir}/hashmatch.db"
    for where in (server.address, str(server.data_dir), url):
        snapshot = load(where, Wanted())
        assert known(snapshot) == BEFORE | AFTER
        assert snapshot.revision == revision + 7
        assert snapshot.banks.keys() == set("abcd")
        assert known(load(where, Wanted(banks=("a", "c")))) == {(b, n) for b, n in BEFORE | AFTER if b in "ac"}


def test_what_is_new_since_a_revision(server: ServerProcess, revision: int) -> None:
    assert known(load(server.address, Wanted(since=revision))) == AFTER
    changed = {("b", 1), ("b", 11), ("b", 12)}
    assert known(load(str(server.data_dir), Wanted(since=revision))) == AFTER | changed
    assert known(load(str(server.data_dir), Wanted(since=revision, banks=("a",)))) == {("a", 4)}
    assert known(load(str(server.data_dir), Wanted(since=revision + 100))) == set()


def test_single_entries(server: ServerProcess, revision: int) -> None:
    assert revision
    for where in (server.address, str(server.data_dir)):
        assert known(load(where, Wanted(entries=(("a", 1), ("b", 4))))) == {("a", 1), ("b", 1)}
        with pytest.raises(NotFound):
            load(where, Wanted(entries=(("a", 4),)))


def test_what_is_not_there(server: ServerProcess, tmp_path: Path) -> None:
    for where in (server.address, str(server.data_dir)):
        with pytest.raises(NotFound, match="nope"):
            load(where, Wanted(banks=("nope",)))
    with pytest.raises(Unavailable):
        load("127.0.0.1:1", Wanted(), timeout=5)
    for where in (str(tmp_path), f"sqlite:///{tmp_path}/typo.db", "nosuch://x"):
        with pytest.raises(ConfigurationError):
            load(where, Wanted())
    assert list(tmp_path.iterdir()) == []


def entries_of(snapshot: Snapshot, hashes: list[Hash]) -> list[list[tuple[str, int, str]]]:
    found = snapshot.search([[value] for value in hashes])
    return [[(hit.bank.name, hit.entry.id, hit.entry.provenance.content_id) for hit in each.hits] for each in found]


@pytest.fixture
def kept(tmp_path: Path) -> tuple[str, list[Hash]]:
    """A database of banks of several kinds, some entries of them removed, and the hashes."""
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    draw = random.Random(3)
    hashes = [Hash("pdq", draw.randbytes(32), 100) for _ in range(2000)] + [Hash("md5", draw.randbytes(16))]
    with Store.open(url) as store:
        store.create_bank(Bank("one", action=Action.BLOCK))
        store.create_bank(Bank("two", action=Action.REVIEW, threshold=12))
        added, _ = store.add_entries("one", [NewEntry(value, Provenance(f"c{at}")) for at, value in enumerate(hashes)])
        store.add_entries("two", [NewEntry(value) for value in hashes[::7]])
        store.remove_entries("one", [entry.id for entry in added[:50]])
    return url, hashes


def test_exported_banks_are_those_that_were(kept: tuple[str, list[Hash]], tmp_path: Path) -> None:
    url, hashes = kept
    there = banks.load(url, Wanted())
    told = called("backfill", "export-banks", tmp_path / "files", "--banks", url)
    assert (told.code, "2,237 entries of 2 banks" in told.out) == (0, True), told
    here = banks.load(str(tmp_path / "files"), Wanted(banks=("one",)))
    assert (here.revision, here.banks, here.entries) == (there.revision, there.banks, there.entries)
    assert entries_of(here, hashes) == entries_of(there, hashes)
    banks.check(str(tmp_path / "files"), ["one", "two"])
    with pytest.raises(NotFound):
        banks.load(str(tmp_path / "files"), Wanted(banks=("three",)))
    for asked in (Wanted(since=2), Wanted(entries=(("one", 1),))):
        with pytest.raises(ConfigurationError, match="no history"):
            banks.load(str(tmp_path / "files"), asked)
    with Store.open(url) as store:
        store.create_bank(Bank("three"))
    assert called("backfill", "export-banks", tmp_path / "files", "--banks", url).code == 0
    assert banks.load(str(tmp_path / "files"), Wanted(banks=("three",))).revision == there.revision + 1
    damaged = max((tmp_path / "files").glob("*.segment"), key=lambda path: path.stat().st_size)
    data = bytearray(damaged.read_bytes())
    data[-5000] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(ConfigurationError, match="damaged"):
        banks.load(str(tmp_path / "files"), Wanted())


class TestShared:
    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        return tmp_path / f"hashmatch-{os.getuid()}"

    def test_one_process_makes_them_and_the_last_deletes_them(self, place: Path, kept: tuple[str, list[Hash]]) -> None:
        loaded: list[int] = []

        def load() -> Snapshot:
            loaded.append(1)
            return banks.load(kept[0], Wanted())

        with ThreadPoolExecutor(4) as pool, ExitStack() as stack:
            found = list(pool.map(lambda _: stack.enter_context(shared("job", load)), range(4)))
            assert loaded == [1]
            assert {each.revision for each in found} == {load().revision}
            assert list(place.glob("job/*.segment"))
        assert not (place / "job").exists()

    def test_what_a_killed_process_left_is_swept(self, place: Path, kept: tuple[str, list[Hash]]) -> None:
        code = (
            "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
            "from hashmatch.backfill import banks; from hashmatch.backfill.shared import shared\n"
            "held = shared('old', lambda: banks.load(sys.argv[2], banks.Wanted())); held.__enter__()\n"
            "print('mapped', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", code, str(place.parent), kept[0]]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"mapped\n"
            os.utime(place / "old.lock", (0, 0))
            with shared("new", Snapshot.empty):
                assert (place / "old").exists()
            process.kill()
        with shared("newer", Snapshot.empty) as snapshot:
            assert snapshot.revision == 0
            assert not (place / "old").exists()
            assert not (place / "old.lock").exists()

    def test_a_folder_of_others_is_refused(self, place: Path) -> None:
        place.mkdir(mode=0o777)
        place.chmod(0o777)
        with pytest.raises(ConfigurationError, match="alone"), shared("job", Snapshot.empty):
            pass
