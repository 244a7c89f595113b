"""Videos: seconds of film hashed for each second of one core, beside the peers on the same file in the same run.

`python -m benchmarks.video` makes films of 720p as encoders make them, or takes the one that is named. The peers are
vPDQ's own program (`pip install vpdq` builds it where FFmpeg's headers are: Debian's libavcodec-dev, libavformat-dev,
libavfilter-dev, libavdevice-dev, libswscale-dev and cmake), and a loop of OpenCV's frames through pdqhash. Processor
time is measured, that of all threads, so that what else the machine does counts little.
"""

import argparse
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pdqhash
from rich.console import Console
from rich.table import Table

from benchmarks.machine import described
from hashmatch import hashing, media
from hashmatch.cli.photos import colour_photos
from hashmatch.settings import MediaLimits
from hashmatch.types import Selection, VideoOptions

_SIZE = (1280, 720)
_RATE = 30


@dataclass(frozen=True, slots=True)
class Film:
    """How a film is cut and encoded by x264."""

    scene_seconds: int
    keyframe_every: int
    """Frames, at most: x264 makes one at each cut, too."""
    preset: str
    bframes: int = 3


FILMS = {
    "cuts": Film(4, 250, "veryfast"),
    "one take": Film(1000, 250, "medium"),
    "for streaming": Film(4, 60, "fast"),
    "of a phone": Film(1000, 30, "veryfast", bframes=0),
}


def make(path: Path, seconds: int, film: Film) -> None:
    """Photographs that the camera moves over, with grain."""
    width, height = _SIZE
    read = (cv2.imread(str(photo)) for photo in colour_photos().values())
    photos = [cv2.resize(photo, (1600, 1000)) for photo in read if photo is not None]
    grain = np.random.default_rng(1).integers(0, 8, (4, height, width, 1), np.uint8)
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(
            "libx264",
            rate=_RATE,
            options={"preset": film.preset, "g": str(film.keyframe_every), "bf": str(film.bframes)},
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        scene_seconds = min(film.scene_seconds, seconds)
        for number in range(seconds * _RATE):
            scene, t = divmod(number / _RATE / scene_seconds, 1)
            across, down = int(width * (1 - t / 4)), int(height * (1 - t / 4))
            left, top = int((1600 - across) * t), int((1000 - down) * (1 - t))
            part = photos[int(scene) % len(photos)][top : top + down, left : left + across]
            picture = cv2.add(cv2.resize(part, _SIZE), np.repeat(grain[number % 4], 3, 2))
            frame = av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


class Ours:
    """Decoding and hashing as a worker does it, and which part of the time is the hashing."""

    def __init__(self, path: Path, selection: Selection) -> None:
        self._path = path
        self._options = VideoOptions(selection)
        self.shares: list[float] = []

    def __call__(self) -> None:
        hashed, started = 0.0, time.process_time()
        with self._path.open("rb") as file:
            for _, frame in media.open_footage(file, self._options, MediaLimits()).frames:
                begun = time.process_time()
                hashing.hash_frame(frame)
                hashed += time.process_time() - begun
        self.shares.append(hashed / (time.process_time() - started))


def opencv_loop(path: Path) -> None:
    """What one writes first: grab every frame, decode one a second to BGR, hash it by pdqhash."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    rate = round(capture.get(cv2.CAP_PROP_FPS))
    number = 0
    while capture.grab():
        if number % rate == 0:
            _, frame = capture.retrieve()
            pdqhash.compute(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        number += 1


def peers(path: Path) -> Mapping[str, Callable[[], object]]:
    """By name; vpdq where it is installed."""
    ways: dict[str, Callable[[], object]] = {"OpenCV loop + pdqhash, 1/s": lambda: opencv_loop(path)}
    try:
        vpdq = importlib.import_module("vpdq")
    except ImportError:
        return ways
    return {"vpdq, 1/s": lambda: vpdq.computeHash(str(path), seconds_per_hash=1, thread_count=1), **ways}


def measure(path: Path, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of film for each second of processor time by way, and the median share of hashing in ours."""
    with av.open(str(path), "r") as container:
        seconds = float((container.duration or 0) / av.time_base)
    ours = {f"hashmatch, {name}": Ours(path, each) for name, each in _OURS.items()}
    ways: dict[str, Callable[[], object]] = {**peers(path), **ours}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            way()
            taken[name].append(time.process_time() - started)
    rates = {name: seconds / statistics.median(each) for name, each in taken.items()}
    return rates, {name: statistics.median(each.shares) for name, each in ours.items()}


_OURS = {"1/s": Selection.INTERVAL, "keyframes": Selection.KEYFRAMES, "every frame": Selection.ALL}


def report(title: str, path: Path, rounds: int, console: Console) -> dict[str, float]:
    """Print what was measured of one film; the ratio of each way to the first."""
    rates, shares = measure(path, rounds)
    first = next(iter(rates))
    table = Table("way", "x realtime of a core", f"of {first}", "of that hashing", title=title)
    for name, rate in rates.items():
        share = f"{shares[name]:.1%}" if name in shares else ""
        table.add_row(name, f"{rate:.1f}", f"{rate / rates[first]:.1f}", share)
    console.print(table)
    return {name: rate / rates[first] for name, rate in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", nargs="?", type=Path, help="the film; some are made where none is named")
    parser.add_argument("--films", nargs="*", choices=FILMS, default=list(FILMS), help="which are made")
    parser.add_argument("--seconds", type=int, default=60, help="of each film that is made")
    parser.add_argument("--rounds", type=int, default=5, help="the median counts")
    arguments = parser.parse_args()
    console = Console(width=110)
    console.print(described())
    if arguments.video:
        report(arguments.video.name, arguments.video, arguments.rounds, console)
        return
    ratios = []
    for name in arguments.films:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "film.mp4"
            make(path, arguments.seconds, FILMS[name])
            ratios.append(report(f"{name}: {FILMS[name]}", path, arguments.rounds, console))
    for way in ratios[0]:
        console.print(f"{way}: median of the films {statistics.median(each[way] for each in ratios):.1f}")


if __name__ == "__main__":
    main()
