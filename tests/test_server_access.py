"""Who is let in: every method with every role, over a socket, and the banks that a token sees."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client, Security
from hashmatch.client.calls import as_error
from hashmatch.errors import (
    ConfigurationError,
    HashmatchError,
    NeedsAnotherPerson,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from hashmatch.server.access import ROLES
from hashmatch.store import Store
from hashmatch.types import (
    PDQ,
    Action,
    Adding,
    Approval,
    Bank,
    Finding,
    Hash,
    MatchOptions,
    NewEntry,
    Role,
    State,
    Token,
)
from hashmatch.v1 import audit_pb2, bank_pb2, feedback_pb2, hash_pb2, match_pb2, status_pb2

from .command import called, hashmatch
from .metrics import METRICS, metrics
from .servers import running_server

SERVICES = [
    service
    for module in (match_pb2, hash_pb2, bank_pb2, feedback_pb2, audit_pb2, status_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]
METHODS = {f"/{service.full_name}/{method.name}": method for service in SERVICES for method in service.methods}
ITEM = Hash(PDQ, bytes([3, 5] * 16), 90)
DENIALS = (Unauthenticated, PermissionDenied)
SOON = 20.0


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The secret of a token for each role, and of those that no longer work; `folder` is where the database is."""
    folder = tmp_path_factory.mktemp("closed")
    with Store.open(f"sqlite:///{folder / 'hashmatch.db'}") as store:
        made = {role.value: store.tokens.create(Token(role.value, frozenset({role}), None)) for role in Role}
        made["acme"] = store.tokens.create(Token("acme", frozenset(Role), "acme"))
        made["one"] = store.tokens.create(Token("one", frozenset(Role), "acme", ("acme/one",)))
        made["revoked"] = store.tokens.create(Token("revoked", frozenset(Role), None))
        store.tokens.revoke("revoked")
    return {**made, "folder": str(folder)}


@pytest.fixture(scope="module")
def closed(secrets: dict[str, str]) -> Iterator[ServerProcess]:
    """A server with tokens, and with a bank of no tenant, two of acme, and one of another tenant."""
    with running_server(Path(secrets["folder"]), **METRICS) as server:
        with client(server, secrets["admin"]) as admin, client(server, secrets["curate"]) as curator:
            for bank in ("ours", "acme/one", "acme/two", "other/one"):
                admin.create_bank(Bank(bank))
                _, revision = curator.add_entries(bank, [NewEntry(ITEM)])
            curator.wait_for_revision(revision)
        yield server


def client(server: ServerProcess, secret: str) -> Client:
    return Client(server.address, timeout=20, security=Security(secret))


def bytes_of(message: Message) -> bytes:
    return message.SerializeToString()


def call(server: ServerProcess, method: str, request: Message, secret: str) -> HashmatchError | None:
    """Call any method with one message; returns how it failed."""
    metadata = (("authorization", f"Bearer {secret}"),) if secret else ()
    with grpc.insecure_channel(server.address) as channel:
        stub = channel.stream_stream(method, bytes_of, bytes)
        try:
            list(stub(iter([request]), metadata=metadata, timeout=20))
        except grpc.RpcError as failure:
            return as_error(failure)
    return None


def test_every_method_is_in_the_table_and_the_table_has_no_other() -> None:
    ours = {method for method in ROLES if method.startswith("/hashmatch.")}
    assert ours == set(METHODS)
    assert all(ROLES[method] for method in ours)


@pytest.mark.parametrize("method", METHODS)
def test_no_method_is_reached_without_its_role(closed: ServerProcess, secrets: dict[str, str], method: str) -> None:
    empty = METHODS[method].input_type._concrete_class()
    for secret in ("", "nonsense", f"hm_{'0' * 12}_{'A' * 43}", secrets["scan"][:-1] + "~", secrets["revoked"]):
        assert isinstance(call(closed, method, empty, secret), Unauthenticated)
    for role in Role:
        outcome = call(closed, method, empty, secrets[role])
        if role in ROLES[method]:
            assert not isinstance(outcome, DENIALS)
        else:
            assert isinstance(outcome, PermissionDenied)
            assert outcome.details == {"roles": ", ".join(sorted(ROLES[method]))}


def test_a_method_that_is_not_in_the_table_is_for_nobody(closed: ServerProcess, secrets: dict[str, str]) -> None:
    unknown = "/hashmatch.v1.BankService/BurnBank"
    assert isinstance(call(closed, unknown, status_pb2.GetStatusRequest(), ""), Unauthenticated)
    assert isinstance(call(closed, unknown, status_pb2.GetStatusRequest(), secrets["admin"]), PermissionDenied)


