"""How long after a caller's word every server answers by it: several servers that share one database.

    python -m benchmarks.urgent --reports 200

The servers and PostgreSQL are its own. An urgent entry comes by a call of AddEntries to one server, and is demoted by
a call of ReportMatch, both of which are timed: from before the call until every process of every server answers at its
revision; each server is then asked once more to be sure.
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
from hashmatch.types import PDQ, Action, Approval, Bank, Finding, Hash, NewEntry, Verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    arguments = parser.parse_args()
    print(described())
    print("| database | servers x processes | what | reports | median, ms | 99 %, ms | most, ms |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.database or ["sqlite", "postgresql"]:
        with database(name) as (url, _):
            measured = measure(url, arguments.servers, arguments.processes, arguments.reports)
        shape = f"{arguments.servers} x {arguments.processes}"
        for what, took in zip(("added", "demoted"), zip(*measured, strict=True), strict=True):
            last = sorted(took)[int(0.99 * len(took))]
            middle = statistics.median(took)
            print(f"| {name} | {shape} | {what} | {len(took)} | {middle:.0f} | {last:.0f} | {max(took):.0f} |")


def measure(url: str, servers: int, processes: int, reports: int) -> list[tuple[float, float]]:
    """Milliseconds of each entry's addition and of its demotion."""
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
        source = Random(reports)
        return [follow(clients, pool, Hash(PDQ, source.randbytes(32), 100), number) for number in range(reports)]


def follow(clients: list[Client], pool: ThreadPoolExecutor, item: Hash, number: int) -> tuple[float, float]:
    """One entry, in a bank of its own: feedback demotes but few entries of one bank in a day."""
    bank = Bank(f"urgent-{number}", action=Action.BLOCK, approval=Approval.AFTER, false_reports=1, false_reporters=1)
    clients[0].create_bank(bank)
    one = clients[number % len(clients)]
    began = time.perf_counter()
    entry = one.load_entries(bank.name, [NewEntry(item)])
    added = answered(clients, pool, item, entry.revision, began, Verdict.BLOCK)
    began = time.perf_counter()
    revision = one.feedback.report(bank.name, entry.id, "upload", Finding.FALSE).revision
    return added, answered(clients, pool, item, revision, began, Verdict.REVIEW)


def answered(
    clients: list[Client], pool: ThreadPoolExecutor, item: Hash, revision: int, began: float, verdict: Verdict
) -> float:
    """Milliseconds until all have reached the revision; ends the program where one then answers otherwise."""
    list(pool.map(lambda client: client.wait_for_revision(revision), clients))
    took = 1000 * (time.perf_counter() - began)
    for client in clients:
        (decision,) = client.lookup_hashes([item])
        if not decision.total_matches or decision.verdict is not verdict:
            raise SystemExit(f"at revision {revision} a server answers {decision.verdict}, not {verdict}")
    time.sleep(0.05)
    return took


if __name__ == "__main__":
    main()
