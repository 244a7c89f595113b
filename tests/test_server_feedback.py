"""Reports of matches over sockets: by tokens, to any server, until staff decides; in both clients and the command."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.common import Code
from hashmatch.client import AsyncClient, Client, Security
from hashmatch.errors import InvalidField, NeedsAnotherPerson, NotFound, TooManyReports
from hashmatch.store import Store, feedback
from hashmatch.types import (
    PDQ,
    Action,
    Approval,
    Author,
    Bank,
    EntryFilter,
    Feedback,
    Finding,
    Hash,
    NewEntry,
    Provenance,
    Role,
    SourceFeedback,
    State,
    Token,
    Verdict,
)
from hashmatch.v1 import feedback_pb2, feedback_pb2_grpc

from .command import Ended, called
from .metrics import METRICS, metrics
from .servers import running_server

FALSE, CONFIRMED = Finding.FALSE, Finding.CONFIRMED
PEOPLE = {
    "pipeline": {Role.SCAN},
    "moderator": {Role.SCAN},
    "staff": {Role.CURATE, Role.ADMIN},
    "lead": {Role.APPROVE},
}


class Place:
    """Two servers of one database, with a token for each of `PEOPLE`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'banks.db'}"
        with Store.open(self.url) as store:
            self.secrets = {
                name: store.tokens.create(Token(name, frozenset(roles), None)) for name, roles in PEOPLE.items()
            }
        for name, secret in self.secrets.items():
            (folder / name).write_text(secret)
        self.servers = []

    servers: list[ServerProcess]

    def client(self, name: str, server: int = 0) -> Client:
        return Client(self.servers[server].address, timeout=20, security=Security(self.secrets[name]))

    def command(self, name: str, *arguments: object) -> Ended:
        there = ("--server", self.servers[0].address, "--token-file", self.folder / name)
        return called(*there, *arguments)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("feedback"))
    how = {"HASHMATCH_DATABASE_URL": place.url, "HASHMATCH_WORKERS": "1", **METRICS}
    with ExitStack() as stack:
        for name in ("one", "two"):
            place.servers.append(stack.enter_context(running_server(place.folder / f"data-{name}", **how)))
        yield place


def made(place: Place, bank: Bank, number: int) -> tuple[int, Hash]:
    """A bank with one entry, as staff makes them."""
    item = Hash(PDQ, bytes([number, 255] * 16), 100)
    with place.client("staff") as staff:
        staff.create_bank(bank)
        (entry,), revision = staff.add_entries(bank.name, [NewEntry(item, Provenance("case", "hotline"))])
        for server in (0, 1):
            with place.client("staff", server) as there:
                there.wait_for_revision(revision)
    return entry.id, item


def test_every_server_asks_for_review_once_enough_people_say_false(place: Place) -> None:
    entry, item = made(place, Bank("wrong", action=Action.BLOCK), 1)
    before = metrics(place.servers[0])
    with place.client("pipeline") as pipeline, place.client("moderator", 1) as moderator:
        for number in range(5):
            assert not pipeline.feedback.report("wrong", entry, f"upload {number}", FALSE, note="a landscape").flagged
        for scan in (pipeline, moderator):
            assert scan.lookup_hashes([item])[0].verdict is Verdict.BLOCK
        done = moderator.feedback.report("wrong", entry, "upload 9", FALSE)
        assert (done.flagged, done.demoted) == (True, True)
        for scan in (pipeline, moderator):
            scan.wait_for_revision(done.revision)
            (decision,) = scan.lookup_hashes([item])
            assert (decision.verdict, decision.total_matches) == (Verdict.REVIEW, 1)
            assert decision.matches[0].action is Action.REVIEW
    after = metrics(place.servers[0])
    finding = 'hashmatch_reports_total{finding="FALSE"}'
    assert after[finding] - before.get(finding, 0) == 5
    assert metrics(place.servers[1])["hashmatch_demotions_total"] == 1
    with place.client("lead") as lead, place.client("staff") as staff:
        (flagged,) = lead.list_entries("wrong", EntryFilter(state=State.FLAGGED))
        assert (flagged.id, flagged.feedback) == (entry, Feedback(0, 6))
        assert lead.get_entry("wrong", entry) == flagged
        reports = list(lead.feedback.reports("wrong", entry))
        assert [report.reporter for report in reports] == ["token:pipeline"] * 5 + ["token:moderator"]
        assert reports[0].note == "a landscape"
        assert list(staff.feedback.sources("wrong")) == [SourceFeedback("hotline", 1, 1, Feedback(0, 6))]
        revision = lead.feedback.reinstate("wrong", [entry], reason="it is no landscape")
        with place.client("moderator", 1) as moderator:
            moderator.wait_for_revision(revision)
            assert moderator.lookup_hashes([item])[0].verdict is Verdict.BLOCK


