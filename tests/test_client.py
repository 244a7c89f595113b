"""Both clients against real servers, and against servers that come, go and come back."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import errors
from hashmatch.cli.child import ServerProcess
from hashmatch.client import AsyncClient, Client
from hashmatch.client.calls import STREAM_WINDOW
from hashmatch.types import (
    Action,
    Bank,
    EntryFilter,
    Hash,
    ImageDecision,
    MatchOptions,
    NewEntry,
    NewMedia,
    Provenance,
    State,
    Verdict,
)
from tests.media_files import of_rgb
from tests.servers import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.address) as made:
        yield made


@pytest.fixture(scope="module")
def picture(photos: dict[str, NDArray[np.uint8]]) -> bytes:
    return of_rgb(photos["rocket"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_bank_and_its_matches(client: Client, picture: bytes) -> None:
    bank, made = client.create_bank(Bank("round-trip", "words", Action.BLOCK, threshold=10))
    assert bank == Bank("round-trip", "words", Action.BLOCK, threshold=10)
    provenance = Provenance("item", "source", ("a", "b"), "note")
    (entry,), added = client.add_entries("round-trip", [NewMedia(picture, provenance)])
    assert added > made
    assert entry.provenance == provenance
    found = client.match_image(picture, MatchOptions(min_revision=added))
    assert (found.verdict, found.total_matches, found.media_type) == (Verdict.BLOCK, 1, "image/jpeg")
    assert (found.matches[0].entry_id, found.matches[0].distance, found.matches[0].threshold) == (entry.id, 0, 10)
    assert client.lookup_hashes([entry.hash])[0].matches == found.matches
    assert client.hash_image(picture).hashes[0] == found.hash == entry.hash
    assert client.get_entry("round-trip", entry.id) == entry
    assert list(client.list_entries("round-trip")) == [entry]
    changed, _ = client.update_bank("round-trip", action=Action.REVIEW, enabled=False)
    assert (changed.action, changed.enabled) == (Action.REVIEW, False)
    assert client.get_bank("round-trip") == (changed, 1)
    assert changed in list(client.list_banks())
    client.remove_entries("round-trip", [entry.id], reason="a mistake")
    (removed,) = client.list_entries("round-trip", EntryFilter(state=State.REMOVED))
    assert (removed.id, removed.state, removed.removal_reason) == (entry.id, State.REMOVED, "a mistake")
    client.restore_entries("round-trip", [entry.id])
    content = entry.provenance.content_id
    assert list(client.list_entries("round-trip", EntryFilter(content))) == [entry]
    client.remove_content("round-trip", content)
    assert client.get_bank("round-trip") == (changed, 0)
    assert client.delete_bank("round-trip") <= client.status().revision + 1
    with pytest.raises(errors.NotFound):
        client.get_bank("round-trip")


async def test_the_same_with_asyncio(server: ServerProcess, picture: bytes) -> None:
    async with AsyncClient(server.address) as client:
        await client.create_bank(Bank("asyncio", action=Action.BLOCK))
        items: list[NewEntry | NewMedia] = [NewMedia(picture), NewEntry(Hash("pdq", bytes(32), 100))]
        entries, added = await client.add_entries("asyncio", items)
        found = await client.match_image(picture, MatchOptions(banks=("asyncio",), min_revision=added))
        assert [match.entry_id for match in found.matches] == [entries[0].id]
        decisions = await client.lookup_hashes([entry.hash for entry in entries], MatchOptions(banks=("asyncio",)))
        assert [decision.total_matches for decision in decisions] == [1, 1]
        assert (await client.hash_image(picture)).hashes[0] == entries[0].hash
        assert await client.get_entry("asyncio", entries[1].id) == entries[1]
        assert [entry async for entry in client.list_entries("asyncio")] == entries
        changed, _ = await client.update_bank("asyncio", threshold=1)
        assert (await client.get_bank("asyncio")) == (changed, 2)
        assert changed in [bank async for bank in client.list_banks()]
        await client.remove_entries("asyncio", [entries[0].id])
        await client.restore_entries("asyncio", [entries[0].id])
        with pytest.raises(errors.NotFound):
            await client.remove_content("asyncio", "item")
        assert (await client.status()).entries["pdq"] >= 1
        await client.delete_bank("asyncio")
        with pytest.raises(errors.NotFound):
            await client.get_bank("asyncio")


def test_long_lists_come_whole(client: Client) -> None:
    client.create_bank(Bank("long"))
    entries, _ = client.add_entries("long", [NewEntry(Hash("pdq", bytes(32)))] * 250)
    assert list(client.list_entries("long")) == entries
    client.delete_bank("long")


async def test_a_load_answers_with_its_last_entry(client: Client, server: ServerProcess) -> None:
    client.create_bank(Bank("loaded"))
    new = [NewEntry(Hash("pdq", bytes([number] * 32), number)) for number in range(100)]
    last = client.load_entries("loaded", new, request_id="once")
    async with AsyncClient(server.address) as other:
        assert await other.load_entries("loaded", new, request_id="once") == last
    entries = list(client.list_entries("loaded"))
    assert [entry.hash for entry in entries] == [entry.hash for entry in new]
    assert entries[-1] == last
    client.delete_bank("loaded")


def test_errors_are_typed_and_carry_their_details(client: Client) -> None:
    with pytest.raises(errors.EmptyMedia):
        client.match_image(b"")
    with pytest.raises(errors.MediaTooLarge) as caught:
        client.hash_image(bytes(40_000_000))
    assert caught.value.details["limit"]
    with pytest.raises(errors.InvalidField) as wrong:
        client.create_bank(Bank("UPPER"))
    assert wrong.value.details["field"] == "bank.name"
    with pytest.raises(errors.InvalidField):
        client.update_bank("any", nonsense=1)


def test_many_come_back_in_order_with_their_errors(client: Client, picture: bytes) -> None:
    bodies = [picture, b"", picture, b"words, words, words"] * 30
    outcomes = list(client.match_many((str(at), body) for at, body in enumerate(bodies)))
    assert [key for key, _ in outcomes] == [str(at) for at in range(len(bodies))]
    kinds = [type(outcome) for _, outcome in outcomes]
    assert kinds == [ImageDecision, errors.EmptyMedia, ImageDecision, errors.UnsupportedMedia] * 30


def test_many_of_nothing_is_nothing(client: Client) -> None:
    assert list(client.match_many([])) == []


def test_the_source_is_not_drawn_far_ahead(client: Client, picture: bytes) -> None:
    drawn = 0

    def source() -> Iterator[tuple[str, bytes]]:
        nonlocal drawn
        for at in range(500):
            drawn += 1
            yield str(at), picture

    outcomes = client.match_many(source())
    next(outcomes)
    time.sleep(0.5)
    assert drawn <= STREAM_WINDOW + 2
    outcomes.close()  # type: ignore[attr-defined]  # a generator


def test_answers_come_while_the_source_waits(client: Client, picture: bytes) -> None:
    answered = threading.Event()

    def source() -> Iterator[tuple[str, bytes]]:
        yield "first", picture
        assert answered.wait(10)
        yield "second", picture

    keys = []
    for key, _ in client.match_many(source()):
        keys.append(key)
        answered.set()
    assert keys == ["first", "second"]


def test_an_error_of_the_source_reaches_the_caller(client: Client, picture: bytes) -> None:
    def source() -> Iterator[tuple[str, bytes]]:
        yield "first", picture
        raise LookupError("no second")

    keys: list[str] = []
    with pytest.raises(LookupError):
        keys.extend(key for key, _ in client.match_many(source()))


async def test_many_with_asyncio(server: ServerProcess, picture: bytes) -> None:
    async def source() -> AsyncIterator[tuple[str, bytes]]:
        for at in range(100):
            await asyncio.sleep(0)
            yield str(at), picture if at % 2 else b""

    async with AsyncClient(server.address) as client:
        outcomes = [outcome async for outcome in client.match_many(source())]
        assert [key for key, _ in outcomes] == [str(at) for at in range(100)]
        assert [type(outcome) for _, outcome in outcomes] == [errors.EmptyMedia, ImageDecision] * 50

        async def broken() -> AsyncIterator[tuple[str, bytes]]:
            yield "first", picture
            raise LookupError("no second")

        with pytest.raises(LookupError):
            _ = [outcome async for outcome in client.match_many(broken())]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_many_outlive_a_restart(tmp_path: Path, picture: bytes, end: str) -> None:
    """Whatever had no answer when the server went is sent again: none missing, none twice, all in order."""
    server = ServerProcess(tmp_path)
    server.start()
    address = server.address

    def restart() -> None:
        getattr(server, end)()
        server.start(address)

    restarting = threading.Thread(target=restart)
    keys = []
    with Client(address) as client:
        for key, outcome in client.match_many((str(at), picture) for at in range(400)):
            assert isinstance(outcome, ImageDecision)
            keys.append(key)
            if len(keys) == 50:
                restarting.start()
    restarting.join()
    assert server.stop() == 0
    assert keys == [str(at) for at in range(400)]


async def test_many_outlive_a_restart_with_asyncio(tmp_path: Path, picture: bytes) -> None:
    server = ServerProcess(tmp_path)
    server.start()
    address = server.address
    keys: list[str] = []
    restarting = None

    def restart() -> None:
        server.kill()
        server.start(address)

    async with AsyncClient(address) as client:
        async for key, outcome in client.match_many((str(at), picture) for at in range(400)):
            assert isinstance(outcome, ImageDecision)
            keys.append(key)
            if len(keys) == 50:
                restarting = asyncio.create_task(asyncio.to_thread(restart))
        assert restarting is not None
        await restarting
    assert server.stop() == 0
    assert keys == [str(at) for at in range(400)]


def test_a_call_waits_for_a_server_that_is_starting(tmp_path: Path) -> None:
    port = free_port()
    server = ServerProcess(tmp_path)
    starting = threading.Timer(0.3, server.start, [f"127.0.0.1:{port}"])
    starting.start()
    with Client(f"127.0.0.1:{port}", timeout=30) as client:
        end = time.monotonic() + 60
        while True:
            try:
                assert client.status().revision == 0
            except errors.Unavailable:
                assert time.monotonic() < end
            else:
                break
    starting.join()
    assert server.stop() == 0


def test_no_server_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashmatch.client.calls.STREAM_ATTEMPTS", 2)
    with Client(f"127.0.0.1:{free_port()}", timeout=5) as client:
        with pytest.raises(errors.Unavailable):
            client.status()
        with pytest.raises(errors.Unavailable):
            list(client.match_many([("a", b"")]))


def test_what_a_stopping_server_had_not_begun_is_sent_again() -> None:
    """GRPC itself cancels such calls."""
    attempts = Counter[str]()

    def cancel(method: str, context: grpc.ServicerContext) -> NoReturn:
        attempts[method] += 1
        context.abort(grpc.StatusCode.CANCELLED, "")
        raise AssertionError

    handlers = [
        grpc.method_handlers_generic_handler(
            "hashmatch.v1.StatusService",
            {"GetStatus": grpc.unary_unary_rpc_method_handler(lambda _, context: cancel("GetStatus", context))},
        ),
        grpc.method_handlers_generic_handler(
            "hashmatch.v1.MatchService",
            {"MatchStream": grpc.stream_stream_rpc_method_handler(lambda _, context: cancel("MatchStream", context))},
        ),
    ]
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads, handlers=handlers)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with Client(f"127.0.0.1:{port}", timeout=1) as client:
            with pytest.raises(errors.Unavailable):
                client.status()
            with pytest.raises(errors.Unavailable):
                list(client.match_many([("a", b"")]))
        server.stop(None).wait()
    assert min(attempts["GetStatus"], attempts["MatchStream"]) > 1


def test_time_runs_out(server: ServerProcess, picture: bytes) -> None:
    with Client(server.address, timeout=0.0001) as hurried, pytest.raises(errors.DeadlineExceeded):
        hurried.status()
    with Client(server.address, timeout=1) as brief, pytest.raises(errors.RevisionNotReached):
        brief.match_image(picture, MatchOptions(min_revision=10**9))
