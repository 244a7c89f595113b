"""Backfills beside a plain loop and a pool of pdqhash processes; rescans by size: `python -m benchmarks.backfill`."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pdqhash
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.machine import described, processor_seconds
from benchmarks.material import jpeg
from hashmatch import backfill, hashing, matching
from hashmatch.backfill import Engine, RescanOptions, ScanOptions, Watch, Where, banks
from hashmatch.sandbox import Job
from hashmatch.sandbox.in_process import InProcess
from hashmatch.settings import MediaLimits
from hashmatch.store import Store
from hashmatch.types import Action, Bank, Hash, MatchOptions, NewEntry

_PDQHASH_FILES = 100
"""It is so much slower that fewer files tell its rate."""
_CORES = len(os.sched_getaffinity(0))


def plain_loop(paths: list[Path], url: str) -> None:
    """One thread a core, each reading, decoding, hashing and looking up one file after another; nothing is written."""
    snapshot = banks.load(url, banks.Wanted())
    hasher, job, options = InProcess(MediaLimits()), Job(all_views=True), MatchOptions()
    ceilings = hashing.ceilings()

    def one(path: Path) -> None:
        matching.match_images(snapshot, [hasher.hash_image(path.read_bytes(), job)], options, ceilings)

    with ThreadPoolExecutor(_CORES) as pool:
        for _ in pool.map(one, paths):
            pass


def pdqhash_one(path: Path) -> None:
    """The recipe of pdqhash's documentation; nothing is looked up."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(path)
    pdqhash.compute(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def pdqhash_pool(paths: list[Path]) -> None:
    """A process a core."""
    with ProcessPoolExecutor(_CORES) as pool:
        for _ in pool.map(pdqhash_one, paths, chunksize=8):
            pass


def scan(source: Path, out: Path | None, url: str, where: Where) -> float | None:
    """A scan from beginning to end: listing, matching, and its files where there is `out`.

    Returns the processor seconds at the last batch, when the processes that decode are still there to be asked.
    """
    used: list[float] = []
    watch = Watch(on_batch=lambda _: used.append(processor_seconds(os.getpid())))
    options = ScanOptions(url, part_items=1000, where=where)
    for _ in backfill.scan(str(source), None if out is None else str(out), options, watch):
        pass
    return used[-1] if used else None


@contextmanager
def corpus(folder: Path, files: int, entries: int) -> Iterator[tuple[list[Path], str]]:
    """Files of 2 Mpx and 200 kB, some pictures many times over, and a database of unrelated known hashes."""
    bodies = [jpeg(1632, 1224, 200, number) for number in range(16)]
    paths = [folder / "media" / f"{number:05}.jpg" for number in range(files)]
    (folder / "media").mkdir()
    for number, path in enumerate(paths):
        path.write_bytes(bodies[number % len(bodies)])
    url = f"sqlite:///{folder}/hashmatch.db"
    with Store.open(url) as store:
        store.create_bank(Bank("known", action=Action.BLOCK))
        bits = np.random.default_rng(7).integers(0, 256, (entries, 32), np.uint8)
        for start in range(0, entries, 10_000):
            store.add_entries("known", [NewEntry(Hash("pdq", row.tobytes(), 100)) for row in bits[start:][:10_000]])
    yield paths, url


def measured(ways: dict[str, Callable[[], float | None]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median wall and processor seconds of each way; the ways take turns, so that noise meets all alike."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            began, cpu = time.perf_counter(), processor_seconds(os.getpid())
            used = run() or processor_seconds(os.getpid())
            seconds[name].append((time.perf_counter() - began, used - cpu))
    return {name: tuple(map(statistics.median, zip(*each, strict=True))) for name, each in seconds.items()}


def scans(files: int, rounds: int, entries: int, ray: bool) -> Table:
    """The rates of all ways to scan the same files."""
    with tempfile.TemporaryDirectory() as name, corpus(Path(name), files, entries) as (paths, url):
        media, counter = Path(name) / "media", iter(range(10**6))

        def fresh() -> Path:
            return Path(name) / f"out-{next(counter)}"

        ways: dict[str, Callable[[], float | None]] = {
            "plain loop": lambda: plain_loop(paths, url),
            "scan, no files": lambda: scan(media, None, url, Where()),
            "scan": lambda: scan(media, fresh(), url, Where()),
            "pdqhash pool": lambda: pdqhash_pool(paths[:_PDQHASH_FILES]),
        }
        if ray:
            ways["scan on Ray"] = lambda: scan(media, fresh(), url, Where(Engine.RAY))
        scan(paths[0], None, url, Where())  # what the first scan of a process imports is not of each
        found = measured(ways, rounds)
        done = fresh()
        scan(media, done, url, Where())
        found["resume, all done"] = measured({"": lambda: scan(media, done, url, Where())}, rounds)[""]
    table = Table("way", "items/s", "of plain loop", "CPU ms an item", "CPU of plain loop", title="Scan")
    plain = found["plain loop"]
    for way, (wall, cpu) in found.items():
        count = min(files, _PDQHASH_FILES) if way == "pdqhash pool" else files
        rate, share = f"{count / wall:,.0f}", f"{plain[0] / files / (wall / count):.2f}"
        table.add_row(way, rate, share, f"{cpu / count * 1000:.2f}", f"{plain[1] / files / (cpu / count):.2f}")
    return table


def make_log(folder: Path, rows: int) -> None:
    """Random hashes with the columns of the hash log, in files of a million rows."""
    draw = np.random.default_rng(3)
    for start in range(0, rows, 1_000_000):
        count = min(1_000_000, rows - start)
        offsets = pa.py_buffer((np.arange(count + 1) * 32).astype(np.int32).tobytes())
        data = pa.py_buffer(draw.integers(0, 256, count * 32, np.uint8).tobytes())
        columns = {
            "time": pa.array(np.arange(count), pa.timestamp("us", "UTC")),
            "content_id": [f"upload-{start + at:012}" for at in range(count)],
            "kind": pa.array(["pdq"]).take(pa.array(np.zeros(count, np.int64))),
            "hash": pa.Array.from_buffers(pa.binary(), count, [None, offsets, data]),
            "quality": pa.array(draw.integers(50, 101, count), pa.uint8()),
        }
        pq.write_table(pa.table(columns), folder / f"{start:012}.parquet", compression="zstd", use_dictionary=["kind"])


def rescan(log: str, entries: int) -> None:
    """One rescan in this process; prints its wall and processor seconds, and the peak of its memory in MB."""
    draw = np.random.default_rng(9)
    hashes = tuple(Hash("pdq", draw.integers(0, 256, 32, np.uint8).tobytes()) for _ in range(entries))
    began, cpu = time.perf_counter(), time.process_time()
    for _ in backfill.rescan([log], options=RescanOptions(hashes=hashes)):
        pass
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1024  # ru_maxrss would be that of whoever started this, where it is more
    print(time.perf_counter() - began, time.process_time() - cpu, peak)


def rescans(rows: int, sizes: list[int], rounds: int) -> Table:
    """Each in a process of its own, so that each has a peak of its own."""
    table = Table("entries", "s", "CPU s", "hashes/s", "hashes/s a core", "peak MB", title=f"Rescan of {rows:,} hashes")
    with tempfile.TemporaryDirectory() as log:
        make_log(Path(log), rows)
        for entries in sizes:
            command = [sys.executable, "-m", "benchmarks.backfill", "--rescan", log, str(entries)]
            said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(rounds)]
            wall, cpu, peak = (
                statistics.median(each) for each in zip(*(map(float, x.split()) for x in said), strict=True)
            )
            rate = (f"{wall:.1f}", f"{cpu:.1f}", f"{rows / wall:,.0f}", f"{rows / cpu:,.0f}", f"{peak:.0f}")
            table.add_row(f"{entries:,}", *rate)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000, help="files of a scan")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the median counts")
    parser.add_argument("--entries", type=int, default=10_000, help="known hashes that a scan looks up in")
    parser.add_argument("--rows", type=int, default=10_000_000, help="hashes of the log that is rescanned")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 100, 1000, 10_000], help="entries of the rescans")
    parser.add_argument("--ray", action="store_true", help="also on a Ray cluster of this machine (extra `ray`)")
    parser.add_argument("--rescan", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rescan:
        rescan(arguments.rescan[0], int(arguments.rescan[1]))
        return
    console = Console(width=120)
    console.print(f"{described()}, load {os.getloadavg()[0]:.1f}")
    if arguments.files:
        console.print(scans(arguments.files, arguments.rounds, arguments.entries, arguments.ray))
    if arguments.rows:
        console.print(rescans(arguments.rows, arguments.sizes, arguments.rounds))


if __name__ == "__main__":
    main()
