"""What the sealed processes cost, and how soon a crashed one is replaced: `python -m benchmarks.sandbox`.

The same images are decoded and hashed by as many threads as there are cores in this process, and by as many sealed
workers. The ways take turns within a round; the medians of the rounds count.
"""

import argparse
import os
import signal
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.load import rates
from benchmarks.machine import described
from benchmarks.material import jpeg
from hashmatch.errors import DecoderCrashed
from hashmatch.sandbox import Hasher, Job, Pool
from hashmatch.sandbox.in_process import InProcess
from hashmatch.settings import MediaLimits
from hashmatch.types import Sandbox

_JOB = Job()
_SIZES = {"200 kB, 2 Mpx": (1632, 1224, 200), "20 kB, 0.2 Mpx": (512, 384, 20), "3 MB, 12 Mpx": (4000, 3000, 3000)}


def hash_all(hasher: Hasher, images: list[bytes], threads: int) -> None:
    with ThreadPoolExecutor(threads) as callers:
        for _ in callers.map(lambda image: hasher.hash_image(image, _JOB), images):
            pass


def overhead(count: int, rounds: int) -> Table:
    """Rates and processor time of each way, for uploads of several sizes."""
    cores, limits = len(os.sched_getaffinity(0)), MediaLimits()
    table = Table("upload", "way", "images/s", "rate / plain", "CPU ms an image", "plain / CPU", title=described())
    with Pool(limits, cores) as sealed, Pool(limits, cores, Sandbox.OFF) as open_:
        for name, size in _SIZES.items():
            images = [jpeg(*size, number) for number in range(max(8, min(count, count * 200 // size[2])))]
            hashers: dict[str, Hasher] = {"threads": InProcess(limits), "sealed": sealed, "not sealed": open_}
            ways = {way: partial(hash_all, hasher, images, cores) for way, hasher in hashers.items()}
            for warm in ways.values():
                warm()
            found = rates(ways, len(images), rounds)
            plain = found["threads"]
            for way, rate in found.items():
                shares = rate.images_per_second / plain.images_per_second, plain.milliseconds / rate.milliseconds
                times = f"{rate.images_per_second:.0f}", f"{shares[0]:.0%}", f"{rate.milliseconds:.2f}"
                table.add_row(name, way, *times, f"{shares[1]:.0%}")
    return table


def replacement(rounds: int) -> str:
    """From the death of a worker to the answer of its replacement, above the time of the same answer without."""
    data, usual, after = jpeg(512, 384, 20, 0), [], []
    with Pool(MediaLimits(), 1) as pool:
        for _ in range(rounds):
            pool.hash_image(data, _JOB)
            started = time.perf_counter()
            pool.hash_image(data, _JOB)
            usual.append(time.perf_counter() - started)
            (worker,) = Path(f"/proc/{pool.zygote}/task/{pool.zygote}/children").read_text().split()
            os.kill(int(worker), signal.SIGKILL)
            started = time.perf_counter()
            while True:
                try:
                    pool.hash_image(data, _JOB)
                    break
                except DecoderCrashed:
                    continue
            after.append(time.perf_counter() - started)
    times = [1000 * (each - statistics.median(usual)) for each in after]
    return f"a killed worker is replaced in {statistics.median(times):.1f} ms (median), {max(times):.1f} ms (most)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200, help="images in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the median counts")
    arguments = parser.parse_args()
    console = Console()
    console.print(overhead(arguments.images, arguments.rounds))
    console.print(replacement(10 * arguments.rounds))


if __name__ == "__main__":
    main()
