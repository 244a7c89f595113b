"""Urgent entries in every server, and approval on the command line."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.common import Code
from hashmatch.client import Client
from hashmatch.hash_log import HashLog
from hashmatch.store import Store
from hashmatch.types import (
    PDQ,
    Action,
    Approval,
    Author,
    Bank,
    Hash,
    NewEntry,
    Provenance,
    State,
    Verdict,
)
from tests.command import Ended, called

from .servers import running_server

ALICE, BOB = Author("token:alice"), Author("token:bob")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    """Two servers of two processes each, on one database, beside their directories."""
    folder = tmp_path_factory.mktemp("servers")
    url = f"sqlite:///{folder / 'banks.db'}"
    how = {"HASHMATCH_DATABASE_URL": url, "HASHMATCH_PROCESSES": "2", "HASHMATCH_WORKERS": "1"}
    with ExitStack() as stack:
        yield [stack.enter_context(running_server(folder / name, **how)) for name in ("one", "two")]


def test_an_urgent_entry_matches_in_every_server(servers: list[ServerProcess]) -> None:
    with Client(servers[0].address) as one, Client(servers[1].address) as two:
        one.create_bank(Bank("urgent", action=Action.BLOCK, approval=Approval.AFTER, review_hours=1))
        for number, reporter in enumerate((one, two)):
            item = Hash(PDQ, bytes([number, 255] * 16), 100)
            (entry,), revision = reporter.add_entries("urgent", [NewEntry(item)])
            assert entry.state is State.UNREVIEWED
            for other in (one, two):
                assert len(other.wait_for_revision(revision)) == 2
                (decision,) = other.lookup_hashes([item])
                assert (decision.verdict, decision.matches[0].action) == (Verdict.BLOCK, Action.BLOCK)


def test_what_was_not_reviewed_in_time_asks_for_review(tmp_path: Path) -> None:
    """By the clock of whoever matches, without any change of the banks."""
    item = Hash(PDQ, bytes([3, 250] * 16), 100)
    url = f"sqlite:///{tmp_path / 'banks.db'}"
    with Store.open(url) as store:
        store.create_bank(Bank("urgent", action=Action.BLOCK, approval=Approval.AFTER, review_hours=1))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hashmatch.store.writing.time.time_ns", lambda: 1_700_000_000 * 10**9)
            (late,), _ = store.add_entries("urgent", [NewEntry(item)], author=ALICE)
        with running_server(tmp_path / "data", HASHMATCH_DATABASE_URL=url) as server, Client(server.address) as client:
            (decision,) = client.lookup_hashes([item])
            assert (decision.verdict, decision.matches[0].action) == (Verdict.REVIEW, Action.REVIEW)
            client.wait_for_revision(store.approvals.approve("urgent", [late.id], author=BOB).revision)
            (decision,) = client.lookup_hashes([item])
            assert (decision.verdict, decision.matches[0].action) == (Verdict.BLOCK, Action.BLOCK)


def test_on_the_command_line(servers: list[ServerProcess], tmp_path: Path) -> None:
    def bank(*arguments: object) -> Ended:
        return called("--server", servers[0].address, "bank", *arguments)

    bank("create", "careful", "--approval", "before")
    added = bank("add", "careful", "--hash", "ab" * 32, "--hash", "cd" * 32, "--content-id", "case 7")
    assert "2 wait for another person's approval" in added.err
    batch = bank("pending", "careful", "--json").object
    assert (batch["pending"], batch["unreviewed"], batch["hold"], batch["author"]) == (2, 0, "APPROVAL", "local")
    assert batch["batch"] in bank("pending").out
    for verb in ("approve", "reject"):
        refused = bank(verb, "careful", "--batch", batch["batch"])
        assert refused.code == Code.REFUSED
        assert "hashmatch token create" in refused.err
        assert bank(verb, "careful").code == Code.USAGE
    assert "ab" * 32 in bank("show", "careful", "--state", "pending").out
    assert bank("show", "careful", "--json").object["entry_count"] == 0
    with HashLog(tmp_path / "log", days=30, seconds=60) as log:
        for number in range(5):
            log.append(f"upload {number}", [Hash(PDQ, bytes([0xAB ^ (number == 4)] * 32), 100)])
    tried = bank("try", "careful", tmp_path / "log", "--json").objects
    assert tried[0] == {"compared": 5, "matched": 4, "entries": 1}
    assert (tried[1]["matched"], tried[1]["content_id"]) == (4, "case 7")
    assert tried[1]["seen"] == ["upload 0", "upload 1", "upload 2"]
    shown = bank("try", "careful", tmp_path / "log", "--batch", batch["batch"])
    assert "upload 1" in shown.out
    assert "4" in shown.out
    (today,) = (tmp_path / "log").glob("date=*")
    today.rename(today.with_name("date=2020-01-01"))
    stale = bank("try", "careful", tmp_path / "log")
    assert "no hashes of the last 7 days" in stale.err
    assert bank("try", "careful", tmp_path / "log", "--days", 0, "--json").objects[0]["compared"] == 5


def test_an_import_that_goes_too_far_waits_as_one_batch(servers: list[ServerProcess], tmp_path: Path) -> None:
    def bank(*arguments: object) -> Ended:
        return called("--server", servers[0].address, "bank", *arguments)

    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("".join(f"{number:064x}\n" for number in range(1_000)))
    second.write_text("".join(f"{number:064x}\n" for number in range(2_000, 8_000)))
    bank("create", "grown", "--growth-limit", 10)
    assert bank("import", "grown", first, "--json").object["imported"] == 1_000
    url = f"sqlite:///{servers[0].data_dir.parent / 'banks.db'}"
    with Store.open(url) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr("hashmatch.store.holding.WINDOW", 0)
        store.add_entries("grown", [NewEntry(Hash(PDQ, bytes(32)), Provenance("one"))])
    ended = bank("import", "grown", second, "--json")
    assert ended.object["waiting"] == 6_000
    batch = bank("pending", "grown", "--json").object
    assert (batch["hold"], batch["pending"]) == ("GROWTH", 6_000)
    assert bank("import", "grown", second, "--json", "--anew").object["imported"] == 6_000
    assert bank("pending", "grown", "--json").object["pending"] == 6_000
    approved = bank("approve", "grown", "--batch", batch["batch"], "--json").object
    assert approved["approved"] == 6_000
    assert bank("show", "grown", "--json").object["entry_count"] == 7_001
    assert bank("pending", "grown").out.strip().endswith("nothing waits for approval")
