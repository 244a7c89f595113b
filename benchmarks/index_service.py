"""The whole service over millions of known hashes: `python -m benchmarks.index_service --data-dir DIR`.

Fills a database, which may be broken off and gone on with, and lets a server build the files; or, for ten million in a
minute, lays files that the database knows nothing of (`--laid`). Then it measures, step by step: start-up after
kill -9, lookups in batches through gRPC, the memory of each process, how soon an added entry matches in every process
while others look up, and what a build and taking its files up do to those lookups. Clients and server share the cores.
"""

import argparse
import multiprocessing
import os
import shutil
import socket
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.progress import Progress, track
from rich.table import Table

from benchmarks.filled import BANK, BATCH, QUERIES, entries, fill, hashes, lay
from benchmarks.machine import described
from benchmarks.serving import kill, memory, peak, processes
from hashmatch import wire
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client, calls
from hashmatch.types import PDQ, Hash, MatchOptions, NewEntry
from hashmatch.v1 import match_pb2, status_pb2, status_pb2_grpc

CONNECTIONS: Final = 8
"""To reach every process: the kernel deals connections out, and all but never gives 8 to one of two."""
ALONE: Final = "lookups alone"
"""Before, between and after what may slow them: other programs on the machine, and waiting for a core, are in all."""
_METHOD: Final = "/hashmatch.v1.MatchService/LookupHashes"
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_OPTIONS: Final = MatchOptions()


class Call(NamedTuple):
    """One lookup of a batch, on a clock that all processes share."""

    began: float
    seconds: float


def look_up(address: str, seed: int, count: int, ready: Any, until: Any) -> list[Call]:
    """Look batches up, one after the other, until told to stop; in a process of its own, which all wait for."""
    batches = hashes(seed, count)
    made: list[Call] = []
    with Client(address, timeout=60) as client:
        client.lookup_hashes(batches[0])
        ready.wait()
        while not until.is_set():
            began = time.monotonic()
            found = client.lookup_hashes(batches[len(made) % len(batches)])
            made.append(Call(began, time.monotonic() - began))
            if sum(decision.total_matches > 0 for decision in found) < QUERIES // 2:
                raise AssertionError("a near-duplicate of a known hash was not found")
    return made


