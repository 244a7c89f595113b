"""Hashes of arrays, against the packages that a program may have used before."""

import imagehash
import numpy as np
import pdqhash
import pytest
from PIL import Image

from hashmatch.arrays import pdq, pdq_many, small_hash
from tests.pdq_oracle import Pixels, reference


def test_pdq_as_pdqhash_prints_it(photos: dict[str, Pixels]) -> None:
    hashes, quality = pdq(photos["coffee"])
    bits, expected_quality = pdqhash.compute_dihedral(photos["coffee"])
    assert hashes.tobytes() == np.packbits(np.asarray(bits, np.uint8), axis=1).tobytes()
    assert quality == expected_quality


def test_many_of_any_layout(photos: dict[str, Pixels]) -> None:
    backwards = photos["coffee"][:, ::-1]
    backwards.flags.writeable = False
    images = [photos["rocket"], backwards, photos["astronaut"][::2, ::3, 1]]
    for order in ("rgb", "bgr"):
        turned = [image[..., ::-1] if image.ndim == 3 and order == "bgr" else image for image in images]
        hashes, qualities = pdq_many(turned, order=order)
        for image, rows, quality in zip(images, hashes, qualities, strict=True):
            expected, expected_quality = reference(np.ascontiguousarray(image))
            assert np.array_equal(rows, expected)
            assert quality == expected_quality


def test_small_hashes_as_imagehash_prints_them(photos: dict[str, Pixels]) -> None:
    image = Image.fromarray(photos["chelsea"])
    assert small_hash(photos["chelsea"], "phash")[0].tobytes().hex() == str(imagehash.phash(image))
    assert small_hash(photos["chelsea"], "dhash")[0].tobytes().hex() == str(imagehash.dhash(image))
    assert small_hash(photos["chelsea"][..., ::-1], "ahash", order="bgr")[0].tobytes().hex() == str(
        imagehash.average_hash(image)
    )


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(TypeError, match="uint8"):
        pdq(np.zeros((9, 9), np.float32))
    with pytest.raises(ValueError, match=r"images\[1\]"):
        pdq_many([np.zeros((9, 9), np.uint8), np.zeros(9, np.uint8)])
    with pytest.raises(ValueError, match="kind"):
        small_hash(np.zeros((9, 9), np.uint8), "sift")  # type: ignore[arg-type]
