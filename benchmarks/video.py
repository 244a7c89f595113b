"""Videos: seconds of film hashed for each second of one core, beside the peers on the same file in the same run.

`python -m benchmarks.video` makes films of 720p as encoders make them, or takes the one that is named. The peers are
vPDQ's own program (`pip install vpdq` builds it where FFmpeg's headers are: Debian's libavcodec-dev, libavformat-dev,
libavfilter-dev, libavdevice-dev, libswscale-dev and cmake), and a loop of OpenCV's frames through pdqhash. The decoder
alone is what could be had at most: it is given just the packets that hashmatch gives it, from memory. Processor time is
measured, that of all threads, so that what else the machine does counts little.
"""

import argparse
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import pdqhash
from rich.console import Console
from rich.table import Table

from benchmarks.films import FILMS, make
from benchmarks.machine import described
from hashmatch import media
from hashmatch.media import Picked
from hashmatch.media.gops import steps
from hashmatch.sandbox import VideoJob
from hashmatch.sandbox.watching import watch
from hashmatch.settings import MediaLimits
from hashmatch.types import SECOND, Selection, VideoOptions

Way = Callable[[], float]
"""Goes through the film once; the seconds of processor time that it took."""


def timed(work: Callable[[], object]) -> Way:
    """The whole of a function."""

    def way() -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return way


class Ours:
    """Decoding and hashing as a worker does it, and which part of the time is the hashing."""

    def __init__(self, path: Path, selection: Selection) -> None:
        self._path = path
        self._options = VideoOptions(selection)
        self._away = 0.0
        self.shares: list[float] = []

    def __call__(self) -> float:
        self._away, started = 0.0, time.process_time()
        with self._path.open("rb") as file:
            footage = media.open_footage(file, self._options, MediaLimits())
            begun = time.process_time()
            footage.frames = self._noted(footage.frames)
            for _ in watch(footage, VideoJob(self._options)):
                pass
            ended = time.process_time()
        self.shares.append((ended - begun - self._away) / (ended - started))
        return ended - started

    def _noted(self, frames: Iterator[Picked]) -> Iterator[Picked]:
        while True:
            begun = time.process_time()
            picked = next(frames, None)
            self._away += time.process_time() - begun
            if picked is None:
                return
            yield picked


def decoder_alone(path: Path, selection: Selection) -> float:
    """The seconds of processor time that FFmpeg takes for the packets that a selection needs."""
    with av.open(str(path), "r") as container:
        stream = container.streams.video[0]
        context: Any = stream.codec_context
        context.thread_count, context.thread_type = 1, "NONE"
        packets = [packet for packet in container.demux(stream) if packet.size]
        given: list[tuple[Any, str]] = [(packet, "DEFAULT") for packet in packets]
        if selection is Selection.KEYFRAMES:
            keyframes = [packet for packet in packets if packet.is_keyframe]
            given = [(each, "NONKEY") for keyframe in keyframes for each in (keyframe, None)]
        elif selection is Selection.INTERVAL:
            unit, start = float(stream.time_base or 0) * SECOND, stream.start_time or 0
            chosen = steps(packets, lambda pts: round((pts - start) * unit), SECOND)
            given = [(step and step.packet, "DEFAULT" if step is None or step.wanted else "NONREF") for step in chosen]
        started = time.process_time()
        for packet, skipped in (*given, (None, "DEFAULT")):
            context.skip_frame = skipped
            context.decode(packet)
            if packet is None:
                context.flush_buffers()
        return time.process_time() - started


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


def peers(path: Path) -> Mapping[str, Way]:
    """By name; vpdq where it is installed."""
    ways = {"OpenCV loop + pdqhash, 1/s": timed(lambda: opencv_loop(path))}
    try:
        vpdq = importlib.import_module("vpdq")
    except ImportError:
        return ways
    return {"vpdq, 1/s": timed(lambda: vpdq.computeHash(str(path), seconds_per_hash=1, thread_count=1)), **ways}


def measure(path: Path, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of film for each second of processor time by way, and the median share of hashing in ours."""
    with av.open(str(path), "r") as container:
        seconds = float((container.duration or 0) / av.time_base)
    ours = {f"hashmatch, {name}": Ours(path, each) for name, each in _OURS.items()}
    alone = {f"the decoder alone, {name}": partial(decoder_alone, path, each) for name, each in _OURS.items()}
    ways: dict[str, Way] = {**peers(path), **ours, **alone}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(way())
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
