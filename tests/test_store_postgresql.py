"""What is particular to PostgreSQL: its outages, its notices, and what may be wrong with a database of it."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from hashmatch.client import Client
from hashmatch.errors import ConfigurationError, Unavailable
from hashmatch.follower import Follower
from hashmatch.store import Store
from hashmatch.store.connect import connect
from hashmatch.store.migrate import migrate
from hashmatch.store.schema import METADATA
from hashmatch.types import PDQ, Bank, Hash, NewEntry

from .postgresql import PostgreSQLServer, programs
from .servers import running_server
from .store_suite.samples import ids, new_entries

SOON = 30.0


@pytest.fixture
def url(postgresql: PostgreSQLServer) -> str:
    return postgresql.new_url()


@pytest.fixture
def own_server(postgresql: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    """A server that the test may stop."""
    where = programs()
    assert where is not None
    with PostgreSQLServer(where) as server:
        yield server


def test_migrations_make_the_schema_that_the_code_uses(url: str) -> None:
    opened = connect(url)
    migrate(opened)
    with opened.reads.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    opened.close()


def test_a_crash_is_survived_as_the_settings_promise(postgresql: PostgreSQLServer, url: str) -> None:
    assert postgresql.execute("SHOW fsync") == [("on",)]
    without = url.replace("-csearch_path", "-csynchronous_commit%3Doff%20-csearch_path")
    for asked, expected in ((url, "on"), (without, "on"), (without.replace("off", "remote_apply"), "remote_apply")):
        opened = connect(asked)
        with opened.writes.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == expected
        opened.close()


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot use the database postgresql\+psycopg://me:\*\*\*@") as caught:
        Store.open("postgresql://me:secret@127.0.0.1:1/hashmatch")
    assert "secret" not in str(caught.value)


def test_a_database_of_another_encoding_is_refused(postgresql: PostgreSQLServer) -> None:
    postgresql.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(ConfigurationError, match="encoded as LATIN1: make it with UTF8"):
        Store.open(f"postgresql+psycopg://hashmatch@127.0.0.1:{postgresql.port}/latin")


def test_the_tables_of_another_program_are_left_alone(postgresql: PostgreSQLServer, url: str) -> None:
    schema = url.rpartition("%3D")[2]
    postgresql.execute(f"CREATE TABLE {schema}.banks (iban TEXT)")
    with pytest.raises(ConfigurationError, match='relation "banks" already exists'):
        Store.open(url)
    tables = f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'"
    assert postgresql.execute(tables) == [("banks",)]


def test_a_write_that_waits_too_long_for_another_is_unavailable(
    postgresql: PostgreSQLServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashmatch.store.postgresql._SESSION", "SET lock_timeout TO '50ms'")
    with (
        Store.open(url) as store,
        psycopg.connect(f"host=127.0.0.1 port={postgresql.port} user=hashmatch dbname=postgres") as other,
    ):
        store.create_bank(Bank("a"))
        other.execute(f"UPDATE {url.rpartition('%3D')[2]}.head SET revision = revision".encode())
        with pytest.raises(Unavailable, match="lock timeout"):
            store.add_entries("a", new_entries(0, 1))
        assert store.list_entries("a") == []
        other.rollback()
        assert store.add_entries("a", new_entries(0, 1))[1] == 2


def test_a_database_that_became_read_only_is_unavailable(url: str) -> None:
    with Store.open(url) as store:
        store.create_bank(Bank("a"))
    read_only = "-ctransaction_read_only%3Don%20-cdefault_transaction_read_only%3Don%20"
    standby = url.replace("-csearch_path", f"{read_only}-csearch_path")
    with Store.open(standby) as store:
        with pytest.raises(Unavailable, match="read-only transaction"):
            store.add_entries("a", new_entries(0, 1))
        assert store.list_banks() == [Bank("a")]


def test_a_commit_of_another_process_is_told(url: str) -> None:
    told = threading.Event()
    with Store.open(url) as one, Store.open(url) as two, two.listening(told.set):
        assert told.wait(SOON)  # once at the beginning, as something may have been missed
        for number in range(3):
            told.clear()
            assert not told.wait(0.8), "told of nothing"
            one.create_bank(Bank(f"b{number}"))
            assert told.wait(SOON)


def test_a_follower_that_listens_need_not_poll(url: str) -> None:
    with Store.open(url) as one, Store.open(url) as two:
        follower = Follower(two, poll_seconds=3600)
        follower.start()
        with two.listening(follower.wake):
            one.create_bank(Bank("a"))
            _, revision = one.add_entries("a", [NewEntry(Hash(PDQ, bytes(32), 90))])
            reached(follower, revision)
        follower.stop()


def reached(follower: Follower, revision: int) -> None:
    deadline = time.monotonic() + SOON
    while follower.snapshot.revision < revision:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("stops", [3, pytest.param(50, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_stops_under_writes_lose_nothing_and_followers_come_back(
    own_server: PostgreSQLServer, stops: int, record_property: Callable[[str, object], None]
) -> None:
    url = own_server.new_url()
    acknowledged: list[int] = []
    ending = threading.Event()

    def write() -> int:
        refused = number = 0
        with Store.open(url) as store:
            while not ending.is_set():
                number += 1
                try:
                    added, _ = store.add_entries("a", new_entries(number, 50))
                except Unavailable:
                    refused += 1
                    time.sleep(0.02)
                else:
                    acknowledged.extend(ids(added))
        return refused

    with Store.open(url) as store, ThreadPoolExecutor(2) as pool:
        store.create_bank(Bank("a"))
        known, _ = store.add_entries("a", [NewEntry(Hash(PDQ, bytes([7] * 32), 90))])
        follower = Follower(store)
        follower.start()
        slowest = 0.0
        with store.listening(follower.wake):
            writers = [pool.submit(write) for _ in range(2)]
            for _ in range(stops):
                before = len(acknowledged)
                while len(acknowledged) < before + 200:
                    time.sleep(0.01)
                own_server.stop(signal.SIGQUIT)
                deadline = time.monotonic() + SOON
                while follower.error is None:
                    assert time.monotonic() < deadline
                    time.sleep(0.005)
                assert isinstance(follower.error, Unavailable)
                assert follower.snapshot.search([[known[0].hash]])[0].hits[0].entry == known[0]
                own_server.start()
                head = until_it_answers(store)
                returned = time.monotonic()
                reached(follower, head)
                slowest = max(slowest, time.monotonic() - returned)
            ending.set()
            assert all(writer.result() > 0 for writer in writers)
            reached(follower, store.head())
        follower.stop()
        kept = set(ids(store.list_entries("a", limit=10_000_000)))
        assert set(acknowledged) <= kept
        assert dict(follower.snapshot.entries) == {PDQ: len(kept)}
        record_property("seconds_from_return_to_followed", round(slowest, 2))


def until_it_answers(store: Store) -> int:
    deadline = time.monotonic() + SOON
    while True:
        try:
            return store.head()
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_servers_that_share_a_database_answer_alike(postgresql: PostgreSQLServer, tmp_path: Path) -> None:
    url = postgresql.new_url()
    with (
        running_server(tmp_path / "one", HASHMATCH_DATABASE_URL=url) as one,
        running_server(tmp_path / "two", HASHMATCH_DATABASE_URL=url) as two,
        Client(one.address) as here,
        Client(two.address) as there,
    ):
        here.create_bank(Bank("a"))
        item = Hash(PDQ, bytes([5, 250] * 16), 90)
        entries, revision = here.add_entries("a", [NewEntry(item)])
        there.wait_for_revision(revision)
        (decision,) = there.lookup_hashes([item])
        assert [match.entry_id for match in decision.matches] == ids(entries)
        there.remove_entries("a", ids(entries))
        assert here.get_bank("a")[1] == 0
    assert not (tmp_path / "one" / "hashmatch.db").exists()
