"""Bytes to pixels and bytes to hash, beside the recipes that other projects' documentation gives.

One 2 Mpx baseline 4:2:0 JPEG of about 200 kB, made from a bundled photograph.
"""

import io

import cv2
import imagehash
import numpy as np
import pdqhash
import pytest
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.material import jpeg
from hashmatch.hashing import hash_frame
from hashmatch.media import decode
from hashmatch.media.jpeg import read
from hashmatch.settings import MediaLimits

LIMITS = MediaLimits()


@pytest.fixture(scope="module")
def photo() -> bytes:
    return jpeg(1632, 1224, 200)


@pytest.mark.benchmark(group="2 Mpx JPEG: bytes to hash")
class TestHash:
    def test_hashmatch(self, benchmark: BenchmarkFixture, photo: bytes) -> None:
        benchmark(lambda: hash_frame(decode(photo, LIMITS)))

    def test_pdqhash_recipe(self, benchmark: BenchmarkFixture, photo: bytes) -> None:
        def recipe() -> None:
            bgr = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
            assert bgr is not None
            pdqhash.compute(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))

        benchmark(recipe)

    def test_imagehash_phash(self, benchmark: BenchmarkFixture, photo: bytes) -> None:
        benchmark(lambda: imagehash.phash(Image.open(io.BytesIO(photo))))


@pytest.mark.benchmark(group="2 Mpx JPEG: bytes to pixels")
class TestDecode:
    def test_hashmatch(self, benchmark: BenchmarkFixture, photo: bytes) -> None:
        benchmark(lambda: decode(photo, LIMITS))

    def test_header_alone(self, benchmark: BenchmarkFixture, photo: bytes) -> None:
        benchmark(lambda: read(photo, LIMITS))

    def test_opencv_grey(self, benchmark: BenchmarkFixture, photo: bytes) -> None:
        benchmark(lambda: cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_GRAYSCALE))

    def test_opencv_colour(self, benchmark: BenchmarkFixture, photo: bytes) -> None:
        benchmark(lambda: cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR))

    def test_pillow_colour(self, benchmark: BenchmarkFixture, photo: bytes) -> None:
        benchmark(lambda: Image.open(io.BytesIO(photo)).convert("RGB"))
