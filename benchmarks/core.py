"""The hashing core against what it must hold, its peers and the limits of the machine: `python -m benchmarks.core`.

One core, no thread pools. All ways of one size take turns within a round; a figure is the median of the rounds, and
the mean over the photographs, so that those for which `certified` asks the exact kernel count with their share. Time is
the thread's own on the processor, which other programs of the machine disturb less than the clock on the wall.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, TypeAlias

import cv2
import imagehash
import numpy as np
import pdqhash
from PIL import Image

from benchmarks.machine import described
from benchmarks.material import jpeg, photo
from hashmatch import _core
from hashmatch.hashing import hash_frame
from hashmatch.media import decode
from hashmatch.settings import MediaLimits

cv2.setNumThreads(0)

Ways = Mapping[str, Callable[[], object]]
LIMITS = MediaLimits()
KindName: TypeAlias = Literal["ahash", "dhash", "phash"]
PEERS: Mapping[KindName, Callable[[Image.Image], object]] = {
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
    "ahash": imagehash.average_hash,
}
SIZES = {
    "512 x 512": (512, 512),
    "1 Mpx": (1024, 1024),
    "2 Mpx": (1672, 1254),
    "4 Mpx": (2048, 2048),
    "12 Mpx": (4032, 3024),
}
JPEGS = {"2 Mpx, 200 kB": (1632, 1224, 200), "12 Mpx, 2.5 MB": (4032, 3024, 2500)}


def milliseconds(ways: Ways, rounds: int) -> dict[str, float]:
    """The median of each way; a round runs every way, cheap ones until they have taken 2 ms.

    A way runs once before it is timed, as the caches are then as its own last run left them, and not the one before.
    """
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 1):
        for name, run in ways.items():
            run()
            count, started = 0, time.thread_time()
            while count == 0 or time.thread_time() - started < 0.002:
                run()
                count += 1
            if round_:
                measured[name].append((time.thread_time() - started) / count * 1000)
    return {name: statistics.median(values) for name, values in measured.items()}


def over(photos: int, ways_of: Callable[[int], Ways], rounds: int) -> dict[str, float]:
    """Milliseconds of each way, the mean over that many photographs."""
    found = [milliseconds(ways_of(number), rounds) for number in range(photos)]
    return {name: statistics.fmean(each[name] for each in found) for name in found[0]}


def kernels(size: tuple[int, int], number: int) -> Ways:
    bgr = photo(*size, number)
    rgb, luma = np.ascontiguousarray(bgr[:, :, ::-1]), np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
    copy = np.empty_like(luma)
    return {
        "pdqhash": lambda: pdqhash.compute(rgb),
        "memcpy of luma": lambda: np.copyto(copy, luma),
        "fast": lambda: _core.pdq(luma, kernel="fast"),
        "certified": lambda: _core.pdq(luma),
        "certified, RGB": lambda: _core.pdq(rgb),
        "exact": lambda: _core.pdq(luma, kernel="exact"),
        **{f"fast, {name}": partial(_core.pdq, luma, kernel="fast", variant=name) for name in _core.variants()[:-1]},
    }


def asked_exact(size: tuple[int, int], photos: int) -> int:
    grey = (cv2.cvtColor(photo(*size, number), cv2.COLOR_BGR2GRAY) for number in range(photos))
    return sum(_core.pdq_traced(np.asarray(luma, np.uint8)).kernel == "exact" for luma in grey)


def progressive(data: bytes) -> bytes:
    """The same picture as a progressive file of the same quality tables."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    low, high = 1, 100
    while low < high:  # the least quality that is as long
        quality = (low + high) // 2
        made = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1]
        low, high = (quality + 1, high) if made.size < len(data) else (low, quality)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, low, cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()


def decoding(data: bytes) -> Ways:
    buffer = np.frombuffer(data, np.uint8)

    def recipe() -> None:
        bgr = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
        assert bgr is not None
        pdqhash.compute(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))

    return {
        "pdqhash recipe": recipe,
        "exact": lambda: hash_frame(decode(data, LIMITS)),
        "approximate": lambda: hash_frame(decode(data, LIMITS, reduced=True)),
        "luma": lambda: decode(data, LIMITS),
        "OpenCV's luma": lambda: cv2.imdecode(buffer, cv2.IMREAD_GRAYSCALE),
        "in colour": lambda: cv2.imdecode(buffer, cv2.IMREAD_COLOR),
        "an eighth": lambda: cv2.imdecode(buffer, cv2.IMREAD_REDUCED_GRAYSCALE_8),
    }


