"""What people do to known images before they upload them again, done to real pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
"""uint8 (height, width, 3) in BGR order, or (height, width)."""


@dataclass(frozen=True, slots=True)
class Alteration:
    """One thing done to a photograph: its description, the pixels after it, and how they are stored."""

    description: str
    change: Callable[[Pixels], Pixels]
    suffix: str = ".jpg"
    settings: tuple[int, ...] = (cv2.IMWRITE_JPEG_QUALITY, 90)

    def apply(self, photo: Pixels) -> bytes:
        """The altered photograph as a file's bytes."""
        done, data = cv2.imencode(self.suffix, self.change(photo), self.settings)
        if not done:
            raise ValueError(f"OpenCV cannot write {self.suffix}")
        return data.tobytes()


def load(path: Path) -> Pixels:
    """A photograph's pixels in BGR order."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"{path} cannot be decoded")
    return pixels.astype(np.uint8, copy=False)


def survivable() -> tuple[Alteration, ...]:
    """Alterations that PDQ is made to see through."""
    return (
        Alteration("JPEG quality 30", _unchanged, settings=(cv2.IMWRITE_JPEG_QUALITY, 30)),
        Alteration("resized to 50 %", lambda photo: _pixels(cv2.resize(photo, None, fx=0.5, fy=0.5))),
        Alteration("rotated by 90°", lambda photo: _pixels(np.rot90(photo))),
        Alteration("rotated by 180°", lambda photo: _pixels(np.rot90(photo, 2))),
        Alteration("mirrored", lambda photo: _pixels(photo[:, ::-1])),
        Alteration("cropped by 2 %", lambda photo: _cropped(photo, 0.02)),
        Alteration("watermarked", _watermarked),
        Alteration("letterboxed", _letterboxed),
        Alteration("made grey", lambda photo: _pixels(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY))),
        Alteration("PNG", _unchanged, ".png", ()),
        Alteration("WebP quality 50", _unchanged, ".webp", (cv2.IMWRITE_WEBP_QUALITY, 50)),
    )


def beyond() -> Alteration:
    """An alteration that leaves too little of the picture for PDQ."""
    return Alteration("cropped by 40 %", lambda photo: _cropped(photo, 0.4))


def _unchanged(photo: Pixels) -> Pixels:
    return photo


def _pixels(array: NDArray[np.generic]) -> Pixels:
    return np.ascontiguousarray(array, np.uint8)


def _cropped(photo: Pixels, share: float) -> Pixels:
    """Without `share` of the height and of the width, half of it on either side."""
    top, left = (round(side * share / 2) for side in photo.shape[:2])
    return _pixels(photo[top : photo.shape[0] - top, left : photo.shape[1] - left])


def _letterboxed(photo: Pixels) -> Pixels:
    """With a black bar above and below it, each a sixth of its height."""
    bar = photo.shape[0] // 6
    return _pixels(cv2.copyMakeBorder(photo, bar, bar, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0)))


def _watermarked(photo: Pixels) -> Pixels:
    """Half-transparent white text across the lower part."""
    height, width = photo.shape[:2]
    layer = photo.copy()
    place = (width // 10, height * 9 // 10)
    cv2.putText(layer, "(c) example.com", place, cv2.FONT_HERSHEY_SIMPLEX, width / 500, (255, 255, 255), width // 250)
    return _pixels(cv2.addWeighted(layer, 0.5, photo, 0.5, 0))
