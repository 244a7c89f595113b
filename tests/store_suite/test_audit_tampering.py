"""Whatever is changed in a database past the log, `verify` finds."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError

from hashmatch.store import Store
from hashmatch.store.audit.verify import Verifier
from hashmatch.store.connect import connect
from hashmatch.tlog import Checkpoint
from hashmatch.types import Action, Author, Bank, Finding, Role, Token

from .samples import ids, new_entries
from .tampering import tamper


def fill(store: Store) -> None:
    """Every sort of write, by two authors."""
    alice, bob = Author("token:alice", "a report"), Author("token:bob")
    for number, name in enumerate(("a", "b", "tenant/c")):
        store.create_bank(Bank(name, f"bank {number}", Action.BLOCK), f"request {number}", alice)
        entries, _ = store.add_entries(name, new_entries(number * 10, 3), author=bob)
        store.remove_entries(name, ids(entries)[:1], author=alice)
    many, _ = store.add_entries("a", new_entries(100, 120), "many", bob)
    store.remove_entries("a", ids(many)[1:110], author=alice)
    store.update_bank("b", {"threshold": 7, "description": "other"}, author=bob)
    store.update_bank("a", {"false_reports": 2}, author=alice)
    for entry, reporter in ((many[0].id, alice), (many[0].id, bob), (many[-1].id, alice)):
        store.feedback.report("a", entry, "upload", Finding.FALSE, reporter)
    store.tokens.create(Token("scanner", frozenset({Role.SCAN, Role.AUDIT}), "tenant", ("tenant/c",)), alice)
    store.tokens.create(Token("other", frozenset({Role.ADMIN}), None), alice)
    store.tokens.revoke("other", bob)
    store.delete_bank("b", author=alice)


@pytest.fixture
def filled(new_url: Callable[[], str]) -> Iterator[tuple[Connection, Checkpoint]]:
    """A connection to a database that nothing keeps from being changed, and a checkpoint of its log."""
    url = new_url()
    with Store.open(url) as store:
        fill(store)
        checkpoint = store.audit.checkpoint()
    opened = connect(url)
    with opened.writes.connect() as connection:
        if url.startswith("sqlite"):
            connection.exec_driver_sql("SELECT 1")
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.rollback()
            driver.execute("PRAGMA foreign_keys=OFF")
            connection.rollback()
        yield connection, checkpoint
    opened.close()


def found(connection: Connection, checkpoint: Checkpoint) -> tuple[str, ...]:
    return Verifier(connection, lambda _: None).run([checkpoint]).problems


@pytest.mark.parametrize("attempts", [150, pytest.param(5_000, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])])
def test_every_change_is_found(filled: tuple[Connection, Checkpoint], attempts: int) -> None:
    """Changes that the database itself refuses do not count."""
    connection, checkpoint = filled
    assert found(connection, checkpoint) == ()
    connection.rollback()
    seed = int(os.environ.get("HASHMATCH_SEED", "8"))
    made, number = 0, 0
    while made < attempts:
        number += 1
        try:
            done = tamper(connection, Random(f"{seed}/{number}"))
        except (IntegrityError, DataError, LookupError):
            connection.rollback()
            continue
        assert found(connection, checkpoint), f"not found: {done} (HASHMATCH_SEED={seed}, change {number})"
        connection.rollback()
        made += 1
    assert found(connection, checkpoint) == ()


@pytest.mark.parametrize(
    "value",
    ["x'61'", "'3'", "2", "1.5", "NULL", "'true'", "CAST(x'ff' AS TEXT)"],
)
@pytest.mark.parametrize("column", ["banks.enabled", "banks.threshold", "banks.description", "changes.state"])
def test_values_of_another_type_are_found_in_sqlite(tmp_path: Path, column: str, value: str) -> None:
    """SQLite keeps any value in any column."""
    url = f"sqlite:///{tmp_path / 'hashmatch.db'}"
    with Store.open(url) as store:
        store.create_bank(Bank("a", "a", threshold=31))
        opened = connect(url)
        table, _, name = column.partition(".")
        try:
            with opened.writes.begin() as connection:
                connection.execute(text(f"UPDATE {table} SET {name} = {value}"))
        except DatabaseError:
            return
        finally:
            opened.close()
        assert store.audit.verify().problems


def test_a_rollback_of_everything_is_found_with_a_checkpoint_alone(new_url: Callable[[], str]) -> None:
    """A copy of an earlier state is whole in itself."""
    url = new_url()
    with Store.open(url) as store:
        fill(store)
        later = store.audit.checkpoint()
    again = new_url()
    with Store.open(again) as store:
        assert store.audit.verify().problems == ()
        assert store.audit.verify([later]).problems == (
            f"the log had {later.size} records at the checkpoint, and has 0",
        )
        fill(store)
        assert store.audit.verify().problems == ()
        (problem,) = store.audit.verify([later]).problems
        assert problem.startswith("the checkpoint is of another log")
