"""How long after a reporter's call an urgent entry matches in every server: several servers that share one database.

    python -m benchmarks.urgent --reports 200

The servers and PostgreSQL are its own. A report is a call of AddEntries to one server; the time runs from before that
call until every process of every server answers at its revision, and each server is then asked once more to be sure.
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.imports import database
from benchmarks.machine import described
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.types import PDQ, Action, Approval, Bank, Hash, NewEntry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    arguments = parser.parse_args()
    print(described())
    print("| database | servers x processes | reports | median, ms | 99 %, ms | most, ms |")
    print("|---|---|---|---|---|---|")
    for name in arguments.database or ["sqlite", "postgresql"]:
        with database(name) as (url, _):
            took = measure(url, arguments.servers, arguments.processes, arguments.reports)
        last = sorted(took)[int(0.99 * len(took))]
        shape = f"{arguments.servers} x {arguments.processes}"
        print(f"| {name} | {shape} | {len(took)} | {statistics.median(took):.0f} | {last:.0f} | {max(took):.0f} |")


def measure(url: str, servers: int, processes: int, reports: int) -> list[float]:
    """Milliseconds of each report."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = url or f"sqlite:///{folder / 'banks.db'}"
        settings = {"HASHMATCH_PROCESSES": str(processes), "HASHMATCH_DATABASE_URL": url, "HASHMATCH_WORKERS": "1"}
        clients = []
        for number in range(servers):
            server = ServerProcess(folder / str(number), settings)
            server.start()
            stack.callback(server.stop)
            clients.append(stack.enter_context(Client(server.address)))
        pool = stack.enter_context(ThreadPoolExecutor(servers))
        clients[0].create_bank(Bank("urgent", action=Action.BLOCK, approval=Approval.AFTER))
        source = Random(reports)
        return [report(clients, pool, Hash(PDQ, source.randbytes(32), 100), number) for number in range(reports)]


def report(clients: list[Client], pool: ThreadPoolExecutor, item: Hash, number: int) -> float:
    began = time.perf_counter()
    revision = clients[number % len(clients)].load_entries("urgent", [NewEntry(item)]).revision
    list(pool.map(lambda client: client.wait_for_revision(revision), clients))
    took = 1000 * (time.perf_counter() - began)
    for client in clients:
        (decision,) = client.lookup_hashes([item])
        if not decision.total_matches or decision.verdict != Action.BLOCK.value:
            raise SystemExit(f"report {number} does not match in every server")
    time.sleep(0.05)
    return took


if __name__ == "__main__":
    main()
