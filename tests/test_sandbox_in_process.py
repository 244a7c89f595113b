"""What becomes of an image's bytes, against the reference implementation on the pixels that Pillow decodes."""

import cv2
import numpy as np
import pytest
from PIL import Image

from hashmatch.sandbox import Job
from hashmatch.sandbox.in_process import InProcess
from hashmatch.settings import MediaLimits
from tests.media_files import Pixels, saved, seen
from tests.pdq_oracle import distance, reference


def smooth(seed: int, contrast: int) -> Pixels:
    """RGB pixels that differ by about `contrast` levels over the whole picture."""
    grid = np.random.default_rng(seed).integers(-contrast, contrast + 1, (16, 16, 3)).astype(np.float32)
    wide = cv2.resize(grid, (256, 256), interpolation=cv2.INTER_CUBIC)
    return np.clip(wide + np.array([128, 90, 60], np.float32), 0, 255).astype(np.uint8)


def off(pixels: Pixels) -> tuple[int, int]:
    """How many bits the hash of a JPEG of the pixels is off, and the reference's quality."""
    data = saved(Image.fromarray(pixels), "JPEG", quality=90)
    hashes, quality = reference(seen(data))
    (found, *_) = InProcess(MediaLimits()).hash_image(data, Job()).hashes
    return distance(np.frombuffer(found.bits, np.uint8), hashes[0]), quality


@pytest.mark.parametrize("contrast", [4, 10])
@pytest.mark.parametrize("seed", range(4))
def test_a_jpeg_of_little_contrast_has_the_reference_bits(seed: int, contrast: int) -> None:
    """Rounding to whole levels of luma would decide some of them."""
    bits, quality = off(smooth(seed, contrast))
    assert quality < 10
    assert bits == 0


def test_a_jpeg_of_a_photograph_has_nearly_the_reference_bits(photos: dict[str, Pixels]) -> None:
    for name, photo in photos.items():
        bits, quality = off(photo)
        assert quality >= 50, name
        assert bits <= 8, name
