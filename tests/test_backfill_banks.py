from pathlib import Path

import pytest

from hashmatch.backfill.banks import Wanted, load
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.errors import ConfigurationError, NotFound, Unavailable
from hashmatch.index import Snapshot
from hashmatch.types import Bank, Hash, NewEntry


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
