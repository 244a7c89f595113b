"""The audit log: what it says of each write, and what it proves."""

import ast
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import hashmatch.store
from hashmatch.errors import InvalidField, NotFound, Unavailable
from hashmatch.store import Store
from hashmatch.store.connect import connect
from hashmatch.tlog import Checkpoint, consistent, included, leaf_hash, root_hash
from hashmatch.types import Action, Author, Bank, EntryProof, Record, Role, Token

from .samples import ids, new_entries
from .test_concurrency import in_a_process

ALICE = Author("token:alice", "case 17")


def last(store: Store) -> Record:
    return store.audit.records(store.audit.checkpoint().size - 1)[0]


def root_of(proof: EntryProof) -> str:
    """The root that the record tells of for the change that adds the entry."""
    (root,) = (change["root"] for change in proof.record.changes if change["table"] == "entries")
    return str(root)


def test_every_write_says_who_when_what_why_before_and_after(store: Store) -> None:
    store.create_bank(Bank("a", threshold=10), author=ALICE)
    made = last(store)
    assert (made.number, made.revision, made.who, made.what, made.why) == (
        0,
        1,
        "token:alice",
        "create_bank",
        "case 17",
    )
    assert made.banks == ("a",)
    assert made.changes[0]["table"] == "banks"
    assert made.changes[0]["do"] == "insert"
    assert made.changes[0]["after"][0]["name"] == "a"
    store.update_bank("a", {"threshold": 20}, author=ALICE)
    changed = last(store).changes[0]
    assert (changed["before"][0]["threshold"], changed["after"][0]["threshold"]) == (10, 20)
    (entry,), _ = store.add_entries("a", new_entries(1, 1), author=ALICE)
    assert store.get_entry("a", entry.id).created == last(store).time
    store.remove_entries("a", [entry.id], author=Author("token:bob", "a mistake"))
    removed = last(store)
    assert (removed.who, removed.why) == ("token:bob", "a mistake")
    assert removed.changes[0]["before"][0]["bits"] == entry.hash.hex
    store.delete_bank("a", author=ALICE)
    assert [record.what for record in store.audit.records()] == [
        "create_bank",
        "update_bank",
        "add_entries",
        "remove_entries",
        "delete_bank",
    ]


def test_tokens_are_told_of_and_their_secrets_are_not(store: Store) -> None:
    secret = store.tokens.create(Token("t", frozenset({Role.SCAN})), ALICE)
    store.tokens.revoke("t", ALICE)
    made, revoked = store.audit.records()
    assert (made.what, revoked.what) == ("create_token", "revoke_token")
    assert "revoked" in revoked.changes[0]["after"][0]
    assert secret[-43:] not in made.text + revoked.text


def test_a_write_that_fails_or_is_repeated_leaves_no_record(store: Store) -> None:
    with pytest.raises(NotFound, match="empty"):
        store.audit.checkpoint()
    store.create_bank(Bank("a"), "r")
    store.create_bank(Bank("a"), "r")
    with pytest.raises(NotFound):
        store.delete_bank("b")
    assert [record.what for record in store.audit.records()] == ["create_bank"]
    assert store.audit.checkpoint().size == 1


def test_records_are_listed_by_number_and_bank(store: Store) -> None:
    for name in ("a", "b", "a2"):
        store.create_bank(Bank(name))
        store.add_entries(name, new_entries(0, 1))
    store.create_bank(Bank("a/b"))
    assert [record.number for record in store.audit.records(2, 3)] == [2, 3, 4]
    assert [record.number for record in store.audit.records(bank="b")] == [2, 3]
    assert store.audit.record(4).banks == ("a2",)
    for reader, numbers in (
        (Token("all", frozenset(), None), [0, 1, 2, 3, 4, 5, 6]),
        (Token("some", frozenset(), None, ("b", "a2")), [2, 3, 4, 5]),
        (Token("none", frozenset(), "", ("b",)), [2, 3]),
        (Token("plain", frozenset(), ""), [0, 1, 2, 3, 4, 5]),
        (Token("tenant", frozenset(), "a"), [6]),
        (Token("other", frozenset(), "b"), []),
    ):
        pages, first = [], 0
        while page := store.audit.records(first, 2, reader=reader):
            assert len(page) == 2 or page[-1].number == numbers[-1]
            assert all(reader.sees(bank) for record in page for bank in record.banks)
            pages += [record.number for record in page]
            first = pages[-1] + 1
        assert pages == numbers
    for missing in (-1, 7, 2**64):
        with pytest.raises(NotFound):
            store.audit.record(missing)


