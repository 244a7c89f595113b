"""AuditService and `hashmatch audit`, over sockets: what was done, by whom, and the proofs of it."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.client import AsyncClient, Client, Security
from hashmatch.errors import InvalidField, NotFound
from hashmatch.store import Store
from hashmatch.tlog import Checkpoint, SigningKey, VerifyingKey, consistent, included, leaf_hash
from hashmatch.types import PDQ, Bank, Hash, NewEntry, Role, Token
from hashmatch.v1 import audit_pb2, audit_pb2_grpc

from .command import called
from .servers import running_server
from .store_suite.samples import new_entries

ITEM = NewEntry(Hash(PDQ, bytes([3, 5] * 16), 90))
MANY = new_entries(0, 150)


class Audited:
    """A server with tokens and a signing key, some banks, and how to call it as each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = SigningKey.create(folder / "audit.key")
        with Store.open(f"sqlite:///{folder / 'hashmatch.db'}") as store:
            self.secrets = {
                name: store.tokens.create(Token(name, frozenset(roles), tenant))
                for name, roles, tenant in (
                    ("staff", {Role.ADMIN, Role.CURATE}, None),
                    ("auditor", {Role.AUDIT}, None),
                    ("acme-auditor", {Role.AUDIT}, "acme"),
                )
            }
            self.public_key = self.key.verifying(store.audit.checkpoint().origin).text

    def client(self, name: str) -> Client:
        return Client(self.server.address, timeout=20, security=Security(self.secrets[name]))

    @property
    def auditor(self) -> tuple[str, ...]:
        """The beginning of a command that an auditor gives."""
        file = self.folder / "token"
        file.write_text(self.secrets["auditor"])
        return ("--server", self.server.address, "--token-file", str(file), "audit")

    server: ServerProcess


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    made = Audited(tmp_path_factory.mktemp("audited"))
    with running_server(made.folder, HASHMATCH_AUDIT_KEY=str(made.folder / "audit.key")) as made.server:
        with made.client("staff") as staff:
            staff.create_bank(Bank("ours"), reason="case 1")
            staff.create_bank(Bank("acme/one"))
            staff.add_entries("ours", [ITEM], reason="case 2")
            staff.add_entries("acme/one", MANY)
            staff.remove_entries("ours", [1], reason="an error")
        yield made


def test_records_say_who_did_what_and_why(audited: Audited) -> None:
    with audited.client("auditor") as auditor:
        records = list(auditor.audit.records())
        assert [(record.who, record.what, record.why) for record in records[3:]] == [
            ("token:staff", "create_bank", "case 1"),
            ("token:staff", "create_bank", ""),
            ("token:staff", "add_entries", "case 2"),
            ("token:staff", "add_entries", ""),
            ("token:staff", "remove_entries", "an error"),
        ]
        assert auditor.audit.record(3) == records[3]
        assert list(auditor.audit.records("acme/one", 5)) == [records[6]]


def test_whoever_sees_some_banks_sees_their_records_alone(audited: Audited) -> None:
    with audited.client("acme-auditor") as auditor:
        records = list(auditor.audit.records())
        assert [record.banks for record in records] == [("acme/one",)] * 2
        assert auditor.audit.record(records[0].number) == records[0]
        for call in (
            lambda: auditor.audit.record(0),
            lambda: auditor.audit.record(3),
            lambda: list(auditor.audit.records("ours")),
            lambda: auditor.audit.prove_entry("ours", 1),
        ):
            with pytest.raises(NotFound):
                call()
        metadata = (("authorization", f"Bearer {audited.secrets['acme-auditor']}"),)
        with grpc.insecure_channel(audited.server.address) as channel:
            stub = audit_pb2_grpc.AuditServiceStub(channel)
            page = stub.ListRecords(audit_pb2.ListRecordsRequest(page_size=1), metadata=metadata)
        assert [record.number for record in page.records] == [records[0].number]
        checkpoint = VerifyingKey.parse(audited.public_key).check(auditor.audit.checkpoint())
        proof = auditor.audit.prove_record(records[0].number, checkpoint.size)
        leaf = leaf_hash(records[0].text.encode())
        assert included(leaf, records[0].number, proof.size, proof.path, checkpoint.root)


