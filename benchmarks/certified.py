"""Whether `certified` has the reference's bits on thousands of images: `python -m benchmarks.certified --images 10000`.

`--large` takes images of 2 to 12 Mpx, of which 1,000 take some ten minutes.

The reference is pdqhash's C++ core, compiled without fused multiply-adds, given luma in its own precision. Every image
is hashed by every variant, and compared in all 8 orientations and in quality. Exits with 1 where one differs.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

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


class Sides(NamedTuple):
    """Bounds of a side, both inclusive, in pixels."""

    least: int
    most: int
    least_synthetic: int
    most_synthetic: int

    def of_photograph(self, random: Random) -> int:
        return int(random.integers(self.least, self.most + 1))

    def of_synthetic(self, random: Random) -> int:
        return int(random.integers(self.least_synthetic, self.most_synthetic + 1))


SMALL, LARGE = Sides(48, 640, 5, 300), Sides(1414, 3464, 1414, 3464)


def resized(photo: Pixels, random: Random, sides: Sides) -> Pixels:
    size = sides.of_photograph(random), sides.of_photograph(random)
    ways = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(photo, size, interpolation=ways[random.integers(4)]), np.uint8)


def cropped(photo: Pixels, random: Random, sides: Sides) -> Pixels:
    scale = sides.least / min(photo.shape[:2])
    if scale > 1:
        photo = np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    height, width = (
        int(random.integers(min(sides.least, side), min(side, sides.most) + 1)) for side in photo.shape[:2]
    )
    top, left = (
        int(random.integers(0, whole - side + 1)) for whole, side in zip(photo.shape, (height, width), strict=False)
    )
    return np.ascontiguousarray(photo[top : top + height, left : left + width])


def rotated(photo: Pixels, random: Random, sides: Sides) -> Pixels:
    """By any angle, or by a quarter turn or a mirror."""
    small = resized(photo, random, sides)
    if random.random() < 0.5:
        turned = np.rot90(small, int(random.integers(4)))
        return np.ascontiguousarray(turned[:, ::-1] if random.random() < 0.5 else turned)
    height, width = small.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(random.uniform(0, 360)), 1.0)
    return np.asarray(cv2.warpAffine(small, turn, (width, height)), np.uint8)


def recompressed(photo: Pixels, random: Random, sides: Sides) -> Pixels:
    data = cv2.imencode(
        ".jpg", resized(photo, random, sides), [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(5, 100))]
    )[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def symmetric(photo: Pixels, random: Random, sides: Sides) -> Pixels:
    small = resized(photo, random, sides)
    return np.maximum(small, small[:, ::-1] if random.random() < 0.5 else small[::-1])


def synthetic(_: Pixels, random: Random, sides: Sides) -> Pixels:
    pictures = list(pathological(sides.of_synthetic(random), sides.of_synthetic(random)).values())
    picture = pictures[random.integers(len(pictures))]
    return np.dstack([picture, picture[::-1], 255 - picture // 3])


MAKERS: Mapping[str, Callable[[Pixels, Random, Sides], Pixels]] = {
    "photographs resized": resized,
    "photographs cropped": cropped,
    "photographs rotated and mirrored": rotated,
    "photographs recompressed": recompressed,
    "photographs made symmetric": symmetric,
    "synthetic": synthetic,
}


def images(count: int, seed: int, sides: Sides) -> Iterator[tuple[str, Pixels]]:
    """So many, of all makers in turn, in RGB or luma."""
    folder, random = photographs.cache_folder(), np.random.default_rng(seed)
    longest = max(photographs.LONGEST_SIDE, sides.most)
    photos = [photographs.load(photo, folder, longest) for photo in photographs.fetch(folder)]
    whole = [photo for photo in photos if photo.shape[0] * photo.shape[1] >= sides.least**2]
    yield from (("photographs as they are", photo) for photo in whole[:count])
    names = list(MAKERS)
    for number in range(count - len(whole)):
        name = names[number % len(names)]
        made = MAKERS[name](photos[random.integers(len(photos))], random, sides)
        yield name, made if random.random() < 0.7 else np.ascontiguousarray(made[:, :, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--large", action="store_true", help="images of 2 to 12 Mpx")
    arguments = parser.parse_args()
    seen, differ, exact, fast_differs = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for name, image in progress(
        images(arguments.images, arguments.seed, LARGE if arguments.large else SMALL),
        arguments.images,
        "comparing",
        streaming=False,
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