def test_refused_calls_are_counted_by_names_of_the_contract(closed: ServerProcess, secrets: dict[str, str]) -> None:
    before = metrics(closed)
    call(closed, "/hashmatch.v1.StatusService/GetStatus", status_pb2.GetStatusRequest(), "")
    call(closed, "/hashmatch.v1.BankService/AddEntries", bank_pb2.AddEntriesRequest(), secrets["scan"])
    call(closed, "/hashmatch.v1.BankService/BurnBank", status_pb2.GetStatusRequest(), secrets["admin"])
    after = metrics(closed)
    for name in (
        'hashmatch_calls_total{method="GetStatus",status="UNAUTHENTICATED"}',
        'hashmatch_calls_total{method="AddEntries",status="PERMISSION_DENIED"}',
        'hashmatch_calls_total{method="unknown",status="PERMISSION_DENIED"}',
        'hashmatch_refusals_total{reason="UNAUTHENTICATED"}',
    ):
        assert after[name] == before.get(name, 0) + 1, name
    assert "BurnBank" not in closed.log.read_text()


def test_health_needs_no_token_and_reflection_any(closed: ServerProcess, secrets: dict[str, str]) -> None:
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(closed.address) as channel:
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        with pytest.raises(grpc.RpcError, match="a token is needed"):
            list(reflection(iter([asked])))
        metadata = [("authorization", f"Bearer {secrets['audit']}")]
        (answer,) = reflection(iter([asked]), metadata=metadata)
        assert answer.list_services_response.service


@pytest.mark.parametrize(
    ("holder", "banks"),
    [
        ("admin", {"ours", "acme/one", "acme/two", "other/one"}),
        ("acme", {"acme/one", "acme/two"}),
        ("one", {"acme/one"}),
    ],
)
def test_a_token_sees_its_banks_alone(
    closed: ServerProcess, secrets: dict[str, str], holder: str, banks: set[str]
) -> None:
    scanner = "scan" if holder == "admin" else holder
    with client(closed, secrets[holder]) as caller, client(closed, secrets[scanner]) as scan:
        assert {bank.name for bank in caller.list_banks()} == banks
        (decision,) = scan.lookup_hashes([ITEM])
        assert {match.bank for match in decision.matches} == banks
        for bank in ("ours", "acme/one", "acme/two", "other/one"):
            options = MatchOptions(banks=(bank,))
            if bank in banks:
                assert scan.lookup_hashes([ITEM], options)[0].matches[0].bank == bank
                (entry,) = caller.list_entries(bank)
                assert caller.get_entry(bank, entry.id) == entry
                continue
            for lookup in lookups(scan, options, closed.log):
                with pytest.raises(NotFound):
                    lookup()
            for attempt in attempts_on(caller, bank):
                with pytest.raises(NotFound):
                    attempt()
        if holder != "admin":
            with pytest.raises(NotFound):
                caller.create_bank(Bank("third/one"))


def lookups(scan: Client, options: MatchOptions, file: Path) -> list[Callable[[], object]]:
    """Every call that looks into banks, but for MatchStream, whose items fail by themselves."""
    return [
        lambda: scan.lookup_hashes([ITEM], options),
        lambda: scan.match_image(b"", options),
        lambda: scan.match_video(file, options),
        lambda: scan.match_frames([], options),
    ]


def attempts_on(caller: Client, bank: str) -> list[Callable[[], object]]:
    """Every call that names a bank."""
    return [
        lambda: caller.get_bank(bank),
        lambda: list(caller.list_entries(bank)),
        lambda: caller.get_entry(bank, 1),
        lambda: caller.update_bank(bank, threshold=1),
        lambda: caller.delete_bank(bank),
        lambda: caller.add_entries(bank, [NewEntry(ITEM)]),
        lambda: caller.remove_entries(bank, [1]),
        lambda: caller.remove_content(bank, "item"),
        lambda: caller.restore_entries(bank, [1]),
        lambda: list(caller.list_batches(bank)),
        lambda: caller.approve(bank, [1]),
        lambda: caller.reject(bank, "batch"),
        lambda: caller.feedback.report(bank, 1, "upload", Finding.FALSE),
        lambda: list(caller.feedback.reports(bank, 1)),
        lambda: list(caller.feedback.sources(bank)),
        lambda: caller.feedback.reinstate(bank, [1]),
    ]


def test_a_token_without_banks_is_told_so(closed: ServerProcess, secrets: dict[str, str]) -> None:
    with Store.open(f"sqlite:///{secrets['folder']}/hashmatch.db") as store:
        secret = store.tokens.create(Token("newcomer", frozenset({Role.SCAN}), "newcomer"))
    with client(closed, secret) as caller:
        until(lambda: not isinstance(failure_of(caller), Unauthenticated))
        for lookup in lookups(caller, MatchOptions(), closed.log):
            with pytest.raises(NotFound, match="no bank that this token may look into"):
                lookup()