def kinds(size: tuple[int, int], number: int) -> Ways:
    rgb = np.ascontiguousarray(photo(*size, number)[:, :, ::-1])
    luma = np.asarray(Image.fromarray(rgb).convert("L"))
    ways: dict[str, Callable[[], object]] = {}
    for colours, pixels in (("RGB", rgb), ("luma", luma)):
        image = Image.fromarray(pixels)
        for name, peer in PEERS.items():
            ways[f"imagehash {name}, {colours}"] = partial(peer, image)
            ways[f"{name}, {colours}"] = partial(_core.small_hash, pixels, name, turned=False)
    return ways


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def kernel_table(photos: int, rounds: int) -> None:
    rows: list[list[str]] = []
    columns: list[str] = []
    for name, size in SIZES.items():
        found = over(photos, partial(kernels, size), rounds)
        peer, copy = found.pop("pdqhash"), found.pop("memcpy of luma")
        columns = ["size", "pdqhash, ms", "memcpy, ms", *found, "fast / memcpy", "asked exact"]
        ratios = [f"{time_:.3f} ms, {peer / time_:.0f}x" for time_ in found.values()]
        exact = f"{asked_exact(size, photos)} of {photos}"
        rows.append([name, f"{peer:.1f}", f"{copy:.3f}", *ratios, f"{found['fast'] / copy:.2f}", exact])
    table(
        f"PDQ of decoded pixels, mean of {photos} photographs; `x` is against pdqhash on the same pixels", columns, rows
    )


def decode_table(photos: int, rounds: int) -> None:
    rows: list[list[str]] = []
    columns: list[str] = []
    for name, size in JPEGS.items():
        for process in ("baseline", "progressive"):

            def ways(number: int, size: tuple[int, int, int] = size, process: str = process) -> Ways:
                data = jpeg(*size, number)
                return decoding(progressive(data) if process == "progressive" else data)

            found = over(photos, ways, rounds)
            recipe = found.pop("pdqhash recipe")
            decoders = ("luma", "OpenCV's luma", "in colour", "an eighth")
            columns = ["JPEG", "pdqhash recipe, ms", "exact", "approximate", *(f"{way}, ms" for way in decoders)]
            ours = [f"{found[way]:.2f} ms, {recipe / found[way]:.1f}x" for way in ("exact", "approximate")]
            limits = [f"{found[way]:.2f}" for way in decoders]
            rows.append([f"{name}, {process}", f"{recipe:.1f}", *ours, *limits])
    table(f"Bytes to hash, mean of {photos} photographs as 4:2:0 JPEGs", columns, rows)


def kind_table(photos: int, rounds: int) -> None:
    rows = []
    for name in ("512 x 512", "2 Mpx", "12 Mpx"):
        found = over(photos, partial(kinds, SIZES[name]), rounds)
        for way in (way for way in found if not way.startswith("imagehash")):
            peer = found[f"imagehash {way}"]
            rows.append([way, name, f"{peer:.2f}", f"{found[way]:.3f}", f"{peer / found[way]:.0f}x"])
    table(
        "The 64-bit kinds beside imagehash on the same decoded pixels",
        ["kind", "size", "imagehash, ms", "ms", "ratio"],
        rows,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=8, help="photographs of each size")
    parser.add_argument("--rounds", type=int, default=7, help="rounds; the median counts")
    parser.add_argument("--only", choices=("kernels", "decode", "kinds"), help="one of the tables")
    arguments = parser.parse_args()
    print(f"{described()}, one core used, variant {_core.variant()}, OpenCV {cv2.__version__}")
    tables = {"kernels": kernel_table, "decode": decode_table, "kinds": kind_table}
    for name, print_table in tables.items():
        if arguments.only in (None, name):
            print_table(arguments.photos, arguments.rounds)


if __name__ == "__main__":
    main()
