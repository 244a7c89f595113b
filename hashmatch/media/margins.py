"""The picture within its margins: borders, letterbox and pillarbox bars are found in the luma and left out."""

from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hashmatch.types import Frame

SAMPLES: Final = 256
"""About how many pixels of a line are looked at."""
NOISE: Final = 12
"""How far the luma of a margin may be from its colour: lossy encoders leave ripples."""
STEP: Final = 24
"""How far the luma of a picture is at its edge from the margin's colour, at least: a sky that fades is no margin."""
STRAY: Final = 0.05
"""The share of a margin's line that may be something else, such as a small logo."""
SOFT: Final = 8
"""Within how many lines a picture's edge is sharp: scaling and blocks of lossy encoders blur it."""
LEAST_PART: Final = 0.25
"""The picture's least share of the frame, on either axis; an upright film in a wide one takes 0.32."""
LEAST_MARGIN: Final = 0.01
"""The share of the frame, on either axis, from which on margins are worth a second hash."""
MOST_NESTED: Final = 3
"""How many margins, each of its own colour, may lie within one another on a side."""


class Box(NamedTuple):
    """A rectangle of pixels: from top and left, inclusive, to bottom and right, exclusive."""

    top: int
    bottom: int
    left: int
    right: int


def without_margins(frame: Frame) -> Frame | None:
    """The picture within its margins, as a frame of its own; None where there are no margins, or too little within.

    A margin is a run of whole lines of nearly one luma that starts at a side of the frame and ends at a sharp edge.
    """
    box = find_picture(frame.pixels)
    if box is None:
        return None
    pixels = np.ascontiguousarray(frame.pixels[box.top : box.bottom, box.left : box.right])
    return replace(frame, pixels=pixels, width=box.right - box.left, height=box.bottom - box.top)


def find_picture(pixels: NDArray[np.uint8]) -> Box | None:
    """The picture within the margins of uint8 (height, width) or BGR (height, width, 3), or None as above.

    What it returns has no margins itself, and at least `LEAST_PART` of the pixels on either axis.
    """
    height, width = pixels.shape[:2]
    box = Box(0, height, 0, width)
    for _ in range(MOST_NESTED + 1):
        inner = _shrunk(pixels, box)
        if inner == box:
            break
        box = inner
    else:
        return None
    shares = ((box.bottom - box.top) / height, (box.right - box.left) / width)
    return None if min(shares) < LEAST_PART or min(shares) > 1 - LEAST_MARGIN else box


def _shrunk(pixels: NDArray[np.uint8], box: Box) -> Box:
    """The box without the outermost margin of each side; the same where there is none, or nothing else."""
    part = pixels[box.top : box.bottom, box.left : box.right]
    height, width = part.shape[:2]
    rows = part[:, :: -(-width // SAMPLES)]
    columns = part[:: -(-height // SAMPLES)].swapaxes(0, 1)
    top, bottom, left, right = (_margin(lines) for lines in (rows, rows[::-1], columns, columns[::-1]))
    if top + bottom >= height or left + right >= width:
        return box
    return Box(box.top + top, box.bottom - bottom, box.left + left, box.right - right)


def _margin(lines: NDArray[np.uint8]) -> int:
    """How many of the first lines are margin: uint8 (lines, samples) or BGR (lines, samples, 3)."""
    samples = lines.shape[1]
    first = np.sort(_luma(lines[:1]), axis=None).tobytes()
    colour = first[samples // 2]
    allowed = int(STRAY * samples)
    alike = bisect_right(first, colour + NOISE) - bisect_left(first, colour - NOISE)
    if samples - alike > allowed:  # as of nearly every picture
        return 0
    end, seen = 0, 1
    while not (differs := _strays(lines[end:seen], colour, NOISE) > allowed).any():
        if seen >= len(lines):
            return 0
        end, seen = seen, 4 * seen
    end += int(np.argmax(differs))
    edge = _strays(lines[end : end + SOFT], colour, STEP) > allowed
    return end + int(np.argmax(edge)) if end and edge.any() else 0


def _strays(lines: NDArray[np.uint8], colour: int, tolerance: int) -> NDArray[np.int32]:
    """(lines,): how many samples of each line differ from the colour by more than the tolerance."""
    luma = _luma(lines)
    alike = cv2.inRange(luma, max(0, colour - tolerance), min(255, colour + tolerance))
    counts = cv2.reduce(alike, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() // 255
    return np.int32(luma.shape[1]) - counts.astype(np.int32, copy=False)


def _luma(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    lines = np.ascontiguousarray(lines)
    return lines if lines.ndim == 2 else cv2.cvtColor(lines, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
