"""Images/s through gRPC against the same work in a plain loop on the same cores: `python -m benchmarks.load`.

Beside the rate stands the processor time of an image, client and server together: where other programs run on the
machine at the same time, it is the fairer of the two. The plain loop runs twice: as the service does it, and with every
JPEG decoded by OpenCV, as whoever has no decoder of their own would write it. The last row is the limit that gRPC sets:
the same images to a server that reads each and does nothing, whose time is added to that of the plain loop.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import grpc
import numpy as np
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.machine import described, processor_seconds
from benchmarks.material import jpeg
from hashmatch.allocator import OF_UPLOADS, keep_freed
from hashmatch.cli.child import ServerProcess
from hashmatch.client import AsyncClient, Client
from hashmatch.engine import Engine
from hashmatch.errors import HashmatchError
from hashmatch.follower import Follower
from hashmatch.media import jpeg as jpeg_reader
from hashmatch.sandbox.in_process import InProcess
from hashmatch.settings import MediaLimits
from hashmatch.store import Store
from hashmatch.types import Action, Bank, Hash, MatchOptions, NewEntry
from hashmatch.v1 import match_pb2, types_pb2

_OPTIONS = MatchOptions()
_UNARY_CALLERS = 8
_PLAIN, _OPENCV, _IDLE = "plain loop", "plain loop, decoded by OpenCV", "gRPC alone"


def plain_loop(engine: Engine, images: list[bytes]) -> None:
    """One thread a core, each decoding, hashing and looking up one image after another."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in pool.map(lambda image: engine.match_image(image, _OPTIONS), images):
            pass


def opencv_loop(engine: Engine, images: list[bytes]) -> None:
    """As `plain_loop`, without the core's own decoder."""
    with patch.object(jpeg_reader, "decode_plain", return_value=None):
        plain_loop(engine, images)


def stream(client: Client, images: list[bytes]) -> None:
    """`match_many`: one bidirectional stream."""
    for _, outcome in client.match_many((str(at), image) for at, image in enumerate(images)):
        if isinstance(outcome, HashmatchError):
            raise outcome


def asyncio_stream(address: str, images: list[bytes]) -> None:
    """`match_many` of the client for asyncio."""

    async def run() -> None:
        async with AsyncClient(address, timeout=60) as client:
            async for _, outcome in client.match_many((str(at), image) for at, image in enumerate(images)):
                if isinstance(outcome, HashmatchError):
                    raise outcome

    uvloop.run(run())


def unary(client: Client, images: list[bytes]) -> None:
    """`match_image` from several threads."""
    with ThreadPoolExecutor(_UNARY_CALLERS) as pool:
        for _ in pool.map(client.match_image, images):
            pass


