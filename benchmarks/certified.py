"""Whether `certified` has the reference's bits on thousands of images: `python -m benchmarks.certified --images 10000`.

The reference is pdqhash's C++ core, compiled without fused multiply-adds, given luma in its own precision. Every image
is hashed by every variant, and compared in all 8 orientations and in quality. Exits with 1 where one differs.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import photographs
from hashmatch import _core
from hashmatch.cli.output import progress
from tests.pdq_oracle import reference
from tests.pictures import pathological

Pixels = NDArray[np.uint8]
Random = np.random.Generator
SIDES = (48, 640)
"""The shorter and the longer bound of a side, in pixels."""


def resized(photo: Pixels, random: Random) -> Pixels:
    width, height = (int(side) for side in random.integers(*SIDES, 2))
    ways = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(photo, (width, height), interpolation=ways[random.integers(4)]), np.uint8)


def cropped(photo: Pixels, random: Random) -> Pixels:
    height, width = (int(random.integers(min(SIDES[0], side), min(side, SIDES[1]) + 1)) for side in photo.shape[:2])
    top, left = (
        int(random.integers(0, whole - side + 1)) for whole, side in zip(photo.shape, (height, width), strict=False)
    )
    return np.ascontiguousarray(photo[top : top + height, left : left + width])


def rotated(photo: Pixels, random: Random) -> Pixels:
    """By any angle, or by a quarter turn or a mirror."""
    small = resized(photo, random)
    if random.random() < 0.5:
        turned = np.rot90(small, int(random.integers(4)))
        return np.ascontiguousarray(turned[:, ::-1] if random.random() < 0.5 else turned)
    height, width = small.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(random.uniform(0, 360)), 1.0)
    return np.asarray(cv2.warpAffine(small, turn, (width, height)), np.uint8)


def recompressed(photo: Pixels, random: Random) -> Pixels:
    data = cv2.imencode(".jpg", resized(photo, random), [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(5, 100))])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def symmetric(photo: Pixels, random: Random) -> Pixels:
    small = resized(photo, random)
    return np.maximum(small, small[:, ::-1] if random.random() < 0.5 else small[::-1])


def synthetic(_: Pixels, random: Random) -> Pixels:
    height, width = (int(side) for side in random.integers(5, 300, 2))
    pictures = list(pathological(height, width).values())
    picture = pictures[random.integers(len(pictures))]
    return np.dstack([picture, picture[::-1], 255 - picture // 3])


MAKERS: Mapping[str, Callable[[Pixels, Random], Pixels]] = {
    "photographs resized": resized,
    "photographs cropped": cropped,
    "photographs rotated and mirrored": rotated,
    "photographs recompressed": recompressed,
    "photographs made symmetric": symmetric,
    "synthetic": synthetic,
}


def images(count: int, seed: int) -> Iterator[tuple[str, Pixels]]:
    """So many, of all makers in turn, in RGB or luma."""
    folder, random = photographs.cache_folder(), np.random.default_rng(seed)
    photos = [photographs.load(photo, folder) for photo in photographs.fetch(folder)]
    yield from ((("photographs as they are"), photo) for photo in photos[:count])
    names = list(MAKERS)
    for number in range(count - len(photos)):
        name = names[number % len(names)]
        made = MAKERS[name](photos[random.integers(len(photos))], random)
        yield name, made if random.random() < 0.7 else np.ascontiguousarray(made[:, :, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    seen, differ, exact, fast_differs = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for name, image in progress(
        images(arguments.images, arguments.seed), arguments.images, "comparing", streaming=False
    ):
        expected, quality = reference(image)
        seen[name] += 1
        for variant in _core.variants():
            got = _core.pdq_traced(image, variant=variant)
            differ[name] += not (np.array_equal(got.hashes, expected) and got.quality == quality)
        exact[name] += got.kernel == "exact"
        fast_differs[name] += not np.array_equal(_core.pdq(image, kernel="fast")[0], expected)
    print(f"Variants {', '.join(_core.variants())}; seed {arguments.seed}\n")
    print(
        "| images | how many | `certified` differs | asked the exact kernel | `fast` alone would differ |"
        "\n|---|---|---|---|---|"
    )
    for name in seen:
        print(f"| {name} | {seen[name]} | {differ[name]} | {exact[name] / seen[name]:.1%} | {fast_differs[name]} |")
    print(f"| all | {seen.total()} | {differ.total()} | {exact.total() / seen.total():.1%} | {fast_differs.total()} |")
    raise SystemExit(differ.total() > 0)


if __name__ == "__main__":
    main()