def test_staff_that_added_an_entry_does_not_reinstate_it_where_it_takes_two(place: Place) -> None:
    entry, _ = made(place, Bank("careful", action=Action.BLOCK, approval=Approval.AFTER, false_reports=1), 2)
    for name in ("pipeline", "moderator"):
        with place.client(name) as reporter:
            reporter.feedback.report("careful", entry, "x", FALSE)
    with Store.open(place.url) as store:
        assert store.get_entry("careful", entry).state is State.FLAGGED
        with pytest.raises(NeedsAnotherPerson):
            store.feedback.reinstate("careful", [entry], author=Author("token:staff"))
    with place.client("lead") as lead:
        lead.feedback.reinstate("careful", [entry])
        assert lead.get_entry("careful", entry).state is State.LIVE


def test_what_is_wrong_is_a_typed_error_and_changes_nothing(place: Place) -> None:
    entry, _ = made(place, Bank("sound", action=Action.BLOCK), 3)
    with place.client("staff") as staff:
        (gone,), _ = staff.add_entries("sound", [NewEntry(Hash(PDQ, bytes(32), 100))])
        staff.remove_entries("sound", [gone.id])
    with place.client("pipeline") as scan:
        for number in (gone.id, 10**17):
            with pytest.raises(NotFound, match="has no matching entry"):
                scan.feedback.report("sound", number, "x", FALSE)
        with pytest.raises(NotFound):
            scan.feedback.report("acme/sound", entry, "x", FALSE)
        for field, content, note in (
            ("content_id", "", ""),
            ("content_id", "x" * 257, ""),
            ("content_id", "x" * 2**20, ""),
            ("note", "x", "n" * 1_025),
            ("note", "x", "\0"),
        ):
            with pytest.raises(InvalidField) as caught:
                scan.feedback.report("sound", entry, content, FALSE, note=note)
            assert caught.value.details["field"] == field
        with pytest.raises(InvalidField, match="LATER"):
            scan.feedback.report("sound", entry, "x", "LATER")  # type: ignore[arg-type]  # what is tested
    with place.client("lead") as lead:
        assert list(lead.feedback.reports("sound", entry)) == []
    with grpc.insecure_channel(place.servers[0].address) as channel:
        stub = feedback_pb2_grpc.FeedbackServiceStub(channel)
        scanner = (("authorization", f"Bearer {place.secrets['pipeline']}"),)
        leader = (("authorization", f"Bearer {place.secrets['lead']}"),)
        for number in (0, 7):
            request = feedback_pb2.ReportMatchRequest(entry=f"banks/sound/entries/{entry}", content_id="x")
            request.finding = number  # type: ignore[assignment]  # what is tested
            with pytest.raises(grpc.RpcError, match="finding: expected one of CONFIRMED, FALSE"):
                stub.ReportMatch(request, metadata=scanner)
        for token in ("AA==", "?"):
            with pytest.raises(grpc.RpcError, match="page_token"):
                stub.ListSources(feedback_pb2.ListSourcesRequest(bank="banks/sound", page_token=token), metadata=leader)


