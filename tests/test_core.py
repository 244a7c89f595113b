"""The native core against the reference implementation, on every variant that this machine can run."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import pdqhash
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from hashmatch import _core
from hashmatch.errors import ConfigurationError
from tests.pdq_oracle import Pixels, distance, reference
from tests.pictures import pathological

Kernel: TypeAlias = Literal["certified", "fast", "exact"]
KERNELS: tuple[Kernel, ...] = ("certified", "fast", "exact")
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
VARIANTS = _core.variants()

every_variant = pytest.mark.parametrize("variant", VARIANTS)


def check(image: Pixels, *, exact_only: bool = False) -> None:
    """Compare the kernels that promise the reference's bits with the reference, on every variant."""
    promising: tuple[Kernel, ...] = ("exact",) if exact_only else ("exact", "certified")
    hashes, quality = reference(image)
    for variant in VARIANTS:
        for kernel in promising:
            got = _core.pdq_traced(image, kernel=kernel, variant=variant)
            context = (image.shape, variant, kernel, got.kernel, got.gap)
            assert distance(got.hashes, hashes) == 0, context
            assert got.quality == quality, context


# 5 is the least that is hashed; 64 is the size of the sampled image; 128/129, 256/257 and 384/385 are where the window
# grows; even windows clip the last tent; 2049 is the first whose row sums exceed 16 bits.
SIDES = (5, 6, 63, 64, 65, 128, 129, 256, 257, 384, 385)


