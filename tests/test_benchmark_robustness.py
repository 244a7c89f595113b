"""What the robustness benchmark rests on: pure transformations of the stated strength, and right distances."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from benchmarks import photographs
from benchmarks.queries import FAR, WAYS, Query, distances, hashed
from benchmarks.transformations import Pixels, Transformation, all_transformations, barred, cropped, oriented, resized
from benchmarks.unrelated import compare, tiles
from hashmatch.media import decode
from hashmatch.settings import MediaLimits

CHANGES = list(all_transformations())
LOSSLESS = {(".png", "png"), (".tiff", "tiff"), (".bmp", "bmp")}


def photo(photos: dict[str, Pixels]) -> Pixels:
    return np.ascontiguousarray(photos["chelsea"][:, :, ::-1])


def test_every_transformation_has_its_own_name() -> None:
    assert len({(change.family, change.parameter) for change in CHANGES}) == len(CHANGES)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.family} {change.parameter}")
def test_a_transformation_changes_a_copy_the_same_way_each_time(
    change: Transformation, photos: dict[str, Pixels]
) -> None:
    original = resized(photo(photos), 0.4)
    before = original.copy()
    data = change.apply(original)
    assert np.array_equal(original, before)
    assert change.apply(original) == data
    altered = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert altered is not None
    same = altered.shape == original.shape and np.array_equal(altered, original)
    assert same == ((change.suffix, change.parameter) in LOSSLESS)
    decode(data, MediaLimits())


def test_sizes_are_what_the_parameters_say(photos: dict[str, Pixels]) -> None:
    original = photo(photos)
    height, width = original.shape[:2]
    assert resized(original, 0.5).shape == (height / 2, round(width / 2), 3)
    assert cropped(original, 0.2).shape[:2] == (height - 2 * round(0.1 * height), width - 2 * round(0.1 * width))
    assert np.array_equal(oriented(original, 2, True), original[::-1])
    bars = barred(original, 0.1, 0)
    assert bars.shape == (height + 2 * round(height * 0.1), width, 3)
    assert np.array_equal(bars[round(height * 0.1) : -round(height * 0.1)], original)


def test_a_copy_is_found_by_the_way_that_looks_for_it(photos: dict[str, Pixels]) -> None:
    original = photo(photos)
    turned = oriented(original, 0, True)
    for pixels, expected in ((original, 0b1111), (turned, 0b1010), (barred(original, 0.2, 0), 0b1100)):
        data = cv2.imencode(".png", np.ascontiguousarray(pixels))[1].tobytes()
        queries = hashed(decode(data, MediaLimits()))
        known = hashed(decode(cv2.imencode(".png", original)[1].tobytes(), MediaLimits()))["pdq"]
        found = distances(queries["pdq"], known.codes[:1])[:, 0] <= 31
        assert [bool(expected >> way & 1) for way in range(len(WAYS))] == found.tolist()


CODES = arrays.arrays(np.uint8, st.tuples(st.sampled_from((8, 16)), st.just(8)))


@given(codes=CODES, known=arrays.arrays(np.uint8, (3, 8)), seed=st.integers(0, 99))
def test_distances_are_those_of_the_nearest_good_hash(
    codes: NDArray[np.uint8], known: NDArray[np.uint8], seed: int
) -> None:
    good = np.random.default_rng(seed).random(len(codes)) < 0.7
    found = distances(Query(codes, good), known)
    for way, rows in enumerate(WAYS.values()):
        for at, code in enumerate(known):
            apart = [
                sum(int(one ^ other).bit_count() for one, other in zip(row.tolist(), code.tolist(), strict=True))
                for row, fit in zip(codes[rows], good[rows], strict=True)
                if fit
            ]
            assert found[way, at] == min(apart, default=FAR)


def test_pairs_are_counted_once_and_never_within_a_photograph() -> None:
    def query(byte: int, good: bool = True) -> Query:
        return Query(np.full((8, 8), byte, np.uint8), np.full(8, good))

    known = [(0, query(0)), (0, query(1)), (1, query(0)), (2, query(3)), (2, query(0, False))]
    found = compare(known, known, [0, 2, 3], each_once=True)
    assert found.pairs == 5
    assert found.histograms[-1][[0, 8, 16]].tolist() == [1, 2, 2]
    assert found.nearest == [(0, 0, 1), (16, 0, 2), (16, 1, 2)]


def test_tiles_cover_the_photograph_once() -> None:
    pixels = np.arange(200 * 333 * 3, dtype=np.int64).reshape(200, 333, 3)
    parts = list(tiles(pixels.astype(np.uint8), (1, 3, 8)))
    assert len(parts) == 1 + 9
    assert sum(part.shape[0] * part.shape[1] for part in parts[1:]) == 200 * 333


def test_the_list_of_photographs_has_each_once() -> None:
    listed = photographs.listed()
    assert len({photo.sha256 for photo in listed}) == len(listed) > 100
    assert all(len(photo.sha256) == 64 for photo in listed)