async def test_the_asynchronous_client_says_the_same(audited: Audited) -> None:
    security = Security(audited.secrets["auditor"])
    with audited.client("auditor") as blocking:
        async with AsyncClient(audited.server.address, timeout=20, security=security) as auditor:
            assert [record async for record in auditor.audit.records()] == list(blocking.audit.records())
            assert await auditor.audit.record(4) == blocking.audit.record(4)
            assert await auditor.audit.checkpoint() == blocking.audit.checkpoint()
            assert await auditor.audit.prove_record(2) == blocking.audit.prove_record(2)
            assert await auditor.audit.prove_consistency(3) == blocking.audit.prove_consistency(3)
            assert await auditor.audit.prove_entry("acme/one", 9) == blocking.audit.prove_entry("acme/one", 9)


def test_the_log_is_proven_to_have_only_grown(audited: Audited) -> None:
    with audited.client("auditor") as auditor, audited.client("staff") as staff:
        before = Checkpoint.parse(auditor.audit.checkpoint())
        staff.update_bank("ours", threshold=5)
        now = VerifyingKey.parse(audited.public_key).check(auditor.audit.checkpoint())
        proof = auditor.audit.prove_consistency(before.size, now.size)
        assert consistent(before.size, proof.size, proof.path, before.root, now.root)
        impossible: tuple[Callable[[], object], ...] = (
            lambda: auditor.audit.prove_record(0, now.size + 1),
            lambda: auditor.audit.prove_record(0, -1),
            lambda: auditor.audit.prove_consistency(now.size + 1),
            lambda: auditor.audit.prove_consistency(-1),
        )
        for never in impossible:
            with pytest.raises(InvalidField):
                never()
        for missing in (-1, now.size, 2**62):
            with pytest.raises(NotFound):
                auditor.audit.record(missing)
            with pytest.raises(NotFound):
                auditor.audit.prove_record(missing)


def test_no_secret_is_in_a_record_or_the_log(audited: Audited) -> None:
    with audited.client("auditor") as auditor:
        said = "".join(record.text for record in auditor.audit.records()) + audited.server.log.read_text()
    assert "token:staff" in said
    for secret in audited.secrets.values():
        assert secret[-43:] not in said
    assert (audited.folder / "audit.key").read_text().splitlines()[1] not in said


