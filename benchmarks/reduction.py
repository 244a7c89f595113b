"""How far hashes of JPEGs decoded at a part of their size are off: `python -m benchmarks.reduction`.

Photographs of a shorter side of 768 pixels and more are brought to each size, enlarged at most twice and then with
noise of 4 levels, so that they are not smoother than pictures of that size are; stored as JPEGs of quality 50 to 95,
baseline and progressive; and hashed whole and reduced, in all orientations.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import photographs
from hashmatch import _core
from hashmatch.cli.output import progress

SIDES = (768, 1024, 1280, 1536, 2048, 2560, 3024)
REDUCED = {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}
Pixels = NDArray[np.uint8]


class Off(NamedTuple):
    """How far one reduced JPEG is from the whole."""

    bits: tuple[int, ...]
    """For each orientation."""
    naive_bits: int
    """Of the reduced pixels hashed as if they were an image of their own."""
    quality: int


def large_photographs() -> list[Pixels]:
    folder = photographs.cache_folder()
    found = [cv2.imread(str(photo.cached(folder)), cv2.IMREAD_COLOR) for photo in photographs.fetch(folder)]
    return [
        pixels.astype(np.uint8, copy=False) for pixels in found if pixels is not None and min(pixels.shape[:2]) >= 768
    ]


def jpegs(photo: Pixels, side: int, count: int, random: np.random.Generator) -> Iterator[Pixels]:
    """JPEG files of the photograph at about that size."""
    for number in range(count):
        scale = (side + int(random.integers(0, 16))) / min(photo.shape[:2])
        if scale > 2:
            return
        pixels = cv2.resize(
            photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        if scale > 1:
            noise = random.standard_normal(pixels.shape, np.float32) * 4
            pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
        options = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(50, 96)), cv2.IMWRITE_JPEG_PROGRESSIVE, number % 2]
        yield np.asarray(cv2.imencode(".jpg", pixels, options)[1])


def compare(jpeg: Pixels) -> dict[int, Off]:
    """By reduction."""
    whole = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), np.uint8)
    expected, quality = _core.pdq(whole)
    found = {}
    for factor, flag in REDUCED.items():
        pixels = np.asarray(cv2.imdecode(jpeg, flag), np.uint8)
        hashes, got = _core.pdq_reduced(pixels, whole.shape[0], whole.shape[1], factor)
        bits = np.bitwise_count(hashes ^ expected).sum(1)
        naive = np.bitwise_count(_core.pdq(pixels)[0][0] ^ expected[0]).sum()
        found[factor] = Off(tuple(map(int, bits)), int(naive), abs(got - quality))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=4, help="JPEGs of each photograph at each size")
    arguments = parser.parse_args()
    photos, random = large_photographs(), np.random.default_rng(3)
    outcomes: dict[tuple[int, int], list[Off]] = defaultdict(list)
    work = [(photo, side) for photo in photos for side in SIDES]
    for photo, side in progress(work, len(work), "sizes", streaming=False):
        for jpeg in jpegs(photo, side, arguments.files, random):
            for factor, off in compare(jpeg).items():
                outcomes[side, factor].append(off)
    print("| shorter side | reduced by | files | most bits off | mean | quality off | mean bits off, hashed naively |")
    print("|---|---|---|---|---|---|---|")
    for (side, factor), found in sorted(outcomes.items()):
        bits = [bits for off in found for bits in off.bits]
        naive, quality = np.mean([off.naive_bits for off in found]), max(off.quality for off in found)
        print(f"| {side} | {factor} | {len(found)} | {max(bits)} | {np.mean(bits):.2f} | {quality} | {naive:.1f} |")


if __name__ == "__main__":
    main()
