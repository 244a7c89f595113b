"""What a real server counts, read as Prometheus reads it."""

import json
import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import errors
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.types import Bank, Hash, NewEntry
from tests.command import hashmatch
from tests.media_files import of_rgb
from tests.metrics import METRICS, metrics, metrics_url
from tests.servers import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("data"), **METRICS) as running:
        yield running


@pytest.fixture(scope="module")
def picture(photos: dict[str, NDArray[np.uint8]]) -> bytes:
    return of_rgb(photos["coffee"])


def grown(server: ServerProcess, before: dict[str, float]) -> dict[str, float]:
    """Counters of ours that have grown since, by how much."""
    return {
        name: value - before.get(name, 0)
        for name, value in metrics(server).items()
        if name.startswith("hashmatch_") and name.partition("{")[0].endswith(("_total", "_count"))
        if value != before.get(name, 0)
    }


def test_calls_stages_and_the_cache_are_counted(server: ServerProcess, picture: bytes) -> None:
    before = metrics(server)
    with Client(server.address) as client:
        for _ in range(3):
            client.match_image(picture)
        with pytest.raises(errors.EmptyMedia):
            client.match_image(b"")
        list(client.match_many([("a", picture), ("b", b"words, words, words")]))
    assert grown(server, before) == {
        'hashmatch_calls_total{method="MatchImage",status="OK"}': 3,
        'hashmatch_calls_total{method="MatchImage",status="INVALID_ARGUMENT"}': 1,
        'hashmatch_calls_total{method="MatchStream",status="OK"}': 1,
        'hashmatch_call_seconds_count{method="MatchImage"}': 4,
        'hashmatch_call_seconds_count{method="MatchStream"}': 1,
        'hashmatch_stream_items_total{status="OK"}': 1,
        'hashmatch_stream_items_total{status="INVALID_ARGUMENT"}': 1,
        'hashmatch_refusals_total{reason="EMPTY_MEDIA"}': 1,
        'hashmatch_refusals_total{reason="UNSUPPORTED_MEDIA"}': 1,
        'hashmatch_stage_seconds_count{stage="queue"}': 6,
        'hashmatch_stage_seconds_count{stage="image"}': 6,
        'hashmatch_stage_seconds_count{stage="decode"}': 1,
        'hashmatch_stage_seconds_count{stage="hash"}': 1,
        'hashmatch_stage_seconds_count{stage="search"}': 4,
        'hashmatch_stage_seconds_count{stage="policy"}': 4,
        "hashmatch_cache_lookups_total": 6,
        "hashmatch_cache_hits_total": 3,
    }


def test_decoding_and_hashing_are_parts_of_what_an_image_took(server: ServerProcess, picture: bytes) -> None:
    before = metrics(server)
    with Client(server.address) as client:
        client.match_image(picture + b"another")
    after = metrics(server)
    image, decode, hashing = (
        after[name] - before.get(name, 0)
        for stage in ("image", "decode", "hash")
        for name in [f'hashmatch_stage_seconds_sum{{stage="{stage}"}}']
    )
    assert decode > 0
    assert hashing > 0
    assert decode + hashing < image


def test_a_repeated_upload_gets_the_verdict_of_now(server: ServerProcess, picture: bytes) -> None:
    with Client(server.address) as client:
        first = client.match_image(picture)
        client.create_bank(Bank("later"))
        _, revision = client.add_entries("later", [NewEntry(first.hash)])
        client.wait_for_revision(revision)
        again = client.match_image(picture)
        assert (first.total_matches, again.total_matches) == (0, 1)
        client.delete_bank("later")


def test_the_index_is_told(server: ServerProcess) -> None:
    with Client(server.address) as client:
        client.create_bank(Bank("told"))
        _, revision = client.add_entries("told", [NewEntry(Hash("pdq", bytes(32), 100))] * 7)
        client.wait_for_revision(revision)
        found = metrics(server)
        assert found["hashmatch_index_revision"] == revision
        assert 0 <= found["hashmatch_index_behind_seconds"] < 30
        assert found['hashmatch_entries{kind="pdq"}'] == 7
        assert found["process_resident_memory_bytes"] > 10**7
        assert found["hashmatch_sandbox"] == 1
        client.delete_bank("told")


def test_the_guide_names_what_there_is(server: ServerProcess) -> None:
    guide = Path(__file__).parent.parent / "docs" / "operating.md"
    named = set(re.findall(r"`(hashmatch_[a-z_]+)`", guide.read_text()))
    with urllib.request.urlopen(metrics_url(server), timeout=10) as answer:
        there = set(re.findall(r"^# HELP (\w+)", answer.read().decode(), re.MULTILINE))
    assert named - there == set()
    assert len(named) > 15


def test_a_server_that_seals_nothing_says_so_everywhere(tmp_path: Path) -> None:
    with running_server(tmp_path, HASHMATCH_SANDBOX="off", **METRICS) as server:
        with Client(server.address) as client:
            assert client.status().sandbox == "off"
        assert metrics(server)["hashmatch_sandbox"] == 0
        events = [json.loads(line) for line in server.log.read_text().splitlines()]
        assert any(event["level"] == "warning" and "--sandbox off" in event["event"] for event in events)


def test_there_are_none_unless_asked_for(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        assert '"metrics"' not in server.log.read_text()


def test_a_port_in_use_is_a_clear_error(server: ServerProcess, tmp_path: Path) -> None:
    taken = metrics_url(server).split("/")[2]
    for address, words in ((taken, f"cannot listen on {taken} for metrics"), ("nonsense", "expected host:port")):
        ended = hashmatch("serve", "--address", "127.0.0.1:0", "--data-dir", tmp_path, "--metrics-address", address)
        assert (ended.code, ended.out) == (2, "")
        assert words in ended.err


def test_a_slow_reader_does_not_keep_others_from_them(server: ServerProcess) -> None:
    host, _, port = metrics_url(server).split("/")[2].rpartition(":")
    with socket.create_connection((host, int(port))) as idle:
        idle.send(b"GET /metr")
        time.sleep(0.1)
        with urllib.request.urlopen(metrics_url(server), timeout=10) as answer:
            assert b"hashmatch_build_info" in answer.read()
