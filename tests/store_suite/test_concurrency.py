"""Writers in many threads and processes: one order, seen alike by all."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import groupby, pairwise

import pytest

from hashmatch.store import Store
from hashmatch.types import Bank, EntryAdded

from .samples import Replay, ids, new_entries, tables

pytestmark = pytest.mark.alone

BATCH = 20
WRITES = 15


def in_a_process(url: str, bank: str) -> list[int]:
    """Write from another process; returns the revisions of its writes."""
    command = [sys.executable, "-m", "tests.store_suite.writer", url, bank, str(BATCH), str(WRITES)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return [int(line.split()[0]) for line in done.stdout.splitlines()]


def in_a_thread(store: Store, bank: str) -> list[int]:
    return [store.add_entries(bank, new_entries(at, BATCH))[1] for at in range(WRITES)]


def tail(store: Store, after: int, writers: list[Future[list[int]]]) -> Iterator[EntryAdded]:
    """Follow the store while the writers write, and to the end; only entries are added meanwhile."""
    finished = False
    while True:
        reached, changes = store.changes(after, limit=3 * BATCH)
        assert reached >= after
        assert (reached == after) == (not changes)
        for change in changes:
            assert isinstance(change, EntryAdded)
            assert after < change.entry.revision <= reached
            yield change
        if finished and reached == after:
            return
        finished = all(writer.done() for writer in writers)
        after = reached


def test_a_reader_sees_every_write_once_whole_and_in_order(url: str) -> None:
    with ExitStack() as stack:
        first, second, reader = (stack.enter_context(Store.open(url)) for _ in range(3))
        pool = stack.enter_context(ThreadPoolExecutor(6))
        for bank in "abcdef":
            first.create_bank(Bank(bank))
        writers = [
            pool.submit(in_a_thread, first, "a"),
            pool.submit(in_a_thread, first, "b"),
            pool.submit(in_a_thread, second, "c"),
            pool.submit(in_a_thread, second, "d"),
            pool.submit(in_a_process, url, "e"),
            pool.submit(in_a_process, url, "f"),
        ]
        seen = [change.entry for change in tail(reader, 6, writers)]
        acknowledged = sorted(revision for writer in writers for revision in writer.result())
        assert acknowledged == list(range(7, 7 + 6 * WRITES))
        assert [revision for revision, _ in groupby(seen, key=lambda entry: entry.revision)] == acknowledged
        assert all(before < after for before, after in pairwise(ids(seen)))
        for _, batch in groupby(seen, key=lambda entry: entry.revision):
            added = list(batch)
            assert len(added) == BATCH
            assert len({entry.bank for entry in added}) == 1
        found = tables(reader)
        assert list(found.entries.values()) == seen
        assert found.revision == acknowledged[-1]


def test_the_history_of_all_kinds_of_writes_at_once_is_the_tables(url: str) -> None:
    def churn(store: Store, bank: str) -> None:
        store.create_bank(Bank(bank))
        for at in range(10):
            entries, _ = store.add_entries(bank, new_entries(at, 9))
            store.update_bank(bank, {"threshold": at})
            store.remove_entries(bank, ids(entries)[at % 3 :: 2])
            if at == 5:
                store.delete_bank(bank)
                store.create_bank(Bank(bank, "again"))

    with Store.open(url) as one, Store.open(url) as two, ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(churn, (one, two)[at % 2], bank) for at, bank in enumerate("abcd")]
        replay = Replay()
        while not all(writer.done() for writer in writers):
            replay.follow(one, limit=25)
        for writer in writers:
            writer.result()
        replay.follow(one, limit=25)
        assert replay == tables(two)
        assert replay.revision == one.head() == 4 * 33


def test_processes_that_open_a_new_database_at_once_all_can(new_url: Callable[[], str]) -> None:
    program = (
        "import sys\n"
        "from hashmatch.store import Store\n"
        "from hashmatch.types import Bank\n"
        "urls = sys.argv[2:]\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for url in urls:\n"
        "    with Store.open(url) as store:\n"
        "        store.create_bank(Bank(sys.argv[1]))\n"
    )
    urls = [new_url() for _ in range(5)]
    names = ["a", "b", "c"]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", program, name, *urls],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for name in names
        ]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in started:
            assert process.communicate(timeout=60)[1] == ""
            assert process.returncode == 0
    for url in urls:
        with Store.open(url) as store:
            assert [bank.name for bank in store.list_banks()] == names
