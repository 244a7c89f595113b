"""Search structures side by side: recall, time, build and memory: `python -m benchmarks.index`.

Sets the crossover of `hashmatch.index.searcher`. Each is measured alone in a process of its own, on one core, and ours
on all cores too, a thread each. Half of the queries are within the threshold of a code, half are as the codes are but
of nothing known. A file keeps what was measured, so that parts can be run apart and gone on with: what it has is not
measured again. The table, and with `--plot` the cost of a query against the number of codes, are of all it has.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, ParamSpec, Protocol, TypeAlias, TypeVar

import faiss
import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.codes import BITS, DATA, THRESHOLD, Codes, material
from benchmarks.machine import described
from hashmatch.index.flat import Flat
from hashmatch.index.mih import Mih, cores, substrings, take_aligned

P = ParamSpec("P")
T = TypeVar("T")

SIZES = (10_000, 100_000, 1_000_000)
LARGE = 10_000_000
LARGEST = 100_000_000
BATCHES = (1, 8, 64, 1024)
"""One hash, one image in its orientations, and lookups of many hashes."""
SECONDS = 0.5
"""How long each batch size is measured, but for at least 3 batches."""

Answer = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]


class Range(Protocol):
    """What all are made to look like; the radius is inclusive."""

    def range_search(self, queries: Codes, radius: int) -> Answer: ...


class Measured(NamedTuple):
    recall: float
    milliseconds: tuple[tuple[float, float], ...]
    """Median and 99th percentile of one query, by batch size."""
    on_all_cores: float
    """Queries/s of all cores together, in batches of 64; 0 where that is not measured."""
    build: float
    """Seconds."""
    memory: int
    """Bytes in addition to the codes as they were given."""
    machine: str
    """Where and when."""


class Peer:
    """A FAISS index; where it has no range search, the nearest `neighbours` of which those too far are dropped."""

    def __init__(self, index: faiss.IndexBinary, neighbours: int = 0) -> None:
        self._index = index
        self._neighbours = neighbours

    def range_search(self, queries: Codes, radius: int) -> Answer:
        if not self._neighbours:
            limits, distances, positions = self._index.range_search(queries, radius + 1)
            return limits.astype(np.int64), distances.astype(np.int32), positions
        distances, positions = self._index.search(queries, self._neighbours)
        near = (distances <= radius) & (positions >= 0)
        return np.append(0, np.cumsum(near.sum(1))), distances[near], positions[near]


def faiss_flat(codes: Codes) -> Range:
    index = faiss.IndexBinaryFlat(BITS)
    index.add(codes)
    return Peer(index)


def faiss_multi_hash(codes: Codes) -> Range:
    """As exact as Mih, with as many substrings as suit the number of codes, which FAISS leaves to its user."""
    return _multi_hash(codes, substrings(len(codes), BITS // 8))


def faiss_multi_hash_of_words(codes: Codes) -> Range:
    """As exact, with 8 substrings of 32 bits."""
    return _multi_hash(codes, 8)


def _multi_hash(codes: Codes, count: int) -> Range:
    """Every bit is in a substring, and as many flips as the pigeonhole asks for."""
    index = faiss.IndexBinaryMultiHash(BITS, count, BITS // count)
    index.nflip = THRESHOLD // count
    index.add(codes)
    return Peer(index)


def faiss_ivf(codes: Codes) -> Range:
    lists = max(16, round(len(codes) ** 0.5))
    index = faiss.IndexBinaryIVF(faiss.IndexBinaryFlat(BITS), BITS, lists)
    index.nprobe = max(1, lists // 16)
    index.cp.niter = 5
    index.cp.min_points_per_centroid = 1
    sample = np.random.default_rng(0).permutation(len(codes))[: 40 * lists]
    index.train(codes[sample])
    index.add(codes)
    return Peer(index)


def faiss_hnsw(codes: Codes) -> Range:
    index = faiss.IndexBinaryHNSW(BITS, 16)
    index.hnsw.efSearch = 128
    index.add(codes)
    return Peer(index, 100)


def mih(codes: Codes) -> Range:
    return Mih.build(take_aligned(codes, np.arange(len(codes))), threads=1)


STRUCTURES: Mapping[str, tuple[Callable[[Codes], Range], int]] = {
    "Mih": (mih, LARGEST),
    "Flat": (Flat, LARGE),
    "IndexBinaryFlat": (faiss_flat, LARGEST),
    "IndexBinaryMultiHash": (faiss_multi_hash, LARGE),
    "MultiHash, 8 x 32 bits": (faiss_multi_hash_of_words, LARGE),
    "IndexBinaryIVF": (faiss_ivf, 1_000_000),
    "IndexBinaryHNSW": (faiss_hnsw, 100_000),
}
"""By name, how each is made, and the most codes that it is made of here: the last ones take very long."""
MOST: Mapping[str, float] = dict.fromkeys(STRUCTURES, 10**9) | {"Mih": float("inf")}
"""Codes times queries of the largest batch that is timed."""
Case: TypeAlias = tuple[int, str, str]
"""How many codes, of what kind of data, and the structure."""


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def timed(structure: Range, queries: Codes, batch: int) -> tuple[float, float]:
    """Milliseconds for one query: the median and the 99th percentile."""
    times: list[float] = []
    started = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - started < SECONDS:
        first = len(times) * batch % (len(queries) - batch + 1)
        begun = time.perf_counter()
        structure.range_search(queries[first : first + batch], THRESHOLD)
        times.append((time.perf_counter() - begun) / batch)
    return float(np.median(times)) * 1000, float(np.percentile(times, 99)) * 1000


def together(structure: Range, queries: Codes) -> float:
    """Queries/s of a thread on every core, in batches of 64."""
    ended = time.perf_counter() + SECONDS

    def run(first: int) -> int:
        done = 0
        while time.perf_counter() < ended:
            structure.range_search(queries[(first + done) % 960 :][:64], THRESHOLD)
            done += 64
        return done

    with ThreadPoolExecutor(cores()) as pool:
        return sum(pool.map(run, range(0, 64 * cores(), 64))) / SECONDS


def measure(name: str, data: str, count: int, haystack: Path | None) -> Measured:
    """In a process of its own."""
    faiss.omp_set_num_threads(1)
    codes, queries = material(data, count, haystack)
    before, started = resident(), time.perf_counter()
    structure = STRUCTURES[name][0](codes)
    build, memory = time.perf_counter() - started, resident() - before
    sample = queries[: max(16, min(1024, 2 * 10**8 // count))]
    found = structure.range_search(sample, THRESHOLD)[0][-1]
    true = Flat(codes).range_search(sample, THRESHOLD)[0][-1]
    milliseconds = tuple(timed(structure, queries, batch) for batch in BATCHES if count * batch <= MOST[name])
    on_all_cores = together(structure, queries) if name == "Mih" else 0
    return Measured(found / true if true else 1.0, milliseconds, on_all_cores, build, memory, described())


def alone(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a step in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(step, *args, **kwargs).result()


def kept(path: Path) -> dict[Case, Measured]:
    """What was measured so far; the last counts where a case is there several times."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {tuple(case): Measured(*figures) for case, figures in map(json.loads, lines)}


