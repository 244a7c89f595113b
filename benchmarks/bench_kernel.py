"""The hashing core beside its peers on the same pixels: pdqhash, imagehash, and a copy of the luma.

Sizes in megapixels: 0.25 and 1 fit caches, 2 is a usual upload, 4 and 12 do not fit and show the memory's limit.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import cv2
import imagehash
import numpy as np
import pdqhash
import pytest
from numpy.typing import NDArray
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from hashmatch import _core
from hashmatch.cli.photos import colour_photos

Pixels: TypeAlias = NDArray[np.uint8]
Kernel: TypeAlias = Literal["certified", "fast", "exact"]
SIZES = {"0.25Mpx": (512, 512), "1Mpx": (1024, 1024), "2Mpx": (1672, 1254), "4Mpx": (2048, 2048), "12Mpx": (4032, 3024)}


@pytest.fixture(params=SIZES)
def photo(request: pytest.FixtureRequest) -> Pixels:
    """One photograph in RGB at every size."""
    bgr = cv2.imread(str(colour_photos()["china"]), cv2.IMREAD_COLOR)
    assert bgr is not None
    request.node.user_properties.append(("size", request.param))
    resized = cv2.resize(bgr, SIZES[request.param], interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(resized[:, :, ::-1]).astype(np.uint8)


@pytest.fixture
def luma(photo: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8)


def measure(benchmark: BenchmarkFixture, function: Callable[[], object], rounds: int) -> None:
    """The median of so many rounds is the figure to read."""
    benchmark.group = benchmark.name.partition("[")[2].partition("Mpx")[0] + " Mpx"
    benchmark.pedantic(function, rounds=rounds, warmup_rounds=1)  # type: ignore[no-untyped-call]  # the library has no types here


@pytest.mark.parametrize("variant", _core.variants())
@pytest.mark.parametrize("kernel", ["certified", "fast", "exact"])
@pytest.mark.parametrize("channels", ["luma", "rgb"])
def test_hashmatch(
    benchmark: BenchmarkFixture, photo: Pixels, luma: Pixels, channels: str, kernel: Kernel, variant: str
) -> None:
    pixels = luma if channels == "luma" else photo
    benchmark.extra_info["answered by"] = _core.pdq_traced(pixels, kernel=kernel, variant=variant).kernel
    measure(benchmark, lambda: _core.pdq(pixels, kernel=kernel, variant=variant), rounds=31)


def test_pdqhash(benchmark: BenchmarkFixture, photo: Pixels) -> None:
    measure(benchmark, lambda: pdqhash.compute(photo), rounds=5)


def test_imagehash_phash(benchmark: BenchmarkFixture, luma: Pixels) -> None:
    image = Image.fromarray(luma)
    measure(benchmark, lambda: imagehash.phash(image), rounds=5)


def test_copy_of_luma(benchmark: BenchmarkFixture, luma: Pixels) -> None:
    copy = np.empty_like(luma)
    measure(benchmark, lambda: np.copyto(copy, luma), rounds=31)
