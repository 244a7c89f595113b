"""The 64-bit hashes beside imagehash on the same decoded pixels, one core.

imagehash has a PIL image of them in memory; sizes as in `bench_kernel`.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import imagehash
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.material import photo
from hashmatch import _core

KindName: TypeAlias = Literal["ahash", "dhash", "phash"]
PEERS: dict[KindName, Callable[[Image.Image], Any]] = {
    "ahash": imagehash.average_hash,
    "dhash": imagehash.dhash,
    "phash": imagehash.phash,
}
SIZES = {"0.25Mpx": (512, 512), "2Mpx": (1672, 1254), "2Mpx-tall": (1024, 2048), "12Mpx": (4032, 3024)}


@pytest.fixture(params=SIZES)
def rgb(request: pytest.FixtureRequest) -> NDArray[np.uint8]:
    return np.ascontiguousarray(photo(*SIZES[request.param])[:, :, ::-1])


@pytest.fixture(params=["luma", "rgb"])
def pixels(request: pytest.FixtureRequest, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return rgb if request.param == "rgb" else np.asarray(Image.fromarray(rgb).convert("L"))


def measure(
    benchmark: BenchmarkFixture, name: KindName, shape: tuple[int, ...], rounds: int, run: Callable[[], object]
) -> None:
    """The median of so many rounds is the figure to read, beside others of its group."""
    benchmark.group = f"{name} of {' x '.join(map(str, shape))}"
    benchmark.pedantic(run, rounds=rounds, warmup_rounds=1)  # type: ignore[no-untyped-call]  # the library has no types here


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("variant", _core.variants())
@pytest.mark.parametrize("turned", [False, True], ids=["original", "turned"])
def test_hashmatch(
    benchmark: BenchmarkFixture, pixels: NDArray[np.uint8], name: KindName, variant: str, turned: bool
) -> None:
    measure(benchmark, name, pixels.shape, 21, lambda: _core.small_hash(pixels, name, turned=turned, variant=variant))


@pytest.mark.parametrize("name", PEERS)
def test_imagehash(benchmark: BenchmarkFixture, pixels: NDArray[np.uint8], name: KindName) -> None:
    image = Image.fromarray(pixels)
    measure(benchmark, name, pixels.shape, 7, lambda: PEERS[name](image))