def plot(path: Path, measured: Mapping[Case, Measured]) -> None:
    """Draw the time of one query, in batches of 8, against the number of codes."""
    mpl.use("agg")
    data = list(dict.fromkeys(case[1] for case in measured))
    figure, axes = plt.subplots(1, len(data), figsize=(5 * len(data), 4), sharey=True, squeeze=False, layout="tight")
    for axis, kind in zip(axes[0], data, strict=True):
        for name in STRUCTURES:
            points = [(case[0], each.milliseconds[1][0]) for case, each in measured.items() if case[1:] == (kind, name)]
            if points:
                axis.loglog(*zip(*sorted(points), strict=True), marker="o", label=name)
        axis.set(title=kind, xlabel="codes", ylabel="ms a query, one core")
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize="small")
    figure.savefig(path, dpi=100)


def shown(measured: Mapping[Case, Measured]) -> Table:
    timed = (f"x{batch}: ms, p99" for batch in BATCHES)
    table = Table("codes", "data", "structure", "recall", *timed, "x64/s, all", "build s", "MB")
    order = {name: at for at, name in enumerate(STRUCTURES)}
    for (size, data, name), each in sorted(measured.items(), key=lambda of: (*of[0][:2], order[of[0][2]])):
        times = [f"{median:.3g}, {p99:.3g}" for median, p99 in each.milliseconds]
        times += [""] * (len(BATCHES) - len(times))
        rate = f"{each.on_all_cores:,.0f}" if each.on_all_cores else ""
        figures = (f"{each.recall:.4f}", *times, rate, f"{each.build:.2f}", f"{each.memory / 1e6:,.1f}")
        table.add_row(f"{size:,}", data, name, *figures)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help=f"codes; {LARGE:,} take some 6 GB")
    parser.add_argument(
        "--data", nargs="+", default=["uniform", "clustered"], choices=DATA, help="skewed is the worst for tables"
    )
    parser.add_argument("--only", nargs="+", default=list(STRUCTURES), metavar="STRUCTURE")
    parser.add_argument(
        "--kept", type=Path, default=Path("index-measured.jsonl"), help="what was measured, gone on with"
    )
    parser.add_argument("--minutes", type=float, default=6.0, help="after which no further case is begun")
    parser.add_argument("--plot", type=Path, help="an image to draw")
    parser.add_argument("--haystack", type=Path, help="a file of hexadecimal hashes to cluster around")
    arguments = parser.parse_args()
    measured = kept(arguments.kept)
    cases = [
        case
        for size in arguments.sizes
        for data in arguments.data
        for name in arguments.only
        if size <= STRUCTURES[name][1] and (case := (size, data, name)) not in measured
    ]
    ends = time.monotonic() + 60 * arguments.minutes
    with Progress() as progress, arguments.kept.open("a") as file:
        task = progress.add_task("measuring", total=len(cases))
        for done, case in enumerate(cases):
            if time.monotonic() > ends:
                progress.console.print(f"{len(cases) - done} cases are left: run the same again to go on")
                break
            size, data, name = case
            progress.update(task, description=f"{size:,} {data}, {name}")
            measured[case] = alone(measure, name, data, size, arguments.haystack)
            print(json.dumps([case, measured[case]]), file=file, flush=True)
            progress.advance(task)
    if arguments.plot:
        plot(arguments.plot, measured)
    console = Console(width=170)
    console.print(shown(measured), *sorted({each.machine for each in measured.values()}), sep="\n")


if __name__ == "__main__":
    main()