def test_a_flood_is_refused_and_told_as_one(place: Place) -> None:
    """The clock is the store's; so the reporter's hour is filled in the database."""
    entry, _ = made(place, Bank("flooded", action=Action.BLOCK), 4)
    with Store.open(place.url) as store:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feedback, "_HOUR", 0)
            store.feedback.report("flooded", entry, "first", CONFIRMED, Author("token:moderator"))
        with store._database.writes.begin() as connection:
            connection.exec_driver_sql("UPDATE head SET revision = revision")
            connection.exec_driver_sql(
                f"UPDATE reporters SET window_count = {feedback.MOST_AN_HOUR} WHERE name = 'token:moderator'"
            )
    with place.client("moderator") as moderator:
        with pytest.raises(TooManyReports, match="token:moderator has made 2,000 reports within an hour") as caught:
            moderator.feedback.report("flooded", entry, "second", FALSE)
        assert caught.value.details["maximum"] == "2000"
        assert 0 < caught.value.retry_seconds <= 3_600
        assert not moderator.feedback.report("flooded", entry, "first", CONFIRMED).flagged
    refusals = metrics(place.servers[0])
    assert refusals['hashmatch_calls_total{method="ReportMatch",status="RESOURCE_EXHAUSTED"}'] == 1
    assert_is_told_when_to_come_back(place, entry)
    with Store.open(place.url) as store, store._database.writes.begin() as connection:
        connection.exec_driver_sql("UPDATE head SET revision = revision")
        connection.exec_driver_sql("UPDATE reporters SET window_count = 1")


def assert_is_told_when_to_come_back(place: Place, entry: int) -> None:
    """What a client of another language is told: RetryInfo, and that gRPC is not to try again by itself."""
    request = feedback_pb2.ReportMatchRequest(
        entry=f"banks/flooded/entries/{entry}", content_id="third", finding=feedback_pb2.FINDING_FALSE
    )
    metadata = (("authorization", f"Bearer {place.secrets['moderator']}"),)
    with grpc.insecure_channel(place.servers[0].address) as channel:
        call = feedback_pb2_grpc.FeedbackServiceStub(channel).ReportMatch.future(request, metadata=metadata)
        assert call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        status, retry = rpc_status.from_call(call), error_details_pb2.RetryInfo()
        assert status is not None
        assert any(detail.Unpack(retry) for detail in status.details)
        assert 0 < retry.retry_delay.ToSeconds() <= 3_600
        assert dict(call.trailing_metadata())["grpc-retry-pushback-ms"] == "-1"


def test_what_one_token_sends_at_once_is_bounded_and_keeps_nobody_from_the_store(place: Place) -> None:
    entry, _ = made(place, Bank("busy", action=Action.BLOCK), 7)
    metadata = (("authorization", f"Bearer {place.secrets['pipeline']}"),)
    with (
        Store.open(place.url) as store,
        grpc.insecure_channel(place.servers[0].address) as channel,
        place.client("lead") as lead,
    ):
        stub = feedback_pb2_grpc.FeedbackServiceStub(channel)
        with store._database.writes.connect() as writer:
            writer.exec_driver_sql("UPDATE head SET revision = revision")
            sent = [
                stub.ReportMatch.future(
                    feedback_pb2.ReportMatchRequest(
                        entry=f"banks/busy/entries/{entry}",
                        content_id=str(number),
                        finding=feedback_pb2.FINDING_FALSE,
                    ),
                    metadata=metadata,
                    timeout=30,
                )
                for number in range(40)
            ]
            refused = next(call for call in as_done(sent) if call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED)
            assert "pipeline has 32 reports under way" in refused.details()
            assert [found.id for found in lead.list_entries("busy")] == [entry]
            writer.rollback()
        codes = [call.code() for call in sent]
        assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert codes.count(grpc.StatusCode.OK) >= 32
        with place.client("pipeline") as pipeline:
            assert not pipeline.feedback.report("busy", entry, "later", FALSE).flagged


