"""A real server with more to do than it can: whom it refuses and how, and that nobody else notices."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from numpy.typing import NDArray

from hashmatch.cli.child import ServerProcess
from hashmatch.client import AsyncClient, Client
from hashmatch.types import Bank, ImageDecision
from hashmatch.v1 import match_pb2, match_pb2_grpc
from tests.metrics import METRICS, metrics
from tests.servers import running_server

pytestmark = pytest.mark.alone

TIGHT = {"HASHMATCH_WORKERS": "1", "HASHMATCH_MAX_QUEUE_SECONDS": "0.5", "HASHMATCH_CACHE_BYTES": "0", **METRICS}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("data"), **TIGHT) as running:
        yield running


def encoded(pixels: NDArray[np.uint8], *options: int) -> bytes:
    done, data = cv2.imencode(".jpg", pixels, options)
    assert done
    return data.tobytes()


@pytest.fixture(scope="module")
def large(photos: dict[str, NDArray[np.uint8]]) -> bytes:
    """An image that keeps a worker for some tenths of a second: progressive, which the core leaves to libjpeg."""
    return encoded(np.tile(photos["astronaut"], (8, 8, 1)), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)


@pytest.fixture(scope="module")
def small(photos: dict[str, NDArray[np.uint8]]) -> bytes:
    return encoded(np.ascontiguousarray(photos["astronaut"][:64, :64]))


class Flood:
    """Calls of one channel of its own, all at once, that nothing but `stop` or their deadline ends."""

    def __init__(self, address: str, media: bytes, calls: int, timeout: float = 60) -> None:
        self.channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        method = match_pb2_grpc.MatchServiceStub(self.channel).MatchImage
        request = match_pb2.MatchImageRequest(media=media)
        self.calls: list[Any] = [method.future(request, timeout=timeout) for _ in range(calls)]

    def codes(self) -> list[grpc.StatusCode]:
        return [call.code() for call in self.calls]

    def stop(self) -> None:
        for call in self.calls:
            call.cancel()
        self.channel.close()


@pytest.fixture
def flood(server: ServerProcess, large: bytes) -> Iterator[Flood]:
    with Client(server.address) as client:
        client.match_image(large)  # so that the server knows how long they take
    made = Flood(server.address, large, 60)
    yield made
    made.stop()


def test_what_cannot_be_served_is_refused_with_when_to_come_back(flood: Flood) -> None:
    codes = set(flood.codes())
    assert codes == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    for call in flood.calls:
        if call.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            continue
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        status = rpc_status.from_call(call)
        assert status is not None
        assert any(detail.Unpack(info) for detail in status.details)
        assert any(detail.Unpack(retry) for detail in status.details)
        assert (info.reason, info.domain) == ("OVERLOADED", "hashmatch")
        assert info.metadata["limit"] in {"wait", "bytes"}
        pushback = dict(call.trailing_metadata())["grpc-retry-pushback-ms"]
        assert 50 <= int(pushback) <= 10_000
        assert abs(int(pushback) - retry.retry_delay.ToMilliseconds()) <= 1


def test_a_deadline_that_cannot_be_met_is_refused_at_once(server: ServerProcess, flood: Flood, small: bytes) -> None:
    refused = Flood(server.address, small, 0)
    method = match_pb2_grpc.MatchServiceStub(flood.channel).MatchImage
    with pytest.raises(grpc.RpcError) as caught:
        method(match_pb2.MatchImageRequest(media=small), timeout=0.2)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    refused.stop()


def test_others_are_served_while_one_floods(server: ServerProcess, flood: Flood, small: bytes) -> None:
    """Of the flood, at most the job at work and one more is done before another connection's turn."""
    other = grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)])
    grpc.channel_ready_future(other).result(timeout=30)

    def answered() -> int:
        return sum(call.done() and call.code() is grpc.StatusCode.OK for call in flood.calls)

    def answered_meanwhile() -> int:
        before = answered()
        match_pb2_grpc.MatchServiceStub(other).MatchImage(match_pb2.MatchImageRequest(media=small), timeout=30)
        return answered() - before

    # a busy machine may be late to send it, but hardly so often
    assert any(answered_meanwhile() <= 3 for _ in range(4))
    check = health_pb2_grpc.HealthStub(other).Check(health_pb2.HealthCheckRequest())
    assert check.status == health_pb2.HealthCheckResponse.SERVING
    other.close()
    with Client(server.address) as client:
        assert client.status().revision >= 0
        client.create_bank(Bank("during-a-flood"))
        client.delete_bank("during-a-flood")
    assert not all(call.done() for call in flood.calls)


def test_cancelled_calls_are_not_hashed(tmp_path: Path, large: bytes, small: bytes) -> None:
    with running_server(tmp_path, **{**TIGHT, "HASHMATCH_MAX_QUEUE_SECONDS": "60"}) as server:
        flood = Flood(server.address, large, 40)
        time.sleep(0.3)
        flood.stop()
        with Client(server.address) as client:
            client.match_image(small)
        found = metrics(server)
        assert found['hashmatch_stage_seconds_count{stage="image"}'] <= 20
        assert found["hashmatch_queue_depth"] == found["hashmatch_held_calls"] == found["hashmatch_held_bytes"] == 0


def test_a_stream_is_slowed_and_never_refused(tmp_path: Path, photos: dict[str, NDArray[np.uint8]]) -> None:
    picture = encoded(photos["astronaut"])
    with running_server(tmp_path, **TIGHT, HASHMATCH_MAX_QUEUE_BYTES=str(3 * len(picture))) as server:

        def stream(name: str) -> list[str]:
            with Client(server.address) as client:
                answers = list(client.match_many((f"{name} {at}", picture) for at in range(60)))
            assert all(isinstance(outcome, ImageDecision) for _, outcome in answers)
            return [key for key, _ in answers]

        with ThreadPoolExecutor(4) as pool:
            for name, keys in zip("abcd", pool.map(stream, "abcd"), strict=True):
                assert keys == [f"{name} {at}" for at in range(60)]
        found = metrics(server)
        assert found['hashmatch_stream_items_total{status="OK"}'] == 240
        assert not [name for name in found if name.startswith("hashmatch_refusals_total{")]


def test_many_threads_of_one_client_all_get_through(server: ServerProcess, large: bytes) -> None:
    """More than may wait: those refused come back when they were told to."""
    with Client(server.address, timeout=60) as client, ThreadPoolExecutor(32) as pool:
        client.match_image(large)
        assert all(found.hash.quality for found in pool.map(client.match_image, [large] * 32))
        load = client.status().load
    assert load.workers == 1
    assert load.ended >= 33
    assert (load.waiting, load.working, load.held_bytes) == (0, 0, 0)
    assert load.overloads > 0


async def test_many_calls_of_one_asyncio_client_all_get_through(server: ServerProcess, large: bytes) -> None:
    async with AsyncClient(server.address, timeout=60) as client:
        before = (await client.status()).load.overloads
        found = await asyncio.gather(*(client.match_image(large) for _ in range(16)))
        assert all(each.hash.quality for each in found)
        assert (await client.status()).load.overloads > before