def _do_nothing(ready: Connection) -> None:
    """A server that answers each message of a stream as soon as it has it."""

    async def answer(messages: AsyncIterator[bytes], context: Any) -> None:
        nothing = match_pb2.MatchStreamResponse()
        nothing.image.result.verdict = types_pb2.VERDICT_ALLOW
        async for _ in messages:
            await context.write(nothing)

    async def run() -> None:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
        method = grpc.stream_stream_rpc_method_handler(
            answer, response_serializer=match_pb2.MatchStreamResponse.SerializeToString
        )
        service = grpc.method_handlers_generic_handler("hashmatch.v1.MatchService", {"MatchStream": method})
        server.add_generic_rpc_handlers((service,))
        ready.send(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        await server.wait_for_termination()

    keep_freed(*OF_UPLOADS)
    uvloop.run(run())


@contextmanager
def idle_server() -> Iterator[str]:
    """The address of a server that does nothing, in a process of its own."""
    starting = multiprocessing.get_context("spawn")
    ready, told = starting.Pipe(duplex=False)
    process = starting.Process(target=_do_nothing, args=(told,))
    process.start()
    try:
        yield f"127.0.0.1:{ready.recv()}"
    finally:
        process.terminate()
        process.join()


class Rate(NamedTuple):
    """What one way achieved, medians of the rounds."""

    images_per_second: float
    milliseconds: float
    """Processor time of one image, in the client and in the server."""


def rates(ways: Mapping[str, Callable[[], None]], count: int, rounds: int) -> dict[str, Rate]:
    """Each way's rate; the ways take turns within a round, so that noise meets all alike."""
    measured: dict[str, list[Rate]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            started, used = time.perf_counter(), processor_seconds(os.getpid())
            run()
            seconds, used = time.perf_counter() - started, processor_seconds(os.getpid()) - used
            measured[name].append(Rate(count / seconds, 1000 * used / count))
    return {name: Rate(*map(statistics.median, zip(*found, strict=True))) for name, found in measured.items()}


def random_entries(count: int) -> Iterator[list[NewEntry]]:
    """Unrelated known hashes, in batches that one call may carry."""
    bits = np.random.default_rng(7).integers(0, 256, (count, 32), np.uint8)
    for start in range(0, count, 10_000):
        yield [NewEntry(Hash("pdq", row.tobytes(), 100)) for row in bits[start : start + 10_000]]


def measure(count: int, rounds: int, entries: int, size: tuple[int, int, int]) -> dict[str, Rate]:
    """Rates by way; `size` is width, height and kilobytes."""
    images = [jpeg(*size, number) for number in range(count)]
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/hashmatch.db") as store:
        store.create_bank(Bank("known", action=Action.BLOCK))
        for batch in random_entries(entries):
            store.add_entries("known", batch)
        server = ServerProcess(Path(folder), {"HASHMATCH_CACHE_BYTES": "0"})
        server.start()
        follower = Follower(store)
        follower.start()
        try:
            limits = MediaLimits()
            engine = Engine(store, follower, InProcess(limits), limits)
            with Client(server.address, timeout=60) as client, idle_server() as idle:
                ways: dict[str, Callable[[], None]] = {
                    _PLAIN: lambda: plain_loop(engine, images),
                    _OPENCV: lambda: opencv_loop(engine, images),
                    "MatchStream, asyncio": lambda: asyncio_stream(server.address, images),
                    "MatchStream": lambda: stream(client, images),
                    "MatchImage": lambda: unary(client, images),
                    _IDLE: lambda: asyncio_stream(idle, images),
                }
                for warm in ways.values():
                    warm()
                return rates(ways, count, rounds)
        finally:
            follower.stop()
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400, help="images in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the median counts")
    parser.add_argument("--entries", type=int, default=10_000, help="known hashes looked up in")
    parser.add_argument("--width", type=int, default=1632, help="pixels")
    parser.add_argument("--height", type=int, default=1224, help="pixels")
    parser.add_argument("--kilobytes", type=int, default=200, help="size of each JPEG")
    arguments = parser.parse_args()
    found = measure(
        arguments.images, arguments.rounds, arguments.entries, (arguments.width, arguments.height, arguments.kilobytes)
    )
    table = Table(
        "way", "images/s", "rate / plain", "rate / OpenCV's", "CPU ms an image", "plain / CPU", "OpenCV's / CPU",
        title=described(),
    )  # fmt: skip
    plain, opencv, idle = found[_PLAIN], found[_OPENCV], found.pop(_IDLE)
    seconds = 1 / plain.images_per_second + 1 / idle.images_per_second
    found["plain loop and gRPC alone"] = Rate(1 / seconds, plain.milliseconds + idle.milliseconds)
    for name, rate in found.items():
        table.add_row(
            name,
            f"{rate.images_per_second:.0f}",
            *(f"{rate.images_per_second / loop.images_per_second:.0%}" for loop in (plain, opencv)),
            f"{rate.milliseconds:.2f}",
            *(f"{loop.milliseconds / rate.milliseconds:.0%}" for loop in (plain, opencv)),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