@pytest.fixture
def grown(store: Store) -> tuple[Store, list[Checkpoint]]:
    """A store with 21 records, and a checkpoint after each."""
    store.create_bank(Bank("a"))
    checkpoints = [store.audit.checkpoint()]
    for number in range(20):
        store.add_entries("a", new_entries(number, 1))
        checkpoints.append(store.audit.checkpoint())
    return store, checkpoints


def test_every_record_is_proven_at_every_size(grown: tuple[Store, list[Checkpoint]]) -> None:
    store, checkpoints = grown
    leaves = [leaf_hash(record.text.encode()) for record in store.audit.records()]
    for checkpoint in checkpoints:
        assert checkpoint.root == root_hash(leaves[: checkpoint.size])
        for number in range(checkpoint.size):
            proof = store.audit.prove_record(number, checkpoint.size)
            assert included(leaves[number], number, proof.size, proof.path, checkpoint.root)
    with pytest.raises(NotFound):
        store.audit.prove_record(5, 5)
    for never in (-1, 22):
        with pytest.raises(InvalidField, match="size"):
            store.audit.prove_record(0, never)


def test_every_size_is_proven_to_add_to_those_before(grown: tuple[Store, list[Checkpoint]]) -> None:
    store, checkpoints = grown
    for second in checkpoints:
        for first in checkpoints[: second.size]:
            proof = store.audit.prove_consistency(first.size, second.size)
            assert consistent(first.size, proof.size, proof.path, first.root, second.root)
    for earlier, later in ((22, 0), (5, 4), (-1, 0), (0, 22)):
        with pytest.raises(InvalidField):
            store.audit.prove_consistency(earlier, later)


def test_an_entry_of_a_large_batch_is_proven_to_have_been_added(store: Store) -> None:
    store.create_bank(Bank("a"))
    entries, _ = store.add_entries("a", new_entries(0, 300))
    for entry in entries[::37]:
        proof = store.audit.prove_entry("a", entry.id)
        assert json.loads(proof.row)["bits"] == entry.hash.hex
        assert leaf_hash(proof.row.encode()) == proof.row_hash
        assert included(proof.row_hash, proof.index, proof.count, proof.path, bytes.fromhex(root_of(proof)))
    store.remove_entries("a", [entries[7].id])
    proof = store.audit.prove_entry("a", entries[7].id)
    assert proof.row == ""
    assert included(proof.row_hash, proof.index, proof.count, proof.path, bytes.fromhex(root_of(proof)))
    for bank, entry_id in (("a", 301), ("b", 1), ("a", 0)):
        with pytest.raises(NotFound):
            store.audit.prove_entry(bank, entry_id)


def test_an_entry_of_a_small_batch_stands_in_the_record_itself(store: Store) -> None:
    store.create_bank(Bank("a"))
    entries, _ = store.add_entries("a", new_entries(0, 3))
    store.remove_entries("a", ids(entries)[1:2])
    proof = store.audit.prove_entry("a", entries[1].id)
    assert (proof.count, proof.path) == (0, ())
    assert json.loads(proof.row) in next(c for c in proof.record.changes if c["table"] == "entries")["after"]


