"""The native 64-bit hashes against the Python package imagehash on the same pixels, on every variant."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeAlias, get_args

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from hashmatch import _core
from hashmatch.errors import ConfigurationError
from hashmatch.types import Orientation
from tests.pdq_oracle import Pixels

KindName: TypeAlias = Literal["ahash", "dhash", "phash"]
NAMES: tuple[KindName, ...] = get_args(KindName)
PEERS: dict[str, Callable[[Image.Image], Any]] = {
    "ahash": imagehash.average_hash,
    "dhash": imagehash.dhash,
    "phash": imagehash.phash,
}
TURNS: dict[Orientation, Callable[[NDArray[Any]], NDArray[Any]]] = {
    Orientation.ORIGINAL: lambda pixels: pixels,
    Orientation.ROTATE_90: lambda pixels: np.rot90(pixels, 1),
    Orientation.ROTATE_180: lambda pixels: np.rot90(pixels, 2),
    Orientation.ROTATE_270: lambda pixels: np.rot90(pixels, 3),
    Orientation.FLIP_X: lambda pixels: pixels[::-1],
    Orientation.FLIP_Y: lambda pixels: pixels[:, ::-1],
    Orientation.FLIP_PLUS_1: lambda pixels: np.swapaxes(pixels, 0, 1),
    Orientation.FLIP_MINUS_1: lambda pixels: np.swapaxes(np.rot90(pixels, 2), 0, 1),
}


def peer(pixels: Pixels, name: KindName) -> str:
    return str(PEERS[name](Image.fromarray(np.ascontiguousarray(pixels))))


def check(pixels: Pixels) -> None:
    for name in NAMES:
        expected = peer(pixels, name)
        for variant in _core.variants():
            for turned in (False, True):
                got = _core.small_hash(pixels, name, turned=turned, variant=variant)
                assert got[0].tobytes().hex() == expected, (name, pixels.shape, variant, turned)


def pathological(height: int, width: int) -> Iterator[Pixels]:
    """Images of which many small pixels or coefficients are equal, or would be but for rounding."""
    y, x = np.indices((height, width))
    noise = np.random.default_rng(height * width).integers(0, 256, (height, width))
    spot = np.zeros((height, width))
    spot[height // 3, width // 2] = 255
    for image in (
        np.zeros((height, width)),
        np.full((height, width), 255),
        np.full((height, width), 77),
        x * 255 // width,
        y * 255 // height,
        (x + y) % 2 * 255,
        (x // 7 + y // 5) % 2 * 200,
        spot,
        np.maximum(noise, noise[:, ::-1]),
        np.maximum(noise, noise[::-1, ::-1]),
        noise // 128 * 255,
    ):
        yield image.astype(np.uint8)


# 8, 9 and 32 are the small pictures' sides, where Pillow resizes along one axis only; 1 and 2 are blown up; from 128
# times a small side on, the weights fit 16 bits; 16 and 18 are where the last pixels of a row fill no vector.
SIDES = (1, 2, 7, 8, 9, 16, 17, 18, 19, 31, 32, 33, 63, 64, 100, 257, 1025, 1153)


@pytest.mark.parametrize("height", SIDES)
def test_sizes_at_every_edge_of_the_algorithms(height: int) -> None:
    noise = np.random.default_rng(height)
    for width in SIDES:
        check(noise.integers(0, 256, (height, width), np.uint8))
        check(noise.integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize(("height", "width"), [(4096, 40), (40, 4200), (1, 5000), (5000, 1), (2, 9000)])
def test_long_images(height: int, width: int) -> None:
    check(np.random.default_rng(height).integers(0, 256, (height, width), np.uint8))


def lobes(length: int, count: int, output: int) -> Pixels:
    """White where that output's weights are above zero, else black: its sum is as large as any can be."""
    scale = max(length / count, 1)
    at = (np.arange(length) + 0.5 - (output + 0.5) * length / count) / scale
    return np.where(np.sinc(at) * np.sinc(at / 3) * (np.abs(at) < 3) > 0, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("length", [2, 40, 511, 1100, 4150, 20011])
def test_sums_as_large_and_as_small_as_they_can_be(length: int) -> None:
    """The digits of weights and their sums at both ends of their range, whether many weights or few make an output."""
    for count in (8, 9, 32):
        for output in (0, count // 2, count - 1):
            line = lobes(length, count, output)
            for pixels in (line, 255 - line):
                check(np.tile(pixels, (3, 1)))
                check(np.tile(pixels[:, np.newaxis], (1, 3)))


@pytest.mark.parametrize("small", [(8, 8), (8, 9), (32, 32)])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_where_pillow_changes_the_order_of_its_passes(small: tuple[int, int], beyond: int) -> None:
    noise = np.random.default_rng(beyond + 1)
    for cols in (-5, -1, 0, 1, 7, 60, 200):
        height, width = small[0] + max(2 * cols, 0) + beyond, small[1] + cols
        for _ in range(5):
            check(noise.integers(0, 256, (height, width), np.uint8))


@pytest.mark.parametrize(
    ("height", "width"), [(32, 32), (64, 64), (300, 200), (2, 300), (300, 2), (97, 389), (500, 500)]
)
def test_pathological_images(height: int, width: int) -> None:
    for image in pathological(height, width):
        check(image)


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from([(), (3,)]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([256, 2, 3]),
)
def test_any_shape(height: int, width: int, channels: tuple[int, ...], seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    check((random.integers(0, levels, (height, width, *channels)) * (255 // (levels - 1))).astype(np.uint8))


def test_photographs_and_copies_of_them_in_other_sizes(photos: dict[str, Pixels]) -> None:
    for photo in photos.values():
        check(photo)
        check(photo[:, :, 1])
        check(photo[::3, 1::2])
        check(np.rot90(photo))


def test_every_colour_turns_grey_as_in_pillow() -> None:
    """Pixels that the small picture holds as they are: their order shows through the difference hash."""
    random = np.random.default_rng(4)
    for _ in range(300):
        base = random.integers(0, 256, 3)
        close = np.clip(base + random.integers(-2, 3, (8, 9, 3)), 0, 255).astype(np.uint8)
        assert _core.small_hash(close, "dhash")[0].tobytes().hex() == peer(close, "dhash")


def test_bgr_is_rgb_backwards(photos: dict[str, Pixels]) -> None:
    photo = photos["astronaut"]
    for name in NAMES:
        backwards = _core.small_hash(np.ascontiguousarray(photo[:, :, ::-1]), name, order="bgr")
        assert np.array_equal(backwards, _core.small_hash(photo, name))


def test_strided_and_read_only_images(photos: dict[str, Pixels]) -> None:
    photo = photos["coffee"]
    photo.flags.writeable = False
    for view in (photo[::-1], photo[:, ::-1], photo[5:90, 7:100], photo[::2, ::3], photo[:, :, ::-1]):
        for name in NAMES:
            assert np.array_equal(_core.small_hash(view, name), _core.small_hash(view.copy(), name))


@pytest.mark.parametrize(("name", "side"), [("ahash", 8), ("phash", 32)])
def test_orientations_where_rounding_is_the_same_both_ways(name: KindName, side: int) -> None:
    """Of 8 x 8 and 32 x 32 pixels nothing is resized."""
    pixels = np.random.default_rng(5).integers(0, 256, (side, side), np.uint8)
    for row, turn in zip(_core.small_hash(pixels, name), Orientation, strict=True):
        assert row.tobytes().hex() == peer(TURNS[turn](pixels), name), turn


@pytest.mark.parametrize("name", NAMES)
def test_orientations_of_photographs_are_next_to_those_of_the_turned_pixels(
    photos: dict[str, Pixels], name: KindName
) -> None:
    for photo in photos.values():
        for row, turn in zip(_core.small_hash(photo, name), Orientation, strict=True):
            assert bits_apart(row.tobytes().hex(), peer(TURNS[turn](photo), name)) <= 4, turn


def bits_apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_several_threads_at_once(photos: dict[str, Pixels]) -> None:
    images = list(photos.values()) * 4
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda image: _core.small_hash(image, "phash")[0].tobytes().hex(), images))
    assert got == [peer(image, "phash") for image in photos.values()] * 4


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        (np.zeros((0, 5), np.uint8), ValueError, "without pixels"),
        (np.zeros((5, 0, 3), np.uint8), ValueError, "without pixels"),
        (np.zeros((5, 5), np.float32), TypeError, "uint8"),
        (np.zeros((5, 5, 4), np.uint8), ValueError, "shape"),
    ],
)
def test_what_is_no_image_is_an_error(image: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        _core.small_hash(image, "phash")


def test_what_there_is_not_is_an_error() -> None:
    image = np.zeros((5, 5), np.uint8)
    with pytest.raises(ValueError, match="kind must be one of ahash, dhash, phash"):
        _core.small_hash(image, "whash")  # type: ignore[arg-type]  # that it is refused is what is tested
    with pytest.raises(ConfigurationError, match="mmx"):
        _core.small_hash(image, "phash", variant="mmx")