def failure_of(caller: Client) -> HashmatchError | None:
    try:
        caller.lookup_hashes([ITEM])
    except HashmatchError as error:
        return error
    return None


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_first_token_closes_a_running_server_and_a_revoked_one_is_refused(tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path)
    with running_server(tmp_path) as server:
        there = ("--server", server.address)
        assert called(*there, "bank", "create", "a").code == 0
        secret = called("token", "create", "first", "--role", "admin", "--role", "curate", *data).out.strip()
        until(lambda: called(*there, "bank", "list").code == 5)
        refused = called(*there, "bank", "list")
        assert refused.err == "hashmatch: a token is needed (UNAUTHENTICATED)\n"
        file = tmp_path / "token"
        file.write_text(f"{secret}\n")
        assert called(*there, "--token-file", file, "bank", "list").code == 0
        assert hashmatch(*there, "bank", "list", HASHMATCH_TOKEN=secret).code == 0
        second = called("token", "create", "second", "--role", "admin", *data, "--json").object
        until(lambda: hashmatch(*there, "bank", "list", HASHMATCH_TOKEN=second["secret"]).code == 0)
        assert called("token", "revoke", "first", *data).code == 0
        until(lambda: called(*there, "--token-file", file, "bank", "list").code == 5)
        assert "was revoked" in called(*there, "--token-file", file, "bank", "list").err
        listed = called("token", "list", *data, "--json")
        assert [(token["token"], token["revoked"] is None) for token in listed.objects] == [
            ("first", False),
            ("second", True),
        ]
    said = server.log.read_text() + listed.out + refused.err
    assert "no token exists" in said
    for whole in (secret, second["secret"]):
        assert whole not in said
        assert whole[-43:] not in said
    files = b"".join(path.read_bytes() for path in tmp_path.glob("hashmatch.db*"))
    assert secret[-43:].encode() not in files


def test_a_stream_has_the_rights_of_its_token(closed: ServerProcess, secrets: dict[str, str]) -> None:
    with client(closed, secrets["curate"]) as curator, pytest.raises(PermissionDenied):
        list(curator.match_many([("x", b"")]))
    with client(closed, secrets["scan"]) as scanner:
        ((key, outcome),) = scanner.match_many([("x", b"")])
        assert (key, type(outcome).__name__) == ("x", "EmptyMedia")


def test_other_machines_are_not_served_without_a_token(tmp_path: Path) -> None:
    refused = hashmatch("serve", "--address", "0.0.0.0:0", "--data-dir", tmp_path, "--log-level", "error")
    assert refused.code == 2
    assert "there is no token yet" in refused.err


def test_a_token_does_not_leave_the_machine_in_the_clear() -> None:
    with pytest.raises(ConfigurationError, match="TLS only"):
        Client("192.0.2.1:50051", security=Security("hm_secret"))
    assert "hm_secret" not in repr(Security("hm_secret"))


def test_an_expired_token_is_refused(closed: ServerProcess, secrets: dict[str, str]) -> None:
    made = called("token", "create", "brief", "--role", "audit", "--days", 0.00003, "--data-dir", secrets["folder"])
    with client(closed, made.out.strip()) as caller:
        until(lambda: "expired" in str(error_of_list(caller)))


def error_of_list(caller: Client) -> HashmatchError | None:
    try:
        list(caller.list_banks())
    except HashmatchError as error:
        return error
    return None


def test_two_persons(closed: ServerProcess, secrets: dict[str, str]) -> None:
    """One adds, another approves; the same is refused, whatever its roles."""
    item = Hash(PDQ, bytes([9, 200] * 16), 90)
    with client(closed, secrets["admin"]) as admin, client(closed, secrets["scan"]) as scan:
        admin.create_bank(Bank("acme/two-persons", action=Action.BLOCK, approval=Approval.BEFORE))
        options = MatchOptions(banks=("acme/two-persons",))
        with client(closed, secrets["acme"]) as acme, client(closed, secrets["approve"]) as approver:
            adding = Adding("case 7")
            entries, revision = acme.add_entries("acme/two-persons", [NewEntry(item)] * 3, adding=adding)
            assert {entry.state for entry in entries} == {State.PENDING}
            scan.wait_for_revision(revision)
            assert not scan.lookup_hashes([item], options)[0].total_matches
            for verb in (acme.approve, acme.reject):
                with pytest.raises(NeedsAnotherPerson, match="token:acme added this"):
                    verb("acme/two-persons", "case 7")
            (batch,) = approver.list_batches("acme/two-persons")
            assert batch in list(approver.list_batches())
            assert (batch.name, batch.author, batch.pending) == ("case 7", "token:acme", 3)
            approver.reject("acme/two-persons", [entries[0].id], reason="a landscape")
            decided = approver.approve("acme/two-persons", "case 7")
            assert (decided.count, decided.remaining) == (2, 0)
            scan.wait_for_revision(decided.revision)
            assert scan.lookup_hashes([item], options)[0].total_matches == 2
            with client(closed, secrets["one"]) as other:
                assert list(other.list_batches()) == []
