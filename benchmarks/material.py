"""The media that every benchmark runs on: photographs of a stated size, made from the bundled ones."""

import cv2
import numpy as np
from numpy.typing import NDArray

from hashmatch.cli.photos import colour_photos


def photo(width: int, height: int, number: int = 0) -> NDArray[np.uint8]:
    """Photograph `number` (any from 0) scaled to the size: uint8 (height, width, 3) in BGR order."""
    paths = list(colour_photos().values())
    pixels = cv2.imread(str(paths[number % len(paths)]), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(paths[number % len(paths)])
    turned = np.roll(pixels, number // len(paths) * 7, axis=1)
    return cv2.resize(turned, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def jpeg(width: int, height: int, kilobytes: int, number: int = 0) -> bytes:
    """A baseline 4:2:0 JPEG of a photograph, of the quality that comes nearest to the size in kB."""
    pixels = photo(width, height, number)
    best = b""
    low, high = 1, 100
    while low <= high:
        quality = (low + high) // 2
        done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise ValueError("the JPEG encoder failed")
        if abs(data.size - kilobytes * 1000) < abs(len(best) - kilobytes * 1000):
            best = data.tobytes()
        low, high = (quality + 1, high) if data.size < kilobytes * 1000 else (low, quality - 1)
    return best
