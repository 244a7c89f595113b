"""What a client notices of another that sends nothing but bad input: `python -m benchmarks.bystander`."""

import argparse
import multiprocessing
import statistics
import struct
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import described
from benchmarks.material import jpeg
from benchmarks.overload import percentile
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.errors import HashmatchError


def bomb(side: int) -> bytes:
    """A PNG of side x side grey pixels, all the same, in a few kilobytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes((side // 8 + 1) * side), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def send(address: str, media: bytes, seconds: float) -> list[float]:
    """Send one image again and again, each once the last is answered or refused; how long each took."""
    took = []
    with Client(address, timeout=30) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.perf_counter()
            with suppress(HashmatchError):
                client.match_image(media)
            took.append(time.perf_counter() - started)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="of a round")
    parser.add_argument("--rounds", type=int, default=3, help="of each; the median counts")
    arguments = parser.parse_args()
    good = jpeg(1632, 1224, 200)
    bad = {
        "another good client": good,
        "words": b"words " * 1000,
        "a cut JPEG": good[: len(good) // 2],
        "a bomb over the limit": bomb(16_384),
        "a bomb within the limit": bomb(9_992),
    }
    found: dict[str, list[float]] = {"nobody else": [], **{name: [] for name in bad}}
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess(Path(folder), {"HASHMATCH_CACHE_BYTES": "0"}) as server,
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes,
    ):

        def run(media: bytes | None) -> list[float]:
            own = processes.submit(send, server.address, good, arguments.seconds)
            other = media and processes.submit(send, server.address, media, arguments.seconds)
            took = own.result()
            if other:
                other.result()
            return took

        run(good)
        for _ in range(arguments.rounds):
            for name, rounds in found.items():
                rounds.append(percentile(run(bad.get(name)), 0.99))
    medians: dict[str, float] = {name: statistics.median(each) for name, each in found.items()}
    table = Table("beside a client that sends", "p99 ms", "of another good client's", title=described())
    for name, median in medians.items():
        table.add_row(name, f"{median:.1f}", f"{median / medians['another good client']:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