@pytest.mark.parametrize("height", SIDES)
def test_sizes_at_every_edge_of_the_algorithm(height: int) -> None:
    noise = np.random.default_rng(height)
    for width in (*SIDES, 1023):
        check(noise.integers(0, 256, (height, width), np.uint8))
        check(noise.integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("shape", [(5, 5000), (5000, 5), (2049, 2048), (1999, 2176), (5, 70_000), (70_000, 6)])
def test_large_and_thin(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(sum(shape))
    check(noise.integers(0, 256, shape, np.uint8))
    check(noise.integers(0, 256, (*shape, 3), np.uint8))


@pytest.mark.parametrize("width", [32_896, 32_897])
def test_where_sums_across_no_longer_fit_16_bits(width: int) -> None:
    """257 white pixels still do."""
    white = np.full((8, width), 255, np.uint8)
    white[::2, 1::1000] = 254
    check(white)


def test_weights_beyond_what_one_tap_holds() -> None:
    check(np.random.default_rng(1).integers(0, 256, (20_001, 70), np.uint8))


def test_windows_beyond_the_integers_of_the_fast_kernel() -> None:
    tall = np.random.default_rng(1).integers(0, 256, (371_400, 5), np.uint8)
    assert _core.pdq_traced(tall, kernel="fast").kernel == "exact"
    check(tall, exact_only=True)


@pytest.mark.parametrize("size", [(5, 9), (64, 64), (100, 130), (256, 256), (512, 384)])
def test_pathological_images(size: tuple[int, int]) -> None:
    for image in pathological(*size).values():
        check(image)
        check(np.stack([image, image[::-1], 255 - image // 3], axis=2))


def test_photos(photos: dict[str, Pixels]) -> None:
    for photo in photos.values():
        check(photo)
        check(np.ascontiguousarray(photo[:, :, 1]))


def test_photos_resized_and_recompressed(photos: dict[str, Pixels]) -> None:
    random = np.random.default_rng(5)
    for photo in photos.values():
        for side in random.integers(64, 900, 6):
            resized = cv2.resize(photo, (int(side), int(side * random.uniform(0.5, 2))), interpolation=cv2.INTER_AREA)
            _, jpeg = cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(20, 95))])
            check(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8))


@given(
    st.integers(5, 400),
    st.integers(5, 400),
    st.sampled_from([(), (3,)]),
    st.integers(0, 2**32 - 1),
    st.integers(1, 255),
)
def test_random_sizes(height: int, width: int, channels: tuple[int, ...], seed: int, amplitude: int) -> None:
    """Low amplitudes are nearly flat, and so give hard cases."""
    check(np.random.default_rng(seed).integers(0, amplitude + 1, (height, width, *channels), np.uint8))


def test_pdqhash_itself_agrees_on_photos(photos: dict[str, Pixels]) -> None:
    for photo in photos.values():
        bits, quality = pdqhash.compute(photo)
        hashes, got_quality = _core.pdq(photo)
        assert np.array_equal(hashes[0], np.packbits(bits))
        assert got_quality == quality


def test_luma_is_what_pdqhash_makes_of_equal_channels() -> None:
    """No rounding enters: in float64 the shares of luma add up to 1 so nearly that float32 has the byte again."""
    grey = np.random.default_rng(2).integers(0, 256, (200, 300), np.uint8)
    bits, quality = pdqhash.compute(np.stack([grey] * 3, axis=2))
    hashes, got_quality = _core.pdq(grey)
    assert np.array_equal(hashes[0], np.packbits(bits))
    assert got_quality == quality


def test_limited_luma_has_the_quality_of_full(photos: dict[str, Pixels]) -> None:
    """The same bits, and the quality of the stretched picture but for the rounding of its pixels."""
    told = set()
    for photo in photos.values():
        full = photo if photo.ndim == 2 else photo[..., 1]
        for contrast in (1.0, 0.3, 0.1):
            limited = (16 + full * contrast * 219 / 255).round().astype(np.uint8)
            stretched = ((limited.astype(float) - 16) * 255 / 219).round().astype(np.uint8)
            found = [_core.pdq(limited, limited=True, variant=variant) for variant in VARIANTS]
            as_full, unlimited = _core.pdq(stretched)[1], _core.pdq(limited)
            for hashes, quality in found:
                assert np.array_equal(hashes, unlimited[0])
                assert quality == found[0][1]
                assert abs(quality - as_full) <= 3
            told.add(found[0][1] - unlimited[1])
    assert max(told) > 3


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of known hashes is not here")
def test_corpus_of_known_hashes() -> None:
    """Of the pixels that the reference saw, which of 16 bits are Pillow's: clipped, as no viewer shows them."""
    vectors = json.loads((CORPUS / "pdq_vectors.json").read_text())
    assert vectors
    for vector in vectors:
        path = str(CORPUS / vector["file"])
        if vector["mode"] == "I;16":
            image = np.asarray(Image.open(path).convert("RGB"))[:, :, ::-1]
        else:
            image = np.asarray(cv2.imread(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), np.uint8)
        for variant in VARIANTS:
            hashes, quality = _core.pdq(image, order="bgr", variant=variant)
            assert (hashes[0].tobytes().hex(), quality) == (vector["pdq"], vector["quality"]), vector["file"]


# ---- Orientations. ----


def test_orientations_are_those_of_turned_pixels(photos: dict[str, Pixels]) -> None:
    """Row i of the result is near the hash of pixels turned in the i-th way, and far from all others."""
    for name in ("astronaut", "chelsea", "china", "camera"):
        photo = photos[name]
        turned: list[NDArray[Any]] = [np.rot90(photo, k) for k in range(4)]
        turned += [photo[::-1], photo[:, ::-1], photo.transpose(1, 0, 2), photo[::-1, ::-1].transpose(1, 0, 2)]
        hashes, _ = _core.pdq(photo)
        truth = [_core.pdq(pixels)[0][0] for pixels in turned]
        for i, expected in enumerate(truth):
            distances = [distance(row, expected) for row in hashes]
            assert int(np.argmin(distances)) == i, (name, i, distances)
            assert distances[i] <= 31, (name, i, distances)


# ---- What is refused. ----


@pytest.mark.parametrize("shape", [(0, 0), (0, 9), (9, 0), (1, 1), (4, 4), (4, 5000), (5000, 4), (0, 9, 3), (4, 9, 3)])
def test_too_small_to_hash(shape: tuple[int, ...]) -> None:
    for kernel in KERNELS:
        hashes, quality = _core.pdq(np.full(shape, 200, np.uint8), kernel=kernel)
        assert hashes.shape == (8, 32)
        assert not hashes.any()
        assert quality == 0


@pytest.mark.parametrize("shape", [(), (9,), (9, 9, 1), (9, 9, 4), (2, 9, 9, 3)])
def test_wrong_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        _core.pdq(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.float32, np.bool_, np.object_])
def test_wrong_dtypes(dtype: type) -> None:
    with pytest.raises(TypeError, match="uint8"):
        _core.pdq(np.zeros((9, 9), dtype))


