"""Bytes that no client of ours sends, and clients that send too slowly, too much, or leave: others are served."""

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import errors
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.v1 import match_pb2, match_pb2_grpc, video_pb2
from tests.media_files import of_rgb
from tests.metrics import METRICS, metrics
from tests.servers import running_server
from tests.test_sandbox_pool import wait_until

MATCH_IMAGE = "/hashmatch.v1.MatchService/MatchImage"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("data"), **METRICS) as running:
        yield running


@pytest.fixture(scope="module")
def picture(photos: dict[str, NDArray[np.uint8]]) -> bytes:
    return of_rgb(photos["astronaut"][:128, :128])


@pytest.fixture(autouse=True)
def others_are_served(server: ServerProcess, picture: bytes) -> Iterator[None]:
    """Whatever a test does, afterwards the server answers as before and holds nothing."""
    yield
    with Client(server.address) as client:
        assert client.match_image(picture).width == 128
    deadline = time.monotonic() + 20
    while (found := metrics(server))["hashmatch_held_calls"] or found["hashmatch_held_bytes"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Wire:
    """One HTTP/2 connection, frame by frame."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def frame(self, kind: int, flags: int, stream: int, body: bytes = b"") -> None:
        self.socket.sendall(struct.pack(">I", len(body))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + body)

    def hello(self) -> "Wire":
        self.socket.sendall(PREFACE)
        self.frame(SETTINGS, 0, 0)
        return self

    def call(self, stream: int = 1, path: str = MATCH_IMAGE, **extra: str) -> None:
        """Headers as literals without indexing: RFC 7541, 6.2.2."""
        fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "x", "te": "trailers"}
        fields |= {"content-type": "application/grpc", **extra}
        block = b"".join(
            b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()
            for name, value in fields.items()
        )
        self.frame(HEADERS, END_HEADERS, stream, block)

    def ended(self, stream: int = 1) -> bool:
        """Read until the server has ended the stream or the connection; False where it has not in time."""
        self.socket.settimeout(10)
        data = b""
        try:
            while received := self.socket.recv(65_536):
                data += received
                while len(data) >= 9 and len(data) >= 9 + (length := int.from_bytes(data[:3], "big")):
                    kind, flags, on = data[3], data[4], int.from_bytes(data[5:9], "big")
                    data = data[9 + length :]
                    if kind == GOAWAY or (on == stream and (kind == RST_STREAM or flags & END_STREAM)):
                        return True
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


def descriptors(server: ServerProcess) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def prefixed(declared: int, message: bytes, compressed: int = 0) -> bytes:
    """A gRPC message that says to have a length."""
    return struct.pack(">BI", compressed, declared) + message


def test_lengths_that_are_not_so_end_the_call(server: ServerProcess, picture: bytes) -> None:
    request = match_pb2.MatchImageRequest(media=picture).SerializeToString()
    for body in (
        b"",  # no message at all
        b"\0\0",  # not even a length
        prefixed(0, b""),
        prefixed(len(request) + 1, request),
        prefixed(len(request) - 1, request),
        prefixed(1, request),
        prefixed(2**32 - 1, request),
        prefixed(2**31, request),
        prefixed(len(request), request, compressed=1),
        prefixed(len(request), request, compressed=7),
        prefixed(len(request), os.urandom(len(request))),
        prefixed(len(request), request) * 2,
    ):
        with Wire(server.address).hello() as wire:
            wire.call()
            for start in range(0, len(body), 16_384):
                wire.frame(DATA, 0, 1, body[start : start + 16_384])
            wire.frame(DATA, END_STREAM, 1)
            assert wire.ended(), body[:10]


def test_what_is_not_http2_ends_the_connection(server: ServerProcess) -> None:
    for words in (
        b"GET / HTTP/1.1\r\n\r\n",
        os.urandom(1000),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    ):
        with Wire(server.address) as wire:
            wire.socket.sendall(words)
            assert wire.ended()


def test_frames_that_are_not_allowed_are_survived(server: ServerProcess) -> None:
    for kind, flags, stream, body in (
        (DATA, 0, 0, b"on no stream"),
        (SETTINGS, 0, 1, b""),
        (SETTINGS, 0, 0, b"12345"),
        (PING, 0, 0, b"short"),
        (HEADERS, END_HEADERS, 2, b""),
        (HEADERS, END_HEADERS, 1, b"\xff" * 100),
    ):
        with Wire(server.address).hello() as wire:
            wire.frame(kind, flags, stream, body)
            wire.frame(PING, 0, 0, bytes(8))
            wire.socket.recv(100)


def test_half_open_connections_do_not_keep_others_out(server: ServerProcess, picture: bytes) -> None:
    """Connections that say nothing, only hello, only headers, or part of a large message."""
    before = descriptors(server)
    with ExitStack() as stack:
        for number in range(200):
            wire = stack.enter_context(Wire(server.address))
            if number % 4 > 0:
                wire.hello()
            if number % 4 > 1:
                wire.call()
            if number % 4 > 2:
                wire.frame(DATA, 0, 1, prefixed(30_000_000, bytes(10_000)))
        with Client(server.address) as client:
            for _ in range(20):
                assert client.match_image(picture).width == 128
    deadline = time.monotonic() + 20
    while descriptors(server) > before + 5:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_slow_upload_is_taken_and_keeps_nobody_waiting(server: ServerProcess, picture: bytes) -> None:
    body = prefixed(len(request := match_pb2.MatchImageRequest(media=picture).SerializeToString()), request)
    with Wire(server.address).hello() as wire, Client(server.address) as client:
        wire.call()
        for start in range(0, len(body), 500):
            wire.frame(DATA, 0, 1, body[start : start + 500])
            assert client.match_image(picture).width == 128
        wire.frame(DATA, END_STREAM, 1)
        assert wire.ended()


def test_more_streams_than_allowed_wait_with_the_client(server: ServerProcess) -> None:
    with Wire(server.address).hello() as wire:
        for number in range(3000):
            wire.call(2 * number + 1)
        assert metrics(server)["hashmatch_held_calls"] <= 1024


def test_cancelled_streams_leave_nothing(server: ServerProcess, picture: bytes) -> None:
    def items() -> Iterator[match_pb2.MatchStreamRequest]:
        for number in range(1000):
            yield match_pb2.MatchStreamRequest(key=str(number), image=match_pb2.MatchImageRequest(media=picture))

    with grpc.insecure_channel(server.address) as channel:
        stub = match_pb2_grpc.MatchServiceStub(channel)
        for answers_read in (0, 1, 5) * 10:
            stream: Any = stub.MatchStream(items())
            for _ in range(answers_read):
                next(stream)
            stream.cancel()


def test_videos_that_never_come_do_not_keep_others_out(server: ServerProcess, picture: bytes, tmp_path: Path) -> None:
    """One connection begins as many as it may, and sends nothing more of any."""
    begun, leaving = threading.Semaphore(0), threading.Event()
    still = tmp_path / "still"
    still.write_bytes(picture)

    def parts() -> Iterator[match_pb2.MatchVideoRequest]:
        begun.release()
        yield match_pb2.MatchVideoRequest(start=match_pb2.MatchVideoStart(upload=video_pb2.Upload(size=9)))
        leaving.wait(20)

    with grpc.insecure_channel(server.address) as channel:
        stub = match_pb2_grpc.MatchServiceStub(channel)
        calls: list[Any] = [stub.MatchVideo(parts()) for _ in range(60)]
        try:
            for _ in calls:
                assert begun.acquire(timeout=20)
            wait_until(lambda: any(call.done() for call in calls))
            with Client(server.address) as client:
                assert client.hash_video(still).scan.complete
            refused = [call for call in calls if call.done()]
            assert {call.code() for call in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
            assert len(refused) < len(calls)
        finally:
            leaving.set()
            for call in calls:
                call.cancel()


def test_a_stream_whose_answers_are_not_read_is_not_read_either(server: ServerProcess, picture: bytes) -> None:
    sent = 0

    def items() -> Iterator[match_pb2.MatchStreamRequest]:
        nonlocal sent
        for _ in range(20_000):
            sent += 1
            yield match_pb2.MatchStreamRequest(key="k" * 256, image=match_pb2.MatchImageRequest(media=picture))

    options = [("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        stream: Any = match_pb2_grpc.MatchServiceStub(channel).MatchStream(items())
        time.sleep(3)
        reached = sent
        held = metrics(server)["hashmatch_held_bytes"]
        stream.cancel()
    assert reached < 20_000
    assert held <= 64 * 2**20


def test_oversize_is_told_with_the_limit(server: ServerProcess) -> None:
    with Client(server.address, timeout=60) as client:
        for size in (33_554_433, 200_000_000):
            with pytest.raises(errors.MediaTooLarge) as caught:
                client.match_image(bytes(size))
            assert caught.value.details["limit"] == "max_media_bytes"
        with pytest.raises(errors.HashmatchError, match="larger than max"):
            client.match_image(bytes(300_000_000))


def test_clients_that_leave_at_any_time(server: ServerProcess, picture: bytes) -> None:
    """Processes that die are connections that break: in the middle of a message, of a call, of an answer."""
    request = match_pb2.MatchImageRequest(media=picture).SerializeToString()
    body = prefixed(len(request), request)

    def leave(part: int) -> None:
        with Wire(server.address).hello() as wire:
            wire.call()
            wire.frame(DATA, 0, 1, body[:part])
            if part == len(body):
                wire.frame(DATA, END_STREAM, 1)
                time.sleep(part % 7 / 500)
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset

    threads = [threading.Thread(target=leave, args=(part,)) for part in [*range(0, len(body), 700), *[len(body)] * 40]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
