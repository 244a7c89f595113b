"""The index as files: building, start-up, memory and lookups, beside FAISS: `python -m benchmarks.index_files`.

Each step runs in a process of its own, as a build, a server's start and its lookups do. Half of the queries are within
the threshold of an entry. FAISS's flat index answers fewer of the same queries, on one core.
"""

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.codes import BITS, THRESHOLD, material
from benchmarks.index import alone
from hashmatch.index import Directory
from hashmatch.index.columns import NOT_REPORTED, NOT_SHOWN, Columns
from hashmatch.index.directory import Base
from hashmatch.index.grouping import Run
from hashmatch.index.origins import Origins
from hashmatch.index.roster import Roster
from hashmatch.index.space import Space
from hashmatch.index.texts import Texts
from hashmatch.types import PDQ, Bank, Change, Hash, Provenance
from hashmatch.types.moments import EVER

BATCHES = (1, 8, 64, 1024)
SPACE = Space(PDQ, BITS // 8)
SECONDS = 1.0
CONTENT = 16
"""Bytes of a content id."""


class Written:
    """A history that has nothing newer than the files."""

    def head(self) -> int:
        return 1

    def changes(self, after: int) -> tuple[int, list[Change]]:
        return after, []

    def pending(self, after: int) -> int:  # noqa: ARG002 - as a source has it
        return 0

    def token(self, revision: int) -> str:  # noqa: ARG002 - as a source has it
        return "benchmark"


def memory() -> dict[str, int]:
    """Megabytes that this process holds: of its own, and of files."""
    said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(said[name].split()[0]) // 1024 for name in ("RssAnon", "RssFile")}


def columns(count: int) -> Columns:
    numbers = np.arange(count, dtype=np.int64)
    return Columns(
        ids=numbers + 1,
        slots=np.zeros(count, dtype=np.int32),
        qualities=np.full(count, 90, dtype=np.uint8),
        created=np.full(count, 10**15, dtype=np.int64),
        revisions=np.ones(count, dtype=np.int64),
        shown_from=np.full(count, NOT_SHOWN, dtype=np.int64),
        shown_until=np.full(count, NOT_SHOWN, dtype=np.int64),
        videos=np.zeros(count, dtype=np.uint64),
        lots=np.zeros(count, dtype=np.uint16),
        expires=np.full(count, EVER, dtype=np.int64),
        review_from=np.full(count, EVER, dtype=np.int64),
        states=np.zeros(count, dtype=np.uint8),
        reported=np.full(count, NOT_REPORTED, dtype=np.int64),
        contents=Texts(CONTENT * np.arange(count + 1), np.full(CONTENT * count, ord("c"), dtype=np.uint8)),
        origins=Origins(np.zeros(count, dtype=np.int32), Origins.of([Provenance(source="a list")]).told),
    )


def build(folder: Path, data: str, count: int) -> dict[str, Any]:
    codes, _ = material(data, count, None)
    run = Run(codes, columns(count))
    directory, started = Directory(folder), time.perf_counter()
    filed = directory.write(SPACE, [run])
    directory.publish(Base(1, Roster({0: Bank("known", threshold=THRESHOLD)}), (filed,)), "benchmark")
    size = sum(path.stat().st_size for path in folder.iterdir())
    return {
        "build s": time.perf_counter() - started,
        "files MB": size / 1e6,
        "build peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def look_up(folder: Path, data: str, count: int) -> dict[str, Any]:
    _, codes = material(data, count, None)
    groups = [[Hash(PDQ, code.tobytes(), 90)] for code in codes]
    started = time.perf_counter()
    base = Directory(folder).load(Written())
    assert base is not None
    snapshot = base.snapshot
    figures: dict[str, Any] = {"start s": time.perf_counter() - started}
    for batch in BATCHES:
        times = timed(lambda at, size=batch: snapshot.search(groups[at : at + size]), batch)
        figures[f"x{batch} p50 ms"] = statistics.median(times) * 1000
        figures[f"x{batch} p99 ms"] = float(np.percentile(times, 99)) * 1000
        figures[f"x{batch} queries/s"] = batch / statistics.median(times)
    return {**figures, **{f"{name} MB": size for name, size in memory().items()}}


def timed(search: Any, batch: int) -> list[float]:
    """Seconds of each call; the first round, which brings pages into the tables of the process, is left out."""
    times: list[float] = []
    for at in range(0, 1024 - batch + 1, batch):
        search(at)
    began = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - began < SECONDS:
        started = time.perf_counter()
        search(len(times) * batch % (1024 - batch + 1))
        times.append(time.perf_counter() - started)
    return times


def scan(data: str, count: int) -> float:
    """Milliseconds for one query of FAISS's flat index."""
    faiss.omp_set_num_threads(1)
    codes, queries = material(data, count, None)
    flat = faiss.IndexBinaryFlat(BITS)
    flat.add(codes)
    rounds = []
    for at in range(5):
        some = queries[8 * at : 8 * at + 8]
        started = time.perf_counter()
        flat.range_search(some, THRESHOLD + 1)
        rounds.append((time.perf_counter() - started) / len(some))
    return statistics.median(rounds) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--data", nargs="+", default=["uniform", "clustered"])
    arguments = parser.parse_args()
    table, shown = Table("figure"), []
    for count in arguments.entries:
        for data in arguments.data:
            table.add_column(f"{count:,} {data}")
            with tempfile.TemporaryDirectory() as folder:
                figures = alone(build, Path(folder), data, count)
                figures |= alone(look_up, Path(folder), data, count)
            flat = alone(scan, data, count)
            figures["FAISS flat ms"] = flat
            figures["x64 over flat"] = flat * figures["x64 queries/s"] / 1000
            shown.append(figures)
    for name in shown[0]:
        table.add_row(
            name, *(f"{figures[name]:,.3g}" if figures[name] < 100 else f"{figures[name]:,.0f}" for figures in shown)
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
