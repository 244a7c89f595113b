"""Servers and the files of their index: built, taken up, repaired, and nothing answered before all is there."""

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hashmatch import errors
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.index import Directory
from hashmatch.store import Store
from hashmatch.types import Bank, Hash, NewEntry
from hashmatch.v1 import match_pb2, match_pb2_grpc, types_pb2
from tests.command import hashmatch
from tests.servers import running_server

MANY = 210_000
"""More than a process loads by itself when it begins."""


def code(number: int) -> Hash:
    return Hash("pdq", number.to_bytes(4, "big") * 8, 100)


def fill(data: Path, count: int) -> None:
    data.mkdir(exist_ok=True)
    with Store.open(f"sqlite:///{data / 'hashmatch.db'}") as store:
        store.create_bank(Bank("known", threshold=0))
        for first in range(0, count, 10_000):
            store.add_entries("known", [NewEntry(code(number)) for number in range(first, first + 10_000)])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("filled")
    fill(data, MANY)
    return data


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def found(client: Client, number: int) -> int:
    return client.lookup_hashes([code(number)])[0].total_matches


def test_what_is_missing_is_built_and_nothing_is_answered_before(filled: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    server = ServerProcess(filled)
    with Directory(filled / "segments").building() as lock:  # as another server of this machine would
        assert lock is not None
        starting = threading.Thread(target=server.start, args=(address,), daemon=True)
        starting.start()
        with grpc.insecure_channel(address) as channel, Client(address) as client:
            health = health_pb2_grpc.HealthStub(channel)
            answer = health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=30)
            assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
            state = client.status()
            assert not state.complete
            assert state.process_revisions == (-1,)
            query = match_pb2.LookupHashesRequest(hashes=[types_pb2.Hash(kind="pdq", bits=code(0).bits)])
            with pytest.raises(grpc.RpcError, match=r"UNAVAILABLE(.|\n)*the index is loading"):
                match_pb2_grpc.MatchServiceStub(channel).LookupHashes(query, timeout=20)
            assert client.get_bank("known")[1] == MANY
    starting.join()
    try:
        with grpc.insecure_channel(address) as channel, Client(address) as client:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            state = client.status()
            assert state.complete
            assert state.recent_entries == 0
            assert [found(client, number) for number in (0, MANY - 1, MANY)] == [1, 1, 0]
    finally:
        assert server.stop() == 0, server.log.read_text()
    assert hashmatch("index", "build", "--data-dir", filled).out == f"the files are at revision {state.revision}\n"


def damage(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.seek(path.stat().st_size // 2)
        byte = stream.read(1)[0]
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 4]))


def test_damage_is_found_at_the_start_and_repaired(filled: Path) -> None:
    hashmatch("index", "build", "--data-dir", filled)
    (segment,) = (filled / "segments").glob("*.segment")
    damage(segment)
    with running_server(filled) as server, Client(server.address) as client:
        assert "segments refused" in server.log.read_text()
        assert "checksum" in server.log.read_text()
        assert found(client, MANY - 1) == 1
        assert not segment.exists()


def test_processes_share_what_one_of_them_builds(tmp_path: Path) -> None:
    fill(tmp_path, 60_000)
    with running_server(tmp_path, HASHMATCH_PROCESSES="2") as server, Client(server.address) as client:
        assert client.status().recent_entries == 60_000
        new = [NewEntry(code(number)) for number in range(60_000, 70_000)]
        _, revision = client.add_entries("known", new)
        client.wait_for_revision(revision)
        assert found(client, 69_999) == 1

        def taken_up_by_all() -> bool:
            return server.log.read_text().count("segments taken up") >= 2

        eventually(taken_up_by_all)
        for _ in range(8):
            with Client(server.address) as another:
                assert another.status().recent_entries == 0
                assert [found(another, number) for number in (0, 59_999, 69_999)] == [1, 1, 1]
        eventually(lambda: "index built" in server.log.read_text())


def test_a_second_builder_is_told_that_there_is_one(filled: Path) -> None:
    with Directory(filled / "segments").building():
        ended = hashmatch("index", "build", "--data-dir", filled)
    assert ended.code == 2
    assert "another process keeps the files" in ended.err


def test_a_directory_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "segments").write_text("in the way")
    with pytest.raises(errors.ConfigurationError, match="for the index"):
        ServerProcess(tmp_path).start()