def test_two_servers_and_a_process_append_to_one_log_without_a_fork(url: str) -> None:
    checkpoints: list[Checkpoint] = []
    with Store.open(url) as one, Store.open(url) as two, ThreadPoolExecutor(4) as pool:
        one.create_bank(Bank("a"))
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                checkpoints.append(one.audit.checkpoint())

        watching = pool.submit(watch)
        writers = [
            pool.submit(lambda store: [store.add_entries("a", new_entries(at, 2)) for at in range(30)], store)
            for store in (one, two)
        ]
        written = len(in_a_process(url, "a"))
        for writer in writers:
            written += len(writer.result())
        done.set()
        watching.result()
        checkpoints.append(two.audit.checkpoint())
        assert checkpoints[-1].size == 1 + written
        assert two.audit.verify(checkpoints).problems == ()
        for first, second in pairwise(checkpoints):
            proof = two.audit.prove_consistency(first.size, second.size)
            assert consistent(first.size, proof.size, proof.path, first.root, second.root)


def test_a_database_from_before_the_log_is_taken_up_as_it_is(new_url: Callable[[], str]) -> None:
    url = new_url()
    old = connect(url)
    with old.writes.begin() as connection:
        old.prepare_migration(connection)
        config = Config()
        config.set_main_option("script_location", str(Path(hashmatch.store.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        bank = {"id": 1, "name": "a", "description": "", "action": "BLOCK", "threshold": 31, "minimum_quality": 50}
        columns = ", ".join([*bank, "enabled"])
        values = ", ".join([*(f":{name}" for name in bank), "true"])
        connection.execute(text(f"INSERT INTO banks ({columns}) VALUES ({values})"), bank)
        connection.execute(
            text("INSERT INTO entries VALUES (:id, 1, 'pdq', :bits, NULL, '', '', '[]', '', 0, 1, NULL, NULL)"),
            [{"id": number, "bits": bytes([number] * 32)} for number in range(1, 6)],
        )
        row = "INSERT INTO changes (revision, ordinal, what, bank, first_entry, last_entry) VALUES "
        connection.execute(text(f"{row} (1, 0, 'entries_added', 'a', 1, 5)"))
        connection.execute(text("UPDATE head SET revision = 1, last_entry = 5"))
    old.close()
    with Store.open(url) as store, Store.open(url):
        assert [record.what for record in store.audit.records()] == ["adopt", "count_entries"]
        assert store.count_entries("a") == 5
        assert store.audit.verify().problems == ()
        proof = store.audit.prove_entry("a", 3)
        assert json.loads(proof.row)["bits"] == "03" * 32
        store.update_bank("a", {"action": Action.REVIEW})
        store.remove_entries("a", [3])
        assert store.audit.verify().problems == ()


def test_a_broken_log_takes_no_writes(url: str) -> None:
    with Store.open(url) as store:
        for name in "abc":
            store.create_bank(Bank(name))
        opened = connect(url)
        with opened.writes.begin() as connection:
            connection.execute(text("DELETE FROM audit WHERE number = 1"))
        opened.close()
        with pytest.raises(Unavailable, match="audit log is damaged"):
            store.create_bank(Bank("d"))
        with pytest.raises(NotFound):
            store.get_bank("d")
        assert store.audit.verify().problems[0] == "record 1 of the log is missing"


def test_nothing_in_the_store_writes_past_the_log() -> None:
    """The journal writes the tables, the writer `head`, and SQLite rows in bulk for the journal."""
    folder = Path(hashmatch.store.__file__).parent
    writing = {"insert", "update", "delete"}
    found = {
        file.relative_to(folder).as_posix(): names
        for file in folder.rglob("*.py")
        if "migrations" not in file.parts
        for names in [
            {
                alias.name
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
                for alias in node.names
            }
            & writing
        ]
        if names
    }
    assert found == {
        "audit/journal.py": writing,
        "audit/records.py": {"insert"},
        "sqlite.py": {"insert"},
        "writing.py": {"update"},
    }
