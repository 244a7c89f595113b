"""A follower serves what its source holds, soon after it holds it, and rides out the source's failures."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from structlog.testing import capture_logs

from hashmatch.errors import Unavailable
from hashmatch.follower import Follower
from hashmatch.index import Snapshot, Source
from hashmatch.store import Store
from hashmatch.types import PDQ, Bank, BankPut, EntryAdded, Hash, NewEntry
from tests.index_oracle import entry
from tests.index_source import Log

ITEM = Hash(PDQ, bytes(range(32)), 90)
SOON = 10.0
"""Seconds: far more than anything here takes, far less than the test run's patience."""


@contextmanager
def following(source: Source, poll_seconds: float = 0.01) -> Iterator[Follower]:
    follower = Follower(source, poll_seconds=poll_seconds)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()


def asked_again(log: Log, times: int) -> None:
    """Wait until a follower has asked so many times more."""
    goal, deadline = log.asked + times, monotonic() + SOON
    while log.asked < goal:
        assert monotonic() < deadline
        sleep(0.001)


def reached(follower: Follower, revision: int) -> Snapshot:
    """Wait for a revision without waking the follower."""
    deadline = monotonic() + SOON
    while follower.snapshot.revision < revision:
        assert monotonic() < deadline
        sleep(0.001)
    return follower.snapshot


@pytest.fixture
def log() -> Log:
    log = Log()
    log.add(BankPut(Bank("a")))
    for number in range(6):
        log.add(EntryAdded(entry(number, "a", ITEM)))
    return log


def test_start_returns_with_everything_loaded(log: Log) -> None:
    with following(log, poll_seconds=60) as follower:
        assert follower.snapshot.revision == log.head() == 7
        assert follower.snapshot.search([[ITEM]])[0].total == 6


def test_start_raises_what_the_source_raises(log: Log) -> None:
    log.failure = Unavailable("out of reach")
    follower = Follower(log)
    with pytest.raises(Unavailable):
        follower.start()
    follower.stop()


def test_a_change_is_followed_at_the_next_poll(log: Log) -> None:
    with following(log) as follower:
        before = follower.snapshot
        revision = log.add(EntryAdded(entry(99, "a", ITEM)))
        asked_again(log, 2)
        assert follower.snapshot.revision == revision
        assert (before.revision, before.entries) == (7, {PDQ: 6})
        assert follower.snapshot.entries == {PDQ: 7}


def test_wake_does_not_wait_for_the_poll(log: Log) -> None:
    with following(log, poll_seconds=3600) as follower:
        revision = log.add(EntryAdded(entry(99, "a", ITEM)))
        follower.wake()
        assert reached(follower, revision).entries == {PDQ: 7}


def test_an_outage_is_logged_once_and_ridden_out(log: Log) -> None:
    with following(log) as follower, capture_logs() as logs:
        log.failure = Unavailable("out of reach")
        asked_again(log, 5)
        assert str(follower.error) == "out of reach"
        assert follower.snapshot.search([[ITEM]])[0].total == 6
        revision = log.add(EntryAdded(entry(99, "a", ITEM)))
        log.failure = None
        assert reached(follower, revision).entries == {PDQ: 7}
        asked_again(log, 2)
        assert follower.error is None
    assert [record["event"] for record in logs] == ["follower failing", "follower recovered"]


def test_an_outage_shows_as_a_growing_lag(log: Log) -> None:
    with following(log) as follower:
        log.failure = Unavailable("out of reach")
        asked_again(log, 3)
        before = follower.behind_seconds
        asked_again(log, 1)
        assert follower.behind_seconds > before > 0
        log.failure = None
        deadline = monotonic() + SOON
        while follower.behind_seconds >= before:
            assert monotonic() < deadline
            sleep(0.001)


def test_changes_that_cannot_be_applied_leave_the_last_snapshot_in_service(log: Log) -> None:
    with following(log) as follower:
        revision = log.add(EntryAdded(entry(99, "nowhere", ITEM)))
        asked_again(log, 3)
        assert isinstance(follower.error, KeyError)
        assert follower.snapshot.revision == 7
        log.revisions[revision - 1] = [BankPut(Bank("nowhere")), EntryAdded(entry(99, "nowhere", ITEM))]
        assert reached(follower, revision).entries == {PDQ: 7}


def test_stop_ends_the_thread_and_keeps_the_snapshot(log: Log) -> None:
    threads = threading.active_count()
    with following(log, poll_seconds=3600) as follower:
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
    assert follower.snapshot.revision == 7


WRITE = """
import sys
from hashmatch.index import Snapshot
from hashmatch.store import Store
from hashmatch.types import Hash, NewEntry
with Store.open(sys.argv[1]) as store:
    for line in sys.stdin:
        _, revision = store.add_entries("a", [NewEntry(Hash.from_hex("pdq", line.strip(), 90))])
        print(revision, flush=True)
"""


def test_an_entry_that_another_process_adds_to_a_store_is_found(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'banks.db'}"
    with Store.open(url) as store:
        store.create_bank(Bank("a"))
        store.add_entries("a", [NewEntry(Hash(PDQ, bytes([number] * 32), 80)) for number in range(100)])
        writing = subprocess.Popen(
            [sys.executable, "-c", WRITE, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with following(store, poll_seconds=0.25) as follower, writing:
            assert writing.stdin is not None
            assert writing.stdout is not None
            assert follower.snapshot.entries == {PDQ: 100}
            for number in range(3):
                item = Hash(PDQ, bytes([number + 1, 0xA5] * 16), 90)
                print(item.hex, file=writing.stdin, flush=True)
                revision = int(writing.stdout.readline())
                (found,) = reached(follower, revision).search([[item]])
                assert found.hits[0].entry.hash == item
                assert found.hits[0].entry == store.get_entry("a", found.hits[0].entry.id)


def test_a_store_s_deletions_are_followed(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'banks.db'}") as store, following(store) as follower:
        store.create_bank(Bank("a"))
        added, _ = store.add_entries("a", [NewEntry(ITEM), NewEntry(ITEM)])
        revision = store.remove_entries("a", [added[0].id])
        assert [hit.entry for hit in reached(follower, revision).search([[ITEM]])[0].hits] == added[1:]
        revision = store.delete_bank("a")
        assert reached(follower, revision).entries == {PDQ: 0}
        store.create_bank(Bank("a"))
        again, revision = store.add_entries("a", [NewEntry(ITEM)])
        assert [hit.entry for hit in reached(follower, revision).search([[ITEM]])[0].hits] == again