def as_done(calls: list[Any]) -> Iterator[Any]:
    """Yield those that have ended, until all have."""
    waiting = list(calls)
    while waiting:
        ended = [call for call in waiting if call.done()]
        yield from ended
        waiting = [call for call in waiting if call not in ended]
        time.sleep(0.01)


def test_on_the_command_line(place: Place) -> None:
    entry, _ = made(place, Bank("shown", action=Action.BLOCK, false_reports=1), 5)
    assert place.command("pipeline", "report", "shown", entry, "upload 1").code == Code.USAGE
    said = place.command("pipeline", "report", "shown", entry, "upload 1", "--false", "--note", "a cat")
    assert said.out == f"reported entry {entry} of shown as false\n"
    confirmed = place.command("staff", "report", "shown", entry, "upload 2", "--confirmed", "--json").object
    assert (confirmed["finding"], confirmed["flagged"], confirmed["revision"]) == ("CONFIRMED", False, 0)
    place.command("staff", "report", "shown", entry, "upload 2", "--false")
    again = place.command("staff", "report", "shown", entry, "upload 2", "--false")
    assert again.out.endswith("as false: the entry is flagged\n")
    assert "2/2" in place.command("lead", "bank", "show", "shown", "--state", "flagged").out
    (_, shown) = place.command("lead", "bank", "show", "shown", "--entries", "--json").objects
    assert (shown["state"], shown["feedback"]) == ("FLAGGED", {"confirmed": 0, "false": 2})
    assert place.command("lead", "bank", "flagged", "shown", "--json").object == shown
    assert "hotline" in place.command("lead", "bank", "flagged").out
    first, second = place.command("lead", "bank", "reports", "shown", entry, "--json").objects
    assert (first["reporter"], first["note"], second["content_id"]) == ("token:pipeline", "a cat", "upload 2")
    assert "a cat" in place.command("lead", "bank", "reports", "shown", entry).out
    source = place.command("lead", "bank", "sources", "shown", "--json").object
    assert source == {"source": "hotline", "entries": 1, "flagged": 1, "confirmed": 0, "false": 2}
    assert "hotline" in place.command("lead", "bank", "sources", "shown").out
    assert place.command("staff", "bank", "reinstate", "shown", entry).code == Code.REFUSED
    back = place.command("lead", "bank", "reinstate", "shown", entry, "--reason", "a dog", "--json").object
    assert back["reinstated"] == [entry]
    assert "nothing was reported" in place.command("lead", "bank", "reports", "shown", entry).out
    assert place.command("lead", "bank", "reinstate", "shown", entry).code == Code.REFUSED
    for name in ("pipeline", "staff"):
        last = place.command(name, "report", "shown", entry, "upload 3", "--false")
    assert "asks for REVIEW from now on" in last.out
    assert "REVIEW" in place.command("lead", "bank", "flagged", "shown").out
    with place.client("staff") as staff:
        staff.remove_entries("shown", [entry])
    assert "nothing is flagged" in place.command("lead", "bank", "flagged", "shown").out


def test_the_asyncio_client_does_the_same(place: Place) -> None:
    entry, _ = made(place, Bank("shared", action=Action.BLOCK, false_reports=2), 6)

    async def run() -> None:
        address = place.servers[0].address
        async with (
            AsyncClient(address, security=Security(place.secrets["pipeline"])) as pipeline,
            AsyncClient(address, security=Security(place.secrets["lead"])) as lead,
        ):
            await pipeline.feedback.report("shared", entry, "x", FALSE)
            assert (await lead.feedback.report("shared", entry, "x", FALSE)).demoted
            assert [report.finding async for report in lead.feedback.reports("shared", entry)] == [FALSE, FALSE]
            assert [each.flagged async for each in lead.feedback.sources("shared")] == [1]
            await lead.feedback.reinstate("shared", [entry])
            assert (await lead.get_entry("shared", entry)).state is State.LIVE

    asyncio.run(run())
