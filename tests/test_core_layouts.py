"""Layouts of memory and channels that the core takes as they are: every one hashes as its contiguous copy does."""

from typing import Literal, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch import _core
from tests.pdq_oracle import Pixels

Kernel: TypeAlias = Literal["certified", "fast", "exact"]
KERNELS: tuple[Kernel, ...] = ("certified", "fast", "exact")
KINDS: tuple[Literal["ahash", "dhash", "phash"], ...] = ("ahash", "dhash", "phash")
VARIANTS = _core.variants()

every_variant = pytest.mark.parametrize("variant", VARIANTS)


@every_variant
@pytest.mark.parametrize("kernel", KERNELS)
def test_layouts_of_memory_do_not_matter(photos: dict[str, Pixels], variant: str, kernel: Kernel) -> None:
    photo = photos["coffee"]
    views = {
        "upside down": photo[::-1],
        "mirrored": photo[:, ::-1],
        "every second row": photo[::2],
        "every second column": photo[:, ::2],
        "window": photo[7:333, 11:420],
        "channel": photo[:, :, 1],
        "transposed": photo[:, :, 0].T,
        "colour transposed": photo.transpose(1, 0, 2),
        "Fortran order": np.asfortranarray(photo),
        "planes": np.ascontiguousarray(photo.transpose(2, 0, 1)).transpose(1, 2, 0),
        "without alpha": np.dstack([photo, photo[:, :, :1]])[:, :, :3],
        "one row over and over": np.broadcast_to(photo[100], photo.shape),
    }
    for name, view in views.items():
        expected, quality = _core.pdq(view.copy(order="C"), kernel=kernel, variant=variant)
        hashes, got_quality = _core.pdq(view, kernel=kernel, variant=variant)
        assert np.array_equal(hashes, expected), name
        assert got_quality == quality, name


def test_read_only_pixels(photos: dict[str, Pixels]) -> None:
    photo = photos["coffee"]
    locked = np.frombuffer(photo.tobytes(), np.uint8).reshape(photo.shape)
    assert not locked.flags.writeable
    assert np.array_equal(_core.pdq(locked)[0], _core.pdq(photo)[0])


@every_variant
@pytest.mark.parametrize("kernel", KERNELS)
def test_bgr_is_rgb_backwards(photos: dict[str, Pixels], variant: str, kernel: Kernel) -> None:
    photo = photos["rocket"]
    backwards = np.ascontiguousarray(photo[:, :, ::-1])
    expected, _ = _core.pdq(photo, kernel=kernel, variant=variant)
    hashes, _ = _core.pdq(backwards, order="bgr", kernel=kernel, variant=variant)
    assert np.array_equal(hashes, expected)
    assert not np.array_equal(_core.pdq(backwards, kernel=kernel, variant=variant)[0], expected)


def on_white(luma: Pixels, alpha: Pixels) -> Pixels:
    """What a viewer shows, by way of real numbers."""
    shown = luma.astype(np.float64) * alpha / 255
    return (np.floor(shown + 0.5) + 255 - alpha).astype(np.uint8)


@every_variant
@pytest.mark.parametrize("kernel", KERNELS)
def test_luma_and_alpha_are_shown_on_white(photos: dict[str, Pixels], variant: str, kernel: Kernel) -> None:
    photo = photos["coffee"]
    both = np.ascontiguousarray(photo[:, :, :2])
    views = {"packed": both, "strided": photo[:, :, :2], "planes": np.asfortranarray(both), "mirrored": both[:, ::-1]}
    for name, view in views.items():
        expected, quality = _core.pdq(on_white(view[:, :, 0], view[:, :, 1]), kernel=kernel, variant=variant)
        hashes, got_quality = _core.pdq(view, kernel=kernel, variant=variant)
        assert np.array_equal(hashes, expected), name
        assert got_quality == quality, name