@contextmanager
def looking_up(address: str, callers: int, count: int, calls_made: list[Call]) -> Iterator[None]:
    """Look up in so many processes meanwhile; the calls are there once they have ended."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(callers, context) as pool:
        stop, ready = manager.Event(), manager.Barrier(callers + 1)
        running: list[Future[list[Call]]] = [
            pool.submit(look_up, address, seed, count, ready, stop) for seed in range(callers)
        ]
        try:
            ready.wait()
            yield
        finally:
            stop.set()
            for each in running:
                calls_made += each.result()


class Latencies(NamedTuple):
    """Of lookups that began within some time, in milliseconds."""

    calls: int
    hashes_per_second: float
    median: float
    slowest: tuple[float, float, float]
    """What 99 % and 99.9 % are below, and the most."""

    @classmethod
    def of(cls, made: list[Call], periods: Sequence[tuple[float, float]]) -> "Latencies":
        took = [1000 * call.seconds for began, ended in periods for call in made if began <= call.began < ended]
        rate = QUERIES * len(took) / sum(ended - began for began, ended in periods)
        p99, p999, most = np.percentile(took, (99, 99.9, 100)).tolist()
        return cls(len(took), rate, statistics.median(took), (p99, p999, most))

    def beside(self, alone: "Latencies") -> str:
        """In words, with each of the slowest as a multiple of the median of lookups alone, and of the same there."""
        told = [
            f"{name} {own:.1f} ms ({own / alone.median:.1f}x; {own / other:.2f} of alone)"
            for name, own, other in zip(("p99", "p99.9", "most"), self.slowest, alone.slowest, strict=True)
        ]
        return (
            f"{self.hashes_per_second:,.0f} hashes/s; a batch of {QUERIES}: median {self.median:.1f} ms, "
            f"{', '.join(told)}; {self.calls:,} calls"
        )


def freshness(address: str, times: int) -> list[float]:
    """Seconds from the answer to AddEntries until the entry matches over every connection."""
    took = []
    with ExitStack() as stack:
        client = stack.enter_context(Client(address, timeout=60))
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels: list[grpc.Channel] = [
            stack.enter_context(grpc.insecure_channel(address, options)) for _ in range(CONNECTIONS)
        ]
        methods = [
            channel.unary_unary(
                _METHOD,
                match_pb2.LookupHashesRequest.SerializeToString,
                match_pb2.LookupHashesResponse.FromString,
            )
            for channel in channels
        ]
        for _ in range(times):
            new = Hash(PDQ, os.urandom(32), 90)
            client.add_entries(BANK, [NewEntry(new)])
            acknowledged = time.monotonic()
            request = calls.lookup_hashes([new], _OPTIONS).request
            for method in methods:
                while not wire.decision_from_wire(method(request, timeout=60).results[0]).matches:
                    time.sleep(0.005)
            took.append(time.monotonic() - acknowledged)
            time.sleep(0.1)
    return took


def import_many(address: str, count: int) -> None:
    """Add so much, in the largest calls there are, that a build is due."""
    with Client(address, timeout=120) as client:
        _, there = client.get_bank(BANK)
        for number in track(range(max(7, count // 100 // BATCH + 1)), "importing"):
            client.add_entries(BANK, entries(there // BATCH + 1 + number))


def swap(address: str) -> None:
    """Wait until the files are built, and the process that answers has taken them up."""
    with Client(address, timeout=120) as client, Progress() as progress:
        task = progress.add_task("building", total=None)
        while True:
            status = client.status()
            building = status.building
            if building is not None:
                progress.update(task, description=building.stage, completed=building.done, total=building.total)
            elif status.recent_entries < BATCH:
                return
            time.sleep(0.2)


def rebuild(server: ServerProcess, said: Callable[[str, str], None]) -> None:
    """Start without files: NOT_SERVING, with progress, until all is there."""
    shutil.rmtree(server.data_dir / "segments", ignore_errors=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    starting = threading.Thread(target=server.start, args=(address,))
    starting.start()
    stages = dict[str, None]()
    asked = 0
    with grpc.insecure_channel(address) as channel, Progress() as progress:
        health, statuses = health_pb2_grpc.HealthStub(channel), status_pb2_grpc.StatusServiceStub(channel)
        task = progress.add_task("starting", total=None)
        while starting.is_alive():
            time.sleep(0.5)
            try:
                healthy = health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == _SERVING
                status = wire.status_from_wire(statuses.GetStatus(status_pb2.GetStatusRequest(), timeout=5))
            except grpc.RpcError:  # it does not listen yet
                continue
            if healthy and not status.complete:
                raise AssertionError("the server says that it serves before it has all entries")
            asked += not healthy
            if building := status.building:
                stages[building.stage] = None
                progress.update(task, description=building.stage, completed=building.done, total=building.total)
    told = f"{time.monotonic() - began:.1f} s; NOT_SERVING each of {asked} times before; told of {', '.join(stages)}"
    said("rebuilt without files, and serving", told)


def measure(server: ServerProcess, arguments: argparse.Namespace, said: Callable[[str, str], None]) -> None:
    count, callers, seconds = arguments.entries, arguments.callers, arguments.seconds
    made: list[Call] = []
    looked: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with peak(server) as most, looking_up(server.address, callers, count, made):
        before = {process: memory(process) for process in processes(server)}
        base = sum(each["share"] for each in before.values())
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            (ALONE, lambda: time.sleep(seconds)),
            ("while entries are added one by one", lambda: said_freshness(server.address, arguments.times, said)),
            (ALONE, lambda: time.sleep(seconds)),
            ("while 10,000 are added at a time", lambda: import_many(server.address, count)),
            ("while files are built and taken up", lambda: swap(server.address)),
            (ALONE, lambda: time.sleep(seconds)),
        )
        for name, step in steps:
            began = time.monotonic()
            step()
            looked[name].append((began, time.monotonic()))
    alone = Latencies.of(made, looked[ALONE])
    for name, periods in looked.items():
        said(name, Latencies.of(made, periods).beside(alone))
    for process, held in before.items():
        said(f"process {process}", ", ".join(f"{name} {size:,.0f} MB" for name, size in held.items()))
    said(
        "most of all processes",
        f"own {most['own']:,.0f} MB, shares {most['share']:,.0f} MB ({most['share'] / base:.2f}x)",
    )


def said_freshness(address: str, times: int, said: Callable[[str, str], None]) -> None:
    took = freshness(address, times)
    median, p99 = statistics.median(took), float(np.percentile(took, 99))
    said("added to matching everywhere", f"median {median:.3f} s, p99 {p99:.3f} s, of {len(took)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True, help="kept, and gone on with")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--callers", type=int, default=2, help="processes that look up")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--times", type=int, default=50, help="entries that are added one by one")
    parser.add_argument("--laid", action="store_true", help="make the files at once, without filling a database")
    parser.add_argument("--rebuild", action="store_true", help="delete the files first, and time the server's build")
    arguments = parser.parse_args()
    table = Table("", "measured", title=f"{arguments.entries:,} entries, {described()}")
    if not arguments.laid:
        fill(arguments.data_dir, arguments.entries)
    elif not arguments.data_dir.exists():
        lay(arguments.data_dir, arguments.entries)
    server = ServerProcess(arguments.data_dir, {"HASHMATCH_PROCESSES": str(arguments.processes)})
    if arguments.rebuild or not (arguments.data_dir / "segments" / "manifest").exists():
        rebuild(server, table.add_row)
    else:
        server.start()
    try:
        kill(server)
        began = time.monotonic()
        server.start()
        table.add_row("serving again after kill -9", f"{time.monotonic() - began:.2f} s")
        sizes = sum(path.stat().st_size for path in (arguments.data_dir / "segments").iterdir())
        table.add_row("files", f"{sizes / 1e6:,.0f} MB")
        measure(server, arguments, table.add_row)
    finally:
        if server.running:
            server.stop()
        Console(width=140).print(table)


if __name__ == "__main__":
    main()