def test_wrong_arguments() -> None:
    image = np.zeros((9, 9), np.uint8)
    options: Any
    for options in ({"order": "grb"}, {"kernel": "quick"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            _core.pdq(image, **options)
    with pytest.raises(TypeError):
        _core.pdq(image, "rgb")  # type: ignore[call-arg]  # options go by name
    with pytest.raises(ConfigurationError, match="there is no variant 'mmx'; this build has portable"):
        _core.pdq(image, variant="mmx")


def test_memory_that_cannot_be_had() -> None:
    """A broadcast row has any height for free; the exact kernel's ring would be as high as the window."""
    endless = np.broadcast_to(np.zeros(2**20, np.uint8), (2**42, 2**20))
    with pytest.raises(MemoryError, match="1048576 x 4398046511104 pixels"):
        _core.pdq(endless, kernel="exact")


# ---- Kernels and variants. ----


def test_fast_is_the_same_on_every_variant(photos: dict[str, Pixels]) -> None:
    for image in (*photos.values(), *pathological(300, 260).values()):
        results = [_core.pdq_traced(image, kernel="fast", variant=variant) for variant in VARIANTS]
        for result in results:
            assert result.coefficients.tobytes() == results[0].coefficients.tobytes()
            assert np.array_equal(result.hashes, results[0].hashes)


def test_every_kernel_is_the_same_on_every_variant_for_thousands_of_images() -> None:
    random = np.random.default_rng(8)
    for round_ in range(250):
        height, width = (int(side) for side in random.integers(5, 300, 2))
        for name, image in pathological(height, width).items():
            pixels = np.dstack([image, image[::-1], 255 - image // 3]) if round_ % 2 else image
            for kernel in KERNELS:
                first, *others = (_core.pdq_traced(pixels, kernel=kernel, variant=variant) for variant in VARIANTS)
                for other in others:
                    assert other.variant != first.variant
                    assert other.coefficients.tobytes() == first.coefficients.tobytes(), (name, pixels.shape, kernel)
                    assert np.array_equal(other.hashes, first.hashes), (name, pixels.shape, kernel)
                    assert other.quality == first.quality


def allowed(image: Pixels) -> NDArray[np.float64]:
    """How far each coefficient of the fast kernel may be off for `certified` to go by it."""
    share = np.array([2.0, *(1 / np.arange(2, 17))])
    return np.asarray(max(0.005, 2.5e-6 * sum(image.shape[:2])) * (share[:, None] + share), np.float64)


def test_fast_is_within_what_certified_allows_for(photos: dict[str, Pixels]) -> None:
    """All coefficients of photographs, where only those in the middle matter."""
    for photo in photos.values():
        fast, exact = (_core.pdq_traced(photo, kernel=kernel) for kernel in KERNELS[1:])
        assert (np.abs(fast.coefficients - exact.coefficients) < allowed(photo) / 2).all()


def test_certified_asks_the_exact_kernel_only_where_it_must(photos: dict[str, Pixels]) -> None:
    assert _core.pdq_traced(np.full((300, 300), 9, np.uint8)).kernel == "exact"
    answered = [_core.pdq_traced(photo).kernel for photo in photos.values()]
    assert answered.count("fast") >= len(answered) * 3 / 4
    signs = [np.where(np.arange(16) % 2, 1, sign) for sign in (1, -1)]
    for photo, kernel in zip(photos.values(), answered, strict=True):
        fast, off = _core.pdq_traced(photo, kernel="fast"), allowed(photo)
        for rows, cols in product(signs, signs):
            values = fast.coefficients * rows[:, None] * cols
            above = values > np.sort(values, axis=None)[127]
            assert kernel == "exact" or (
                above.sum() == 128 and (values - off)[above].min() > (values + off)[~above].max()
            )


def test_nothing_is_asked_where_the_reference_rounds_nothing() -> None:
    """Luma of at most 256 pixels a side is divided by 1 and 2 alone."""
    for height, width in ((5, 5), (128, 256), (129, 130), (255, 200), (256, 256)):
        for image in pathological(height, width).values():
            assert _core.pdq_traced(image).kernel == "fast"
            check(image)
    assert _core.pdq_traced(np.zeros((257, 256), np.uint8)).kernel == "exact"
    assert _core.pdq_traced(np.zeros((256, 256, 3), np.uint8)).kernel == "exact"


def test_traced_is_what_pdq_gives(photos: dict[str, Pixels]) -> None:
    for photo in photos.values():
        hashes, quality = _core.pdq(photo)
        traced = _core.pdq_traced(photo)
        assert np.array_equal(traced.hashes, hashes)
        assert traced.quality == quality
        median = np.sort(traced.coefficients, axis=None)[127]
        assert np.array_equal(np.packbits((traced.coefficients > median).ravel()[::-1]), hashes[0])


def test_threads_do_not_disturb_each_other(photos: dict[str, Pixels]) -> None:
    images = [photo for photo in photos.values() for _ in range(3)]
    expected = [_core.pdq(image, kernel="exact")[0].tobytes() for image in images]
    with ThreadPoolExecutor(8) as threads:
        got = threads.map(lambda image: _core.pdq(image, kernel="exact")[0].tobytes(), images)
        assert list(got) == expected


def in_new_process(variant: str) -> subprocess.CompletedProcess[str]:
    """Import the core in another process under a forced variant, and print what ran."""
    code = (
        "import numpy as np; from hashmatch import _core;"
        "print(_core.variant(), _core.pdq_traced(np.zeros((9, 9), np.uint8)).variant)"
    )
    environment = os.environ | {"HASHMATCH_VARIANT": variant}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@every_variant
def test_a_forced_variant_really_runs(variant: str) -> None:
    done = in_new_process(variant)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [variant, variant]


def test_without_a_forced_variant_the_best_runs() -> None:
    assert VARIANTS[0] == "portable"
    assert in_new_process("").stdout.split() == [VARIANTS[-1]] * 2


def test_an_unknown_variant_says_which_exist() -> None:
    done = in_new_process("mmx")
    assert done.returncode != 0
    assert "there is no variant 'mmx'; this build has portable" in done.stderr
