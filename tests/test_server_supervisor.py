"""Several processes on one port: all follow the banks, one that dies is replaced, all stop together."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashmatch import errors
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.types import Bank, Hash, NewEntry
from tests.servers import running_server
from tests.test_sandbox_abuse import below
from tests.test_sandbox_pool import wait_until_dead

KNOWN = Hash("pdq", bytes(range(32)), 100)
CONNECTIONS = 24
"""New connections go to either of two processes at random: all to one of them once in eight million runs."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("data"), HASHMATCH_PROCESSES="2") as running:
        yield running


def children(server: ServerProcess) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()]


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_entry_is_live_in_every_process(server: ServerProcess) -> None:
    with Client(server.address) as client:
        client.create_bank(Bank("everywhere"))
        _, revision = client.add_entries("everywhere", [NewEntry(KNOWN)])
        assert all(reached >= revision for reached in client.wait_for_revision(revision))
        assert len(client.status().process_revisions) == 2
    for _ in range(CONNECTIONS):
        with Client(server.address) as client:
            assert client.lookup_hashes([KNOWN])[0].total_matches == 1


def test_a_revision_that_does_not_come_is_said_before_the_deadline(server: ServerProcess) -> None:
    with Client(server.address, timeout=0.5) as client, pytest.raises(errors.RevisionNotReached):
        client.wait_for_revision(10**9)


def test_a_process_that_is_killed_is_replaced(server: ServerProcess) -> None:
    first, second = children(server)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: len(children(server)) == 2 and first not in children(server))
    assert second in children(server)

    def all_serve() -> bool:
        with Client(server.address) as client:
            return min(client.status().process_revisions) >= 0

    eventually(all_serve)
    with Client(server.address) as client:
        assert client.status().revision >= 0


def test_a_port_in_use_is_a_clear_error(server: ServerProcess, tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"cannot listen on {server.address}"):
        ServerProcess(tmp_path, {"HASHMATCH_PROCESSES": "2"}).start(server.address)


def test_one_process_does_not_join_the_port_of_another(server: ServerProcess, tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"cannot listen on {server.address}"):
        ServerProcess(tmp_path).start(server.address)


def test_none_outlives_its_supervisor(tmp_path: Path) -> None:
    with running_server(tmp_path, HASHMATCH_PROCESSES="2") as server:
        family = below(server.pid)
        assert len(family) >= 4
        server.kill()
        wait_until_dead(*family)
        server.start(server.address)


def test_what_cannot_start_stops_at_once(tmp_path: Path) -> None:
    (tmp_path / "hashmatch.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(errors.ConfigurationError, match=r"hashmatch\.db"):
        ServerProcess(tmp_path, {"HASHMATCH_PROCESSES": "2"}).start()


def test_a_signal_while_starting_stops_all(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "hashmatch.cli", "serve", "--processes", "2", "--address", f"127.0.0.1:{port}"]
    with subprocess.Popen([*command, "--data-dir", str(tmp_path)], stdout=subprocess.PIPE) as process:
        eventually(lambda: bool(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()))
        process.terminate()
        process.wait(30)
    assert process.returncode in {0, -signal.SIGTERM}  # the latter where it came before the handler
