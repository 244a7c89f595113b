"""The core's JPEG decoder beside OpenCV's, which is libjpeg: the same bytes, or none."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hashmatch import _core
from hashmatch.errors import ConfigurationError
from tests.media_files import Pixels, saved

WHOLE = tuple(name for name in _core.variants() if name.startswith("avx"))
"""The variants that have an inverse DCT."""
needs_whole = pytest.mark.skipif(not WHOLE, reason="this machine decodes whole JPEGs by libjpeg alone")
EIGHTH = cv2.IMREAD_REDUCED_GRAYSCALE_8


def picture(height: int, width: int, contrast: int, seed: int = 1) -> Image.Image:
    """Edges and noise in colour, up to what a pixel can be."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (height // 5 + 1, width // 7 + 1, 3))
    pixels = np.repeat(np.repeat(blocks, 5, axis=0), 7, axis=1)[:height, :width]
    noise = random.integers(-contrast, contrast + 1, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def by_opencv(data: bytes, flags: int = cv2.IMREAD_GRAYSCALE) -> Pixels | None:
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)  # type: ignore[return-value]


def check_same(data: bytes, height: int, width: int) -> int:
    """Every variant's pixels, whole and reduced, are OpenCV's, or none; returns how many there are."""
    count = 0
    for variant in _core.variants():
        for reduced, flags in ((False, cv2.IMREAD_GRAYSCALE), (True, EIGHTH)):
            luma = _core.jpeg_luma(data, height, width, reduced=reduced, variant=variant)
            if luma is not None:
                expected = by_opencv(data, flags)
                assert expected is not None
                assert np.array_equal(luma, expected), (variant, reduced)
                count += 1
    return count


PLAIN = len(WHOLE) + len(_core.variants())
"""How many there are of a plain file."""


@pytest.mark.parametrize("subsampling", [0, 1, 2, "grey"])
@pytest.mark.parametrize("quality", [1, 10, 35, 75, 90, 97, 100])
def test_plain_files(quality: int, subsampling: Any) -> None:
    for number, (height, width) in enumerate([(1, 1), (8, 8), (9, 17), (16, 300), (123, 77), (151, 203)]):
        image = picture(height, width, contrast=(0, 40, 255)[number % 3], seed=quality)
        options: dict[str, Any] = {"quality": quality, "optimize": number % 2 == 0}
        if number > 2:
            options["restart_marker_blocks"] = number
        if subsampling == "grey":
            data = saved(image.convert("L"), "JPEG", **options)
        else:
            data = saved(image, "JPEG", subsampling=subsampling, **options)
        assert check_same(data, height, width) == PLAIN


def test_photographs(photos: dict[str, Pixels]) -> None:
    for number, pixels in enumerate(photos.values()):
        data = saved(Image.fromarray(pixels), "JPEG", quality=60 + 9 * (number % 5))
        assert check_same(data, *pixels.shape[:2]) == PLAIN


def assembled(components: list[tuple[int, int]], scan: bytes, side: int = 16) -> bytes:
    """A file made by hand: codes of one bit, 0 for no difference and for the end of a block."""
    frame = b"\x08" + side.to_bytes(2, "big") * 2 + bytes([len(components)])
    frame += b"".join(bytes([name, factors, 0]) for name, factors in components)
    tables = b"".join(bytes([number, 1, *[0] * 15, 0]) for number in (0x00, 0x10))
    start = bytes([len(components), *(value for name, _ in components for value in (name, 0)), 0, 63, 0])
    parts = [(0xDB, b"\x00" + b"\x01" * 64), (0xC0, frame), (0xC4, tables), (0xDA, start)]
    segments = b"".join(bytes([255, marker]) + (len(body) + 2).to_bytes(2, "big") + body for marker, body in parts)
    return b"\xff\xd8" + segments + scan + b"\xff\xd9"


@needs_whole
def test_by_hand() -> None:
    """4:2:0 of 16 x 16: six blocks of two bits each, so that 12 bits are all there may be."""
    usual = [(1, 0x22), (2, 0x11), (3, 0x11)]
    assert check_same(assembled(usual, b"\x00\x00"), 16, 16) == PLAIN
    for scan in (b"\x00", b"\x00" * 3, b"\x80\x00", b"\x00\xff\x00", b"\x00\x00\xff\xd0", b"\xff\xd0\x00\x00", b""):
        assert check_same(assembled(usual, scan), 16, 16) == 0, scan
    sampled_less = [
        [(1, 0x11), (2, 0x22), (3, 0x11)],
        [(1, 0x12), (2, 0x21), (3, 0x11)],
        [(1, 0x41), (2, 0x11), (3, 0x11)],
    ]
    twice = [[(1, 0x11), (1, 0x11), (1, 0x11)], [(82, 0x11), (71, 0x11), (66, 0x11)]]
    for components in [*sampled_less, *twice, [(1, 0x11), (2, 0x11)]]:
        assert check_same(assembled(components, b"\x00" * 8), 16, 16) == 0, components


def test_what_is_not_plain_is_declined(photos: dict[str, Pixels]) -> None:
    image = Image.fromarray(photos["astronaut"]).resize((100, 80))
    plain = saved(image, "JPEG", quality=80)
    declined = {
        "progressive": saved(image, "JPEG", progressive=True),
        "CMYK": saved(image.convert("CMYK"), "JPEG"),
        "RGB": saved(image, "JPEG", quality=80, keep_rgb=True),
        "fill bytes": plain.replace(b"\xff\xda", b"\xff\xff\xff\xda"),
        "no end": plain[:-2],
        "cut": plain[: len(plain) // 2],
        "another marker": plain[:-2] + b"\xff\xdc\x00\x04\x00\x50\xff\xd9",
        "no JPEG": b"\xff" * 50,
        "a byte": b"\xff",
        "nothing": b"",
    }
    for name, data in declined.items():
        for variant in _core.variants():
            for reduced in (False, True):
                assert _core.jpeg_luma(data, 80, 100, reduced=reduced, variant=variant) is None, name
    for height, width in ((80, 101), (81, 100), (0, 100), (80, 0)):
        assert _core.jpeg_luma(plain, height, width, reduced=True) is None


@needs_whole
def test_values_that_no_pixels_make_are_declined() -> None:
    """Quantization tables a hundred times too large: libjpeg overflows in its own way."""
    data = saved(picture(64, 64, 255), "JPEG", quality=100, subsampling=0)
    at = data.index(b"\xff\xdb") + 5
    changed = data[:at] + b"\xff" * 64 + data[at + 64 :]
    assert by_opencv(changed) is not None
    assert check_same(changed, 64, 64) == 0


@given(
    quality=st.sampled_from([5, 50, 85, 100]),
    options=st.sampled_from(
        [{}, {"subsampling": 0}, {"subsampling": 1}, {"restart_marker_blocks": 2}, {"optimize": True}]
    ),
    data=st.data(),
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_changed_bytes(quality: int, options: dict[str, Any], data: st.DataObject) -> None:
    file = bytearray(saved(picture(40, 56, 60), "JPEG", quality=quality, **options))
    for _ in range(data.draw(st.integers(1, 3))):
        file[data.draw(st.integers(2, len(file) - 1))] = data.draw(st.integers(0, 255))
    check_same(bytes(file), 40, 56)


def test_arguments() -> None:
    with pytest.raises(ConfigurationError, match="no variant 'mmx'"):
        _core.jpeg_luma(b"", 16, 16, variant="mmx")