def test_a_page_token_of_another_method_is_refused(audited: Audited) -> None:
    metadata = (("authorization", f"Bearer {audited.secrets['auditor']}"),)
    with grpc.insecure_channel(audited.server.address) as channel:
        stub = audit_pb2_grpc.AuditServiceStub(channel)
        for token in ("b3Vycw==", "LTE=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "?"):
            with pytest.raises(grpc.RpcError, match="page_token"):
                stub.ListRecords(audit_pb2.ListRecordsRequest(page_token=token), metadata=metadata)


def test_the_command_lists_and_shows_records(audited: Audited) -> None:
    listed = called(*audited.auditor, "log", "--from", 3, "--json").objects
    assert [record["what"] for record in listed[:3]] == ["create_bank", "create_bank", "add_entries"]
    assert len(called(*audited.auditor, "log", "--last", 2, "--json").objects) == 2
    assert [record["banks"] for record in called(*audited.auditor, "log", "--bank", "acme/one", "--json").objects] == [
        ["acme/one"]
    ] * 2
    table = called(*audited.auditor, "log").out
    assert "acme/one: 150 entries" in table
    assert "case 2" in table
    shown = called(*audited.auditor, "show", 7, "--json").object
    assert (shown["why"], shown["changes"][0]["before"][0]["id"]) == ("an error", 1)
    assert "token:staff" in called(*audited.auditor, "show", 6).out
    assert called(*audited.auditor, "show", 10_000).code == 5


@pytest.mark.parametrize("what", [(5,), ("--entry", "ours:1"), ("--entry", "acme/one:77"), ("--since", "before")])
def test_a_proof_is_checked_without_the_server(audited: Audited, tmp_path: Path, what: tuple[object, ...]) -> None:
    (tmp_path / "before").write_text(called(*audited.auditor, "checkpoint").out)
    with audited.client("staff") as staff:
        staff.update_bank("ours", threshold=5, reason="so that there is more")
    made = called(*audited.auditor, "prove", *(tmp_path / "before" if each == "before" else each for each in what))
    assert made.code == 0, made.err
    key = ("--key", audited.public_key)
    assert called("audit", "check", "-", *key, data=made.out.encode()).code == 0
    document = json.loads(made.out)
    for forged in forgeries(document):
        assert called("audit", "check", "-", *key, data=json.dumps(forged).encode()).code == 6
    assert called("audit", "check", "-", "--key", audited.key.verifying("other").text, data=made.out.encode()).code == 6
    for nonsense in (b"", b"{}", b"[1]", b'{"checkpoint": "a"}'):
        assert called("audit", "check", "-", data=nonsense).code == 6


def forgeries(document: dict[str, object]) -> Iterator[dict[str, object]]:
    """The document with one of its texts, numbers or hashes changed, or one of a list left out."""

    def changed(value: object) -> Iterator[object]:
        match value:
            case dict():
                for name, each in value.items():
                    yield from ({**value, name: other} for other in changed(each))
            case list():
                for at, each in enumerate(value):
                    yield from ([*value[:at], other, *value[at + 1 :]] for other in changed(each))
                yield from (value[:at] + value[at + 1 :] for at in range(len(value)))
            case int():
                yield value + 1
            case str() if value:
                yield value.replace(value[len(value) // 2], "0" if value[len(value) // 2] != "0" else "1")

    for forged in changed(document):
        assert isinstance(forged, dict)
        if forged != document:
            yield forged


def test_prove_is_told_one_thing(audited: Audited) -> None:
    assert called(*audited.auditor, "prove").code == 2
    assert called(*audited.auditor, "prove", 1, "--entry", "ours:1").code == 2
    assert called(*audited.auditor, "prove", "--entry", "ours").code == 2


def test_verify_finds_what_was_changed_in_the_database(tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path)
    database = tmp_path / "hashmatch.db"
    assert called("audit", "keygen", tmp_path / "key").code == 0
    assert called("audit", "keygen", tmp_path / "key").code == 2
    assert called("audit", "key", tmp_path / "key", *data).code == 5
    assert called("token", "create", "one", "--role", "scan", "--reason", "a test", *data).code == 0
    key = called("audit", "key", tmp_path / "key", *data).out.strip()
    note = called("audit", "checkpoint", "--key", tmp_path / "key", *data).out
    (tmp_path / "note").write_text(note)
    assert called("token", "create", "two", "--role", "scan", *data).code == 0
    against = ("--checkpoint", tmp_path / "note", "--key", key)
    whole = called("audit", "verify", *data, *against, "--json")
    assert whole.code == 0
    assert (whole.object["records"], whole.object["problems"]) == (2, [])
    with Store.open(f"sqlite:///{database}") as store:
        assert store.audit.record(0).who.startswith("cli:")
        assert store.audit.record(0).why == "a test"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE tokens SET roles = '[\"admin\"]' WHERE name = 'two'")
        connection.commit()
    edited = called("audit", "verify", *data, *against)
    assert edited.code == 6
    assert "of tokens is not as the log says" in edited.err
    assert "1 problems" in edited.out
    (tmp_path / "note").write_text(note.replace("\n1\n", "\n2\n"))
    assert "is wrong" in called("audit", "verify", *data, *against).err
    assert called("audit", "verify", *data, "--checkpoint", tmp_path / "none").code == 2


def test_a_server_does_not_start_with_a_key_that_others_may_read(tmp_path: Path) -> None:
    SigningKey.create(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    refused = called("serve", "--data-dir", tmp_path, "--address", "127.0.0.1:0", "--audit-key", tmp_path / "key")
    assert refused.code == 2
    assert "others than its owner may read" in refused.err
