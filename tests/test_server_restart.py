"""Processes that are replaced, killed and stopped under load: clients notice nothing."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.types import Hash, ImageDecision
from tests.media_files import of_rgb
from tests.metrics import METRICS
from tests.servers import running_server

pytestmark = pytest.mark.alone

KNOWN = Hash("pdq", bytes(range(32)), 100)


@pytest.fixture(scope="module")
def picture(photos: dict[str, NDArray[np.uint8]]) -> bytes:
    return of_rgb(photos["astronaut"][:128, :128])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with running_server(tmp_path, HASHMATCH_PROCESSES="2", **METRICS) as running:
        yield running


def children(server: ServerProcess) -> set[int]:
    """The server processes; each has a child of its own, the zygote of the hashing processes."""
    return set(map(int, Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Load:
    """Clients that ask until they are told to stop: some keep their connection, some make a new one each time."""

    def __init__(self, address: str, picture: bytes) -> None:
        self._address = address
        self._picture = picture
        self._stop = threading.Event()
        self.answers = 0
        self.failures: list[Exception] = []

    def _keep(self) -> None:
        with Client(self._address, timeout=30) as client:
            while not self._stop.is_set():
                assert client.match_image(self._picture).width == 128
                self.answers += 1

    def _reconnect(self) -> None:
        while not self._stop.is_set():
            with Client(self._address, timeout=30) as client:
                client.lookup_hashes([KNOWN])
            self.answers += 1

    def _stream(self) -> None:
        with Client(self._address) as client:
            source = iter(lambda: ("stop" if self._stop.is_set() else "go", self._picture), ("stop", self._picture))
            for _, outcome in client.match_many(source):
                assert isinstance(outcome, ImageDecision)
                self.answers += 1

    def _noting_failures(self, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells
            self.failures.append(error)

    @contextmanager
    def running(self) -> Iterator[None]:
        ways = (self._keep, self._keep, self._reconnect, self._reconnect, self._stream)
        threads = [threading.Thread(target=self._noting_failures, args=(run,)) for run in ways]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: self.answers > 50)
            yield
            reached = self.answers
            eventually(lambda: self.answers > reached + 50 or bool(self.failures))
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        assert self.failures == []


def test_sighup_replaces_every_process_without_a_failed_call(server: ServerProcess, picture: bytes) -> None:
    before = children(server)
    with Load(server.address, picture).running():
        os.kill(server.pid, signal.SIGHUP)
        most = 0

        def all_replaced() -> bool:
            nonlocal most
            most = max(most, len(children(server)))
            return len(children(server)) == 2 and not children(server) & before

        eventually(all_replaced)
        assert most == 3
    with Client(server.address) as client:
        assert len(client.status().process_revisions) == 2
    events = [json.loads(line)["event"] for line in server.log.read_text().splitlines()]
    assert events.count("process replaced") == 2
    assert events.count("metrics") == 4


def test_a_process_that_is_killed_under_load_costs_no_call(server: ServerProcess, picture: bytes) -> None:
    with Load(server.address, picture).running():
        for _ in range(2):
            victim = min(children(server))
            os.kill(victim, signal.SIGKILL)
            eventually(lambda: len(children(server)) == 2 and victim not in children(server))  # noqa: B023 - used at once

            def both_serve() -> bool:
                with Client(server.address) as client:
                    return min(client.status().process_revisions) >= 0

            eventually(both_serve)


def test_what_does_not_start_leaves_the_old_process(server: ServerProcess) -> None:
    """A setting or a file that has become unusable is found out before anything is stopped."""
    before = children(server)
    database = server.data_dir / "hashmatch.db"
    hidden = database.rename(server.data_dir / "hidden")
    database.mkdir()
    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: server.log.read_text().count("the old one stays") == 2)
    assert children(server) == before
    database.rmdir()
    hidden.rename(database)
    with Client(server.address) as client:
        assert client.status().process_revisions == (0, 0)
    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: server.log.read_text().count("process replaced") == 2)
    assert not children(server) & before


def test_a_hangup_stops_one_process_as_a_signal_to_stop_does(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        os.kill(server.pid, signal.SIGHUP)
        eventually(lambda: '"stopped"' in server.log.read_text())
        server.stop()
