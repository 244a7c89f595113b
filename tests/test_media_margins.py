"""Margins: found where they are, left alone where they are not, and never more than they are."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from hashmatch.hashing import hash_frame
from hashmatch.media import decode, without_margins
from hashmatch.media.margins import LEAST_PART, Box, find_picture
from hashmatch.settings import MediaLimits
from hashmatch.types import Frame

Pixels = NDArray[np.uint8]
Photos = dict[str, Pixels]
Sides = tuple[int, int, int, int]

BUSY = ("astronaut", "chelsea", "coffee", "china", "motorcycle_left")
"""Photographs without uniform lines at their sides."""


def frame(pixels: Pixels) -> Frame:
    return Frame(pixels, "image/png", pixels.shape[1], pixels.shape[0])


def surrounded(pixels: Pixels, sides: Sides, colour: tuple[int, int, int] = (0, 0, 0)) -> Pixels:
    """The pixels within margins of one colour; `sides` are top, bottom, left and right."""
    top, bottom, left, right = sides
    return cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour).astype(np.uint8)


def jpeg(pixels: Pixels, quality: int) -> bytes:
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


def distance(one: Frame, other: Frame) -> int:
    bits = [int.from_bytes(hash_frame(each)[0].bits) for each in (one, other)]
    return (bits[0] ^ bits[1]).bit_count()


SIDE = st.sampled_from((0, 0, 3, 17, 40))
LUMA = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from((0, 9, 30, 255))
)
COLOUR = arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3)))


@st.composite
def framed(draw: st.DrawFn) -> Pixels:
    """Anything, within up to four margins of anything."""
    pixels = draw(LUMA | COLOUR)
    for _ in range(draw(st.integers(0, 4))):
        sides = draw(st.tuples(*[st.integers(0, 6)] * 4))
        pixels = surrounded(pixels, sides, (draw(st.integers(0, 255)),) * 3)
    return pixels


@given(framed())
@settings(max_examples=300)
def test_what_is_found_is_within_the_image_large_enough_and_has_no_margins(pixels: Pixels) -> None:
    height, width = pixels.shape[:2]
    before = pixels.copy()
    box = find_picture(pixels)
    assert np.array_equal(pixels, before)
    if box is None:
        assert without_margins(frame(pixels)) is None
        return
    assert 0 <= box.top < box.bottom <= height
    assert 0 <= box.left < box.right <= width
    assert box.bottom - box.top >= LEAST_PART * height
    assert box.right - box.left >= LEAST_PART * width
    assert box != Box(0, height, 0, width)
    inner = pixels[box.top : box.bottom, box.left : box.right]
    assert find_picture(inner) is None
    found = without_margins(frame(pixels))
    assert found is not None
    assert np.array_equal(found.pixels, inner)
    assert found.pixels.flags.c_contiguous
    assert (found.height, found.width) == inner.shape[:2]


@given(
    seed=st.integers(0, 2**32 - 1),
    sides=st.tuples(SIDE, SIDE, SIDE, SIDE),
    colour=st.sampled_from(((0, 0, 0), (255, 255, 255), (9, 80, 200))),
)
@settings(max_examples=60)
def test_margins_of_any_size_are_found_exactly(seed: int, sides: Sides, colour: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (90, 120, 3), np.uint8)
    canvas = surrounded(picture, sides, colour)
    expected = Box(sides[0], sides[0] + 90, sides[2], sides[2] + 120) if any(sides) else None
    assert find_picture(canvas) == expected
    luma = np.ascontiguousarray(cv2.cvtColor(canvas, cv2.COLOR_BGR2GRAY).astype(np.uint8))
    assert find_picture(luma) == expected


@pytest.mark.parametrize("name", BUSY)
def test_no_margin_no_second_hash(photos: Photos, name: str) -> None:
    assert without_margins(frame(photos[name])) is None
    assert without_margins(decode(jpeg(photos[name], 30), MediaLimits())) is None


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (30, 160, 90)], ids=str)
@pytest.mark.parametrize("sides", [(90, 90, 0, 0), (0, 0, 111, 111), (25, 25, 25, 25), (0, 140, 0, 0)], ids=str)
def test_bars_and_borders_behind_a_lossy_encoder(
    photos: Photos, sides: Sides, colour: tuple[int, int, int], quality: int
) -> None:
    photo = photos["chelsea"]
    shown = decode(jpeg(surrounded(photo, sides, colour), quality), MediaLimits())
    inner = without_margins(shown)
    assert inner is not None
    assert distance(inner, frame(photo)) <= 12
    assert distance(shown, frame(photo)) > 31


def test_a_border_around_letterbox_bars(photos: Photos) -> None:
    photo = photos["chelsea"]
    bordered = surrounded(surrounded(photo, (60, 60, 0, 0)), (20, 20, 20, 20), (255, 255, 255))
    assert find_picture(bordered) == Box(80, 80 + photo.shape[0], 20, 20 + photo.shape[1])


def test_a_small_logo_in_a_bar(photos: Photos) -> None:
    photo = photos["chelsea"]
    bars = surrounded(photo, (60, 60, 0, 0))
    bars[20:40, 10:20] = 255
    assert find_picture(bars) == Box(60, 60 + photo.shape[0], 0, photo.shape[1])


def test_a_sky_that_fades_is_no_margin() -> None:
    fade = np.repeat(np.linspace(40, 250, 200).astype(np.uint8)[:, None], 300, axis=1)
    busy = np.random.default_rng(1).integers(0, 256, (100, 300), np.uint8)
    assert find_picture(np.vstack((fade, busy))) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (3, 3), (700, 800), (70, 80, 3)])
def test_a_plain_surface_has_no_picture(shape: tuple[int, ...]) -> None:
    assert find_picture(np.full(shape, 77, np.uint8)) is None


@pytest.mark.parametrize(("part", "found"), [(0.24, False), (0.26, True)])
def test_too_small_a_part_is_no_picture(part: float, found: bool) -> None:
    size = round(400 * part)
    canvas = np.zeros((400, 400), np.uint8)
    canvas[10 : 10 + size] = np.random.default_rng(2).integers(60, 256, (size, 400), np.uint8)
    assert find_picture(canvas) == (Box(10, 10 + size, 0, 400) if found else None)


def test_nothing_but_frames_is_given_up() -> None:
    canvas = np.zeros((400, 400), np.uint8)
    for step in range(1, 40):
        canvas[5 * step : -5 * step, 5 * step : -5 * step] = 255 * (step % 2)
    assert find_picture(canvas) is None
