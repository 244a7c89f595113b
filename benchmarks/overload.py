"""Five times more images than a server can do: `python -m benchmarks.overload`.

They come from callers that heed no refusal, so many a second whatever becomes of them; from five times as many callers
as are at work at capacity, and from 25 times as many, with our client (`match_image`), which comes back when it is
told; and from 20 pipelines (`match_many`), each with a window of its own. The server has one core, the load another.
Capacity and the sorts of overload take turns; a third process asks for the health.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.table import Table

from benchmarks.machine import described, processor_seconds
from benchmarks.material import jpeg
from hashmatch.cli.child import ServerProcess
from hashmatch.client import AsyncClient
from hashmatch.errors import HashmatchError
from hashmatch.types import ImageDecision
from hashmatch.v1 import match_pb2

_METHOD = "/hashmatch.v1.MatchService/MatchImage"
_CONNECTIONS = 4
_CALLERS = 8
_MORE_CALLERS = (5 * _CALLERS, 25 * _CALLERS)
_TIMEOUT = 5.0
_PIPELINES = 20


@dataclass
class Outcome:
    """What became of the calls of one round, and how many seconds the refused ones took."""

    offered: int = 0
    answered: int = 0
    in_time: int = 0
    """Answered while the load lasted, and not from what was left of it."""
    late: int = 0
    refusals: list[float] = field(default_factory=list)


class Round(NamedTuple):
    """One round as the server lived it."""

    seconds: float
    """How long the load lasted."""
    outcome: Outcome
    processor_seconds: float
    resident: int
    """The most bytes of all its processes together."""
    health: list[float]


Send = Callable[[], Coroutine[Any, Any, None]]
Load = Callable[..., Outcome]


async def _closed(send: Send, seconds: float) -> None:
    """A few callers, each with its next call once the last is answered."""
    end = time.monotonic() + seconds

    async def caller() -> None:
        while time.monotonic() < end:
            await send()

    await asyncio.gather(*(caller() for _ in range(_CALLERS)))


async def _open(send: Send, seconds: float, rate: float) -> None:
    """So many calls a second, whatever becomes of them."""
    started = time.monotonic()
    calls = set()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        call = asyncio.create_task(send())
        calls.add(call)
        call.add_done_callback(calls.discard)
    await asyncio.gather(*calls)


def offer(address: str, *, images: list[bytes], seconds: float, rate: float | None) -> Outcome:
    """Send images over a few connections: so many a second, or as fast as they are answered where there is no rate."""
    requests = [match_pb2.MatchImageRequest(media=image).SerializeToString() for image in images]
    outcome = Outcome()

    async def run() -> None:
        end = time.monotonic() + seconds
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(_CONNECTIONS)]
        methods = [channel.unary_unary(_METHOD, None, None) for channel in channels]

        async def send() -> None:
            number = outcome.offered
            outcome.offered += 1
            started = time.perf_counter()
            try:
                await methods[number % _CONNECTIONS](requests[number % len(requests)], timeout=_TIMEOUT)
                outcome.answered += 1
                outcome.in_time += time.monotonic() < end
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                    outcome.refusals.append(time.perf_counter() - started)
                else:
                    outcome.late += 1

        await (_closed(send, seconds) if rate is None else _open(send, seconds, rate))
        for channel in channels:
            await channel.close(None)

    asyncio.run(run())
    return outcome


def callers(address: str, *, images: list[bytes], seconds: float, count: int) -> Outcome:
    """Send images with our client from so many callers, each with its next one once the last is answered."""
    outcome = Outcome()

    async def run() -> None:
        end = time.monotonic() + seconds

        async def caller(client: AsyncClient) -> None:
            while time.monotonic() < end:
                outcome.offered += 1
                try:
                    await client.match_image(images[outcome.offered % len(images)])
                    outcome.answered += 1
                    outcome.in_time += time.monotonic() < end
                except HashmatchError:
                    outcome.late += 1

        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(AsyncClient(address, timeout=_TIMEOUT)) for _ in range(_CONNECTIONS)
            ]
            await asyncio.gather(*(caller(clients[at % _CONNECTIONS]) for at in range(count)))

    asyncio.run(run())
    return outcome


def pipelines(address: str, *, images: list[bytes], seconds: float) -> Outcome:
    """Send images on many streams at once, each as fast as the server lets it."""
    outcome = Outcome()

    async def run() -> None:
        end = time.monotonic() + seconds

        async def items() -> AsyncIterator[tuple[str, bytes]]:
            while time.monotonic() < end:
                outcome.offered += 1
                yield "", images[outcome.offered % len(images)]

        async def pipeline(client: AsyncClient) -> None:
            async for _, answer in client.match_many(items()):
                answered = isinstance(answer, ImageDecision)
                outcome.answered += answered
                outcome.in_time += answered and time.monotonic() < end

        async with AsyncClient(address) as client:
            await asyncio.gather(*(pipeline(client) for _ in range(_PIPELINES)))

    asyncio.run(run())
    return outcome


def probe(address: str, seconds: float) -> list[float]:
    """How long each of many health checks takes, in seconds."""
    took = []
    with grpc.insecure_channel(address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.perf_counter()
            check(health_pb2.HealthCheckRequest())
            took.append(time.perf_counter() - started)
            time.sleep(0.05)
    return took


def resident(process: int) -> int:
    """Bytes of memory of a process and those below it."""
    status = Path(f"/proc/{process}/status").read_text()
    own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0) * 1024
    children = Path(f"/proc/{process}/task").glob("*/children")
    return own + sum(resident(int(child)) for file in children for child in file.read_text().split())


def measured(server: ServerProcess, processes: ProcessPoolExecutor, seconds: float, load: Load) -> Round:
    """One round."""
    used = processor_seconds(server.pid)
    health = processes.submit(probe, server.address, seconds)
    offering = processes.submit(load, server.address, seconds=seconds)
    most = 0
    while not offering.done():
        most = max(most, resident(server.pid))
        time.sleep(0.2)
    return Round(seconds, offering.result(), processor_seconds(server.pid) - used, most, health.result())


def percentile(values: list[float], share: float) -> float:
    """Of seconds, in milliseconds."""
    return 1000 * sorted(values)[int(share * (len(values) - 1))] if values else 0.0


_LINES: dict[str, tuple[Callable[[Round], float], str]] = {
    "offered/s": (lambda one: one.outcome.offered / one.seconds, "{:.0f}"),
    "answered/s": (lambda one: one.outcome.in_time / one.seconds, "{:.0f}"),
    "server CPU ms an answer": (lambda one: 1000 * one.processor_seconds / max(1, one.outcome.answered), "{:.2f}"),
    "resident MB, most": (lambda one: one.resident / 1e6, "{:.0f}"),
    "health ms, p50": (lambda one: percentile(one.health, 0.5), "{:.1f}"),
    "health ms, p99": (lambda one: percentile(one.health, 0.99), "{:.1f}"),
    "refused": (lambda one: len(one.outcome.refusals), "{:.0f}"),
    "refusal ms, p50": (lambda one: percentile(one.outcome.refusals, 0.5), "{:.1f}"),
    "refusal ms, p99": (lambda one: percentile(one.outcome.refusals, 0.99), "{:.1f}"),
    "late": (lambda one: one.outcome.late, "{:.0f}"),
}


def report(rounds: dict[str, list[Round]]) -> Table:
    """Medians of the rounds, and their ratio to those at capacity."""
    table = Table("", *rounds, title=described())
    for name, (value, form) in _LINES.items():
        medians = [statistics.median(map(value, each)) for each in rounds.values()]
        cells = [
            f"{form.format(median)} ({median / medians[0]:.2f})" if medians[0] else form.format(median)
            for median in medians
        ]
        table.add_row(name, *cells)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of a round")
    parser.add_argument("--rounds", type=int, default=3, help="of each; the median counts")
    parser.add_argument("--times", type=float, default=5, help="how many times the capacity is offered")
    parser.add_argument("--width", type=int, default=1632, help="pixels")
    parser.add_argument("--height", type=int, default=1224, help="pixels")
    parser.add_argument("--kilobytes", type=int, default=200, help="size of each JPEG")
    arguments = parser.parse_args()
    images = [jpeg(arguments.width, arguments.height, arguments.kilobytes, number) for number in range(20)]
    Console().print(report(run(images, arguments.rounds, arguments.seconds, arguments.times)))


def run(images: list[bytes], rounds: int, seconds: float, times: float) -> dict[str, list[Round]]:
    """All rounds by load, on a server of their own."""
    found: dict[str, list[Round]] = {"capacity": []}
    first, *others = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        os.sched_setaffinity(0, {first})
        with ServerProcess(Path(folder), {"HASHMATCH_CACHE_BYTES": "0"}) as server:
            os.sched_setaffinity(0, others or {first})
            with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes:
                closed = partial(offer, images=images, rate=None)
                measured(server, processes, 2, closed)
                for _ in range(rounds):
                    at_capacity = measured(server, processes, seconds, closed)
                    found["capacity"].append(at_capacity)
                    rate = times * at_capacity.outcome.in_time / seconds
                    loads: dict[str, Load] = {
                        "flood": partial(offer, images=images, rate=rate),
                        **{f"{n} callers": partial(callers, images=images, count=n) for n in _MORE_CALLERS},
                        "pipelines": partial(pipelines, images=images),
                    }
                    for name, load in loads.items():
                        found.setdefault(name, []).append(measured(server, processes, seconds, load))
        os.sched_setaffinity(0, {first, *others})
    return found


if __name__ == "__main__":
    main()
