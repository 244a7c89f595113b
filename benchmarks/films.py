"""Films of 720p, made as encoders make them."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from hashmatch.cli.photos import colour_photos

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
