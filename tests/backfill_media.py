"""Small media for the tests of backfills, each file another picture."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.media_files import encoded


def picture(number: int, side: int = 64) -> NDArray[np.uint8]:
    """Smooth noise that is another for each number: uint8 (side, side), of good quality."""
    noise = np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)
    return cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def jpeg(number: int, side: int = 64) -> bytes:
    """The file of a picture."""
    return encoded(".jpg", picture(number, side))


def write_folder(folder: Path, count: int) -> list[Path]:
    """Files of the pictures 0 to `count`, exclusive, in two levels of folders."""
    paths = []
    for number in range(count):
        path = folder / f"{number % 7}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number))
        paths.append(path)
    return sorted(paths)