def test_every_luma_under_every_alpha() -> None:
    """All 65,536 pairs, each in 2 x 2 pixels, of which the filter at this size leaves out one row or column at most."""
    luma, alpha = (values.astype(np.uint8).repeat(2, 0).repeat(2, 1) for values in np.indices((256, 256)))
    for kernel in KERNELS[1:]:
        got = _core.pdq_traced(np.dstack([luma, alpha]), kernel=kernel)
        expected = _core.pdq_traced(on_white(luma, alpha), kernel=kernel)
        assert got.coefficients.tobytes() == expected.coefficients.tobytes()


@st.composite
def strided(draw: st.DrawFn) -> Pixels:
    """Any view of an array that slices, turns and reversals can make, of any number of channels."""
    channels = draw(st.sampled_from([1, 2, 3]))
    steps = [draw(st.sampled_from([-3, -2, -1, 1, 2, 5])) for _ in range(2)]
    sides = [draw(st.integers(1, 150)) for _ in range(2)]
    starts = [draw(st.integers(0, 3)) for _ in range(2)]
    extra = draw(st.integers(0, 2))
    shape = [start + side * abs(step) for start, side, step in zip(starts, sides, steps, strict=True)]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    base = random.integers(0, draw(st.integers(1, 256)), (*shape, channels + extra), np.uint8)
    base = np.asfortranarray(base) if draw(st.booleans()) else base
    view = base[starts[0] :, starts[1] :][:: steps[0], :: steps[1], :channels]
    view = view[:, :, ::-1] if draw(st.booleans()) else view
    view = view.transpose(1, 0, 2) if draw(st.booleans()) else view
    view = view[:, :, 0] if channels == 1 else view
    view.flags.writeable = draw(st.booleans())
    return view


@given(strided(), st.sampled_from(["rgb", "bgr"]))
def test_any_strides(view: Pixels, order: Literal["rgb", "bgr"]) -> None:
    copy = view.copy(order="C")
    for variant in VARIANTS:
        for kernel in KERNELS:
            hashes, quality = _core.pdq(view, order=order, kernel=kernel, variant=variant)
            expected, expected_quality = _core.pdq(copy, order=order, kernel=kernel, variant=variant)
            assert np.array_equal(hashes, expected), (variant, kernel)
            assert quality == expected_quality
        for kind in KINDS:
            small = _core.small_hash(view, kind, order=order, variant=variant)
            assert np.array_equal(small, _core.small_hash(copy, kind, order=order, variant=variant)), (variant, kind)


def test_many_at_once(photos: dict[str, Pixels]) -> None:
    images = [view for photo in photos.values() for view in (photo, photo[:, ::-1, 1], photo[:3])]
    for kernel in KERNELS:
        hashes, qualities = _core.pdq_many(iter(images), kernel=kernel)
        assert hashes.shape == (len(images), 8, 32)
        assert qualities.shape == (len(images),)
        for image, rows, quality in zip(images, hashes, qualities, strict=True):
            expected, expected_quality = _core.pdq(image, kernel=kernel)
            assert np.array_equal(rows, expected)
            assert quality == expected_quality


def test_many_of_none() -> None:
    hashes, qualities = _core.pdq_many([])
    assert hashes.shape == (0, 8, 32)
    assert qualities.shape == (0,)


def test_many_name_the_image_that_is_none() -> None:
    image = np.zeros((9, 9), np.uint8)
    with pytest.raises(ValueError, match=r"images\[1\]: .*shape"):
        _core.pdq_many([image, image[0]])
    with pytest.raises(TypeError, match=r"images\[2\]: .*uint8"):
        _core.pdq_many([image, image, image.astype(np.float32)])
    endless = np.broadcast_to(np.zeros(2**20, np.uint8), (2**42, 2**20))
    with pytest.raises(MemoryError, match=r"images\[1\] of 1048576 x 4398046511104"):
        _core.pdq_many([image, endless], kernel="exact")
