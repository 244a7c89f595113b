"""PDQ of reduced JPEGs: against matrices written from the definition, and against the hash of the whole."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashmatch import _core
from tests.pdq_oracle import Pixels, distance

FLAGS = {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}
Matrix = NDArray[np.float64]


def box_matrix(n: int) -> Matrix:
    """Both box passes of PDQ's filter along an axis of n samples, at the 64 that are kept."""
    window = -(-n // 128)
    half = (window + 2) // 2
    one = np.zeros((n, n))
    for o in range(n):
        one[o, max(0, o - (window - half)) : min(n, o + half)] = 1
    one /= one.sum(1, keepdims=True)
    return np.asarray((one @ one)[[(2 * i + 1) * n // 128 for i in range(64)]])


def dct_matrix(n: int) -> Matrix:
    k, i = np.indices((n, n))
    return np.asarray(np.where(k == 0, np.sqrt(1 / n), np.sqrt(2 / n)) * np.cos(np.pi * k * (2 * i + 1) / (2 * n)))


def reduced_matrix(n: int, factor: int) -> Matrix:
    """R blockdiag(D8[:N]^T D_N sqrt(8 / N)); what a last block lacks is its last sample again."""
    samples, blocks, length = 8 // factor, -(-n // 8), -(-n // factor)
    spread = dct_matrix(8)[:samples].T @ dct_matrix(samples) * np.sqrt(8 / samples)
    whole = np.zeros((64, 8 * blocks))
    whole[:, :n] = box_matrix(n)
    weights = whole @ np.kron(np.eye(blocks), spread)
    weights[:, length - 1] += weights[:, length:].sum(1)
    return np.asarray(weights[:, :length])


def oracle(pixels: Pixels, height: int, width: int, factor: int) -> tuple[Pixels, float]:
    """The hash in its original orientation, and how far apart the middle coefficients are."""
    small = reduced_matrix(height, factor) @ pixels.astype(np.float64) @ reduced_matrix(width, factor).T
    i, j = np.indices((16, 64))
    basis = np.sqrt(2 / 64) * np.cos(np.pi / 128 * (i + 1) * (2 * j + 1))
    coefficients = (basis @ small @ basis.T).ravel()
    lower, upper = np.sort(coefficients)[127:129]
    return np.packbits((coefficients > (lower + upper) / 2)[::-1]), upper - lower


@given(st.integers(5, 700), st.integers(5, 700), st.sampled_from([2, 4, 8]), st.integers(0, 2**32 - 1))
def test_weights_are_those_of_the_definition(height: int, width: int, factor: int, seed: int) -> None:
    shape = (-(-height // factor), -(-width // factor))
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    expected, gap = oracle(pixels, height, width, factor)
    for variant in _core.variants():
        hashes, quality = _core.pdq_reduced(pixels, height, width, factor, variant=variant)
        assert gap < 0.01 or np.array_equal(hashes[0], expected), variant
        assert (hashes.shape, 0 <= quality <= 100) == ((8, 32), True)


@pytest.mark.parametrize(("factor", "side"), [(2, 768), (4, 1280), (8, 2560)])
def test_a_reduced_photograph_is_a_few_bits_from_the_whole(photos: dict[str, Pixels], factor: int, side: int) -> None:
    for name in ("astronaut", "chelsea", "china", "coffee", "flower", "rocket"):
        height, width = photos[name].shape[:2]
        scale = (side + 3) / min(height, width)
        grey = cv2.resize(photos[name], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)[:, :, 1]
        jpeg = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
        whole, reduced = (cv2.imdecode(jpeg, flag) for flag in (cv2.IMREAD_GRAYSCALE, FLAGS[factor]))
        assert whole is not None
        assert reduced is not None
        expected, expected_quality = _core.pdq(np.asarray(whole, np.uint8))
        tall, wide = whole.shape[:2]
        hashes, quality = _core.pdq_reduced(np.asarray(reduced, np.uint8), tall, wide, factor)
        assert max(distance(a, b) for a, b in zip(hashes, expected, strict=True)) <= 4, name
        assert abs(quality - expected_quality) <= 1, name


def test_what_is_not_a_reduced_image_is_refused() -> None:
    image = np.zeros((10, 12), np.uint8)
    with pytest.raises(ValueError, match="factor must be 2, 4 or 8, not 3"):
        _core.pdq_reduced(image, 30, 36, 3)
    for height, width in ((81, 96), (72, 96), (80, 88), (0, 96)):
        with pytest.raises(ValueError, match="reduced by 8 have the shape"):
            _core.pdq_reduced(image, height, width, 8)
    with pytest.raises(ValueError, match="have the shape"):
        _core.pdq_reduced(np.zeros((10, 12, 3), np.uint8), 80, 96, 8)
    hashes, quality = _core.pdq_reduced(image[:1], 4, 96, 8)
    assert not hashes.any()
    assert quality == 0
