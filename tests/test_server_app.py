"""One server process from start to end: what it does when told to stop, when out of time, when broken, when killed."""

import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2
from numpy.typing import NDArray

from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.v1 import bank_pb2, match_pb2, types_pb2
from tests.media_files import of_rgb
from tests.servers import Stubs, refused, running_server

Photos = dict[str, NDArray[np.uint8]]


def test_sigterm_drains(tmp_path: Path, photos: Photos) -> None:
    """Health turns first and its watchers are let go, what was sent is answered, and the process ends with 0."""
    large = of_rgb(np.tile(photos["astronaut"], (4, 4, 1)))
    with running_server(tmp_path, HASHMATCH_WORKERS="1") as running:
        stubs = Stubs(running.address)
        watch = stubs.health.Watch(health_pb2.HealthCheckRequest(service=""))
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        in_flight = [
            stubs.match.MatchImage.future(match_pb2.MatchImageRequest(media=large), timeout=60) for _ in range(8)
        ]
        time.sleep(0.05)
        os.kill(running.pid, signal.SIGTERM)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert all(call.result().result.hash.quality == 100 for call in in_flight)
        assert not list(watch)
        assert running.stop() == 0
        stubs.channel.close()


def test_a_unix_socket(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'socket'}"
    server = ServerProcess(tmp_path)
    server.start(address)
    assert server.address == address
    with Client(address) as client:
        assert client.status().revision == 0
    assert server.stop() == 0


def test_a_stream_is_told_that_the_server_stops(tmp_path: Path, photos: Photos) -> None:
    """What was sent is answered; the stream then ends with UNAVAILABLE, so that the rest is sent to another server."""
    image = match_pb2.MatchImageRequest(media=of_rgb(photos["rocket"]))
    stopping = threading.Event()
    with running_server(tmp_path) as running:

        def requests() -> Iterator[match_pb2.MatchStreamRequest]:
            yield match_pb2.MatchStreamRequest(key="sent", image=image)
            stopping.wait(60)

        stubs = Stubs(running.address)
        answers = iter(stubs.match.MatchStream(requests()))
        assert next(answers).key == "sent"
        os.kill(running.pid, signal.SIGTERM)
        with refused(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"):
            next(answers)
        stopping.set()
        stubs.channel.close()


def test_a_call_that_others_keep_waiting_is_refused_or_given_up(tmp_path: Path, photos: Photos) -> None:
    large = match_pb2.MatchImageRequest(media=of_rgb(np.tile(photos["astronaut"], (4, 4, 1))))
    small = match_pb2.MatchImageRequest(media=of_rgb(photos["rocket"]))
    with running_server(tmp_path, HASHMATCH_WORKERS="1") as running:
        stubs = Stubs(running.address)
        before = [stubs.match.MatchImage.future(large, timeout=60) for _ in range(8)]
        with pytest.raises(grpc.RpcError) as caught:
            stubs.match.MatchImage(small, timeout=0.05)
        refused_or_late = {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
        assert caught.value.code() in refused_or_late  # refused once the server has seen how long the others take
        assert all(call.result().result.hash.quality == 100 for call in before)
        assert stubs.match.MatchImage(small, timeout=60).result.hash.quality == 100
        stubs.channel.close()


def test_a_defect_is_internal_to_the_caller_and_a_trace_in_the_log(tmp_path: Path) -> None:
    """A row of the database that no version of the service would have written."""
    with running_server(tmp_path) as running:
        stubs = Stubs(running.address)
        bank = types_pb2.Bank(name="banks/damaged")
        stubs.bank.CreateBank(bank_pb2.CreateBankRequest(bank=bank))
        with sqlite3.connect(tmp_path / "hashmatch.db") as database:
            database.execute("PRAGMA ignore_check_constraints = ON")
            database.execute("UPDATE banks SET action = 'SING'")
        with refused(grpc.StatusCode.INTERNAL, "INTERNAL"):
            stubs.bank.GetBank(bank_pb2.GetBankRequest(name=bank.name))
        answer = stubs.health.Check(health_pb2.HealthCheckRequest(service=""))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stubs.channel.close()
        failed = [json.loads(line) for line in running.log.read_text().splitlines() if "call failed" in line]
    (event,) = failed
    assert event["method"] == "/hashmatch.v1.BankService/GetBank"
    assert "SING" in json.dumps(event["exception"])


def added_one_by_one(stubs: Stubs, bank: str) -> Iterator[str]:
    """Names of entries, each yielded once its own call has acknowledged it; the hash of the nth is n."""
    for number in range(10**6):
        value = types_pb2.Hash(kind="pdq", bits=number.to_bytes(32), quality=100)
        request = bank_pb2.AddEntriesRequest(parent=bank, entries=[bank_pb2.NewEntry(hash=value)])
        yield stubs.bank.AddEntries(request).entries[0].name


def test_a_killed_server_has_every_acknowledged_entry(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with running_server(tmp_path) as running:
        stubs = Stubs(running.address)
        stubs.bank.CreateBank(bank_pb2.CreateBankRequest(bank=types_pb2.Bank(name="banks/b")))
        killer = threading.Timer(1.0, running.kill)
        killer.start()
        with pytest.raises(grpc.RpcError):
            acknowledged.extend(added_one_by_one(stubs, "banks/b"))
        stubs.channel.close()
        killer.join()
    assert len(acknowledged) > 10
    with running_server(tmp_path) as running:
        stubs = Stubs(running.address)
        for start in range(0, len(acknowledged), 4096):
            numbers = range(start, min(start + 4096, len(acknowledged)))
            answer = stubs.match.LookupHashes(
                match_pb2.LookupHashesRequest(
                    hashes=[types_pb2.Hash(kind="pdq", bits=number.to_bytes(32)) for number in numbers],
                    options=types_pb2.MatchOptions(max_matches=1),
                )
            )
            for number, result in zip(numbers, answer.results, strict=True):
                assert result.matches[0].entry == acknowledged[number]
                assert result.matches[0].distance == 0
        stubs.channel.close()
