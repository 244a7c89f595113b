"""Servers killed under writes: what was acknowledged is there, whole, once, and matches."""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hashmatch.client import Client
from hashmatch.errors import DeadlineExceeded, Unavailable
from hashmatch.types import Bank, Entry, MatchOptions

from .servers import running_server
from .store_suite.samples import new_entries

if TYPE_CHECKING:
    from .postgresql import PostgreSQLServer

BATCH = 20


class Writer(threading.Thread):
    """Adds batch after batch through a client, as a pipeline would: a write without an answer is sent again."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.acknowledged: list[Entry] = []
        self.ending = threading.Event()
        self._address = address

    def run(self) -> None:
        with Client(self._address, timeout=5) as client:
            while not self.ending.is_set():
                first = len(self.acknowledged)
                while not self.ending.is_set():
                    try:
                        added, _ = client.add_entries("a", new_entries(first, BATCH), request_id=f"batch {first}")
                    except (Unavailable, DeadlineExceeded):
                        time.sleep(0.01)
                    else:
                        self.acknowledged += added
                        break


@pytest.mark.parametrize("kills", [2, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(5_400)])])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_kills_under_writes_lose_nothing(request: pytest.FixtureRequest, tmp_path: Path, kind: str, kills: int) -> None:
    environment = {}
    if kind == "postgresql":
        postgresql: PostgreSQLServer = request.getfixturevalue("postgresql")
        environment["HASHMATCH_DATABASE_URL"] = postgresql.new_url()
    with running_server(tmp_path, **environment) as server, Client(server.address) as client:
        client.create_bank(Bank("a", minimum_quality=0))
        writer = Writer(server.address)
        writer.start()
        try:
            for _ in range(kills):
                before = len(writer.acknowledged)
                while len(writer.acknowledged) < before + 2 * BATCH:
                    assert writer.is_alive()
                    time.sleep(0.002)
                server.kill()
                server.start(server.address)
        finally:
            writer.ending.set()
            writer.join()
        kept = {entry.id: entry for entry in client.list_entries("a")}
        assert len(writer.acknowledged) <= len(kept) <= len(writer.acknowledged) + BATCH
        assert all(kept[entry.id] == entry for entry in writer.acknowledged)
        options = MatchOptions(min_revision=writer.acknowledged[-1].revision, max_matches=1)
        for first in range(0, len(writer.acknowledged), 1_000):
            entries = writer.acknowledged[first : first + 1_000]
            found = client.lookup_hashes([entry.hash for entry in entries], options)
            assert [decision.matches[0].entry_id for decision in found] == [entry.id for entry in entries]
