"""Videos beside their reference: how far the hashes of every frame are from files of hashes that vPDQ made.

`python -m benchmarks.video_reference FOLDER` takes each video that has such a file (`.txt`: frame, quality, hash,
second) beside it. Where vPDQ's own program is installed (see `benchmarks.video`), its hashes of today are compared too.
Frames count that are of quality 50 or more in both.
"""

import argparse
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import described
from hashmatch import media
from hashmatch.sandbox import VideoJob
from hashmatch.sandbox.watching import watch
from hashmatch.settings import MediaLimits
from hashmatch.types import PDQ, Hash, Selection, VideoOptions

_LEAST_QUALITY = 50
_EVERY = VideoOptions(Selection.ALL)


def of_file(path: Path) -> list[Hash]:
    """The hashes that a file of vPDQ's holds, in its order."""
    cells = (line.split(",") for line in path.read_text().split())
    return [Hash.from_hex(PDQ, text, int(quality)) for _, quality, text, _ in cells]


def ours(path: Path) -> list[Hash]:
    """The hashes of every frame, as a worker computes them."""
    with path.open("rb") as file:
        footage = media.open_footage(file, _EVERY, MediaLimits())
        return [seen.hashes[0] for seen in watch(footage, VideoJob(_EVERY))]


def of_program(path: Path) -> list[Hash] | None:
    """Those of vPDQ's own program; None where it is not installed."""
    try:
        vpdq = importlib.import_module("vpdq")
    except ImportError:
        return None
    frames = vpdq.computeHash(str(path), seconds_per_hash=0, thread_count=1)
    return [Hash.from_hex(PDQ, frame.hex, frame.quality) for frame in frames]


def compared(some: Sequence[Hash], others: Sequence[Hash]) -> tuple[int, int, float]:
    """How many frames count, and the largest and the mean distance of these; raises ValueError where frames lack."""
    distances = [
        (int.from_bytes(one.bits) ^ int.from_bytes(other.bits)).bit_count()
        for one, other in zip(some, others, strict=True)
        if min(one.quality or 0, other.quality or 0) >= _LEAST_QUALITY
    ]
    return len(distances), max(distances, default=0), sum(distances) / max(1, len(distances))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="videos, and beside each its hashes under the same name as .txt")
    console = Console(width=110)
    console.print(described())
    table = Table("video", "frames", "compared", "that count", "most bits", "mean")
    for path in sorted(parser.parse_args().folder.iterdir()):
        file = path.with_suffix(".txt")
        if path == file or not file.is_file():
            continue
        hashes: Mapping[str, list[Hash] | None] = {
            "file": of_file(file),
            "hashmatch": ours(path),
            "program": of_program(path),
        }
        for one, other in (("hashmatch", "file"), ("program", "file"), ("hashmatch", "program")):
            some, others = hashes[one], hashes[other]
            if some is None or others is None:
                continue
            count, most, mean = compared(some, others)
            table.add_row(path.name, str(len(some)), f"{one} - {other}", str(count), str(most), f"{mean:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
