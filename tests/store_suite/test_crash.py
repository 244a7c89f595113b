"""What a killed writer leaves behind."""

import signal
import subprocess
import sys
from itertools import groupby

import pytest

from hashmatch.store import Store
from hashmatch.types import Bank, Entry

from .samples import Replay, ids

BATCH = 500
ROUNDS = 6


def write_and_be_killed(url: str, bank: str, acknowledged: int) -> list[tuple[int, int, int]]:
    """Kill a writing process once it said so often that it wrote; returns all that it said."""
    command = [sys.executable, "-m", "tests.store_suite.writer", url, bank, str(BATCH), "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledged)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        assert process.wait() == -signal.SIGKILL
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(int(revision), int(first), int(last)) for revision, first, last in whole]


def at_rest(store: Store) -> tuple[int, list[Entry], Replay]:
    """The head, and what tables and changes say then: a database's own process may outlive a killed writer's."""
    while True:
        head, entries, replay = store.head(), store.list_entries("a", limit=1_000_000), Replay()
        replay.follow(store)
        if store.head() == head:
            return head, entries, replay


@pytest.mark.timeout(60)
def test_what_was_acknowledged_is_there_and_nothing_is_there_in_part(url: str) -> None:
    with Store.open(url) as store:
        store.create_bank(Bank("a"))
    said: list[tuple[int, int, int]] = []
    for number in range(ROUNDS):
        said += write_and_be_killed(url, "a", 1 + 2 * number)
        with Store.open(url) as store:
            head, entries, replay = at_rest(store)
        assert list(replay.entries.values()) == entries
        batches = {revision: ids(list(batch)) for revision, batch in groupby(entries, key=lambda entry: entry.revision)}
        assert list(batches) == list(range(2, head + 1))
        assert all(len(batch) == BATCH for batch in batches.values())
        for revision, first, last in said:
            assert batches[revision] == list(range(first, last + 1))
        assert len(said) <= len(batches) <= len(said) + number + 1  # a write may be made and not acknowledged
