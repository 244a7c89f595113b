"""Damaged files: a picture, or an error that says what is wrong, and never anything else."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hashmatch.errors import CorruptMedia, MediaError
from hashmatch.media import decode
from hashmatch.settings import MediaLimits
from tests.media_files import heic, saved

LIMITS = MediaLimits()
SMOOTH = np.add.outer(np.arange(48) * 3, np.arange(56) * 2).astype(np.uint8)
COLOUR = Image.fromarray(
    np.dstack([SMOOTH, SMOOTH[::-1], np.random.default_rng(3).integers(0, 256, SMOOTH.shape)]).astype(np.uint8)
)
ALPHA = COLOUR.copy()
ALPHA.putalpha(Image.fromarray(SMOOTH))
FILES = {
    "JPEG": saved(COLOUR, "JPEG", quality=85),
    "JPEG progressive": saved(COLOUR, "JPEG", quality=85, progressive=True),
    "JPEG restarts": saved(COLOUR, "JPEG", quality=85, restart_marker_rows=1),
    "JPEG CMYK": saved(COLOUR.convert("CMYK"), "JPEG", quality=85),
    "PNG": saved(COLOUR, "PNG"),
    "PNG palette": saved(COLOUR.quantize(32), "PNG", transparency=4),
    "GIF": saved(COLOUR.quantize(32), "GIF", transparency=4),
    "GIF animated": saved(COLOUR, "GIF", save_all=True, append_images=[COLOUR.rotate(90)]),
    "WebP": saved(COLOUR, "WEBP", quality=80),
    "WebP alpha": saved(ALPHA, "WEBP", quality=80),
    "WebP lossless": saved(ALPHA, "WEBP", lossless=True),
    "WebP animated": saved(COLOUR, "WEBP", save_all=True, append_images=[COLOUR.rotate(90)]),
    "AVIF": saved(COLOUR, "AVIF", quality=80),
    "AVIF alpha": saved(ALPHA, "AVIF", quality=80),
    "AVIF animated": saved(COLOUR, "AVIF", save_all=True, append_images=[COLOUR.rotate(90)]),
    "HEIC": heic(COLOUR),
    "HEIC alpha": heic(ALPHA),
    "TIFF": saved(COLOUR, "TIFF"),
    "TIFF LZW": saved(COLOUR, "TIFF", compression="tiff_lzw"),
    "TIFF deflate": saved(COLOUR, "TIFF", compression="tiff_adobe_deflate"),
    "TIFF JPEG": saved(COLOUR, "TIFF", compression="jpeg"),
    "TIFF fax": saved(COLOUR.convert("1"), "TIFF", compression="group4"),
    "BMP": saved(COLOUR, "BMP"),
    "BMP palette": saved(COLOUR.quantize(32), "BMP"),
}


def outcome(data: bytes) -> bytes | None:
    """The pixels, or None where there is an error on purpose; any other error goes on to the test."""
    try:
        return decode(data, LIMITS).pixels.tobytes()
    except MediaError:
        return None


@pytest.mark.parametrize("name", FILES)
def test_cut_short_anywhere(name: str) -> None:
    """A file without its end is an error, or shows every pixel: an animation's first picture may be whole."""
    data = FILES[name]
    whole = outcome(data)
    assert whole is not None
    step = max(1, len(data) // 150)
    for length in {*range(0, len(data), step), *range(max(0, len(data) - 40), len(data))}:
        assert outcome(data[:length]) in (None, whole), length


@pytest.mark.parametrize("name", ["JPEG", "JPEG progressive", "JPEG restarts", "PNG", "WebP", "AVIF", "HEIC", "BMP"])
def test_cut_short_is_corrupt(name: str) -> None:
    data = FILES[name]
    for length in (len(data) - 1, len(data) * 2 // 3, len(data) // 2):
        with pytest.raises(CorruptMedia):
            decode(data[:length], LIMITS)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_changed_bytes(name: str, data: st.DataObject) -> None:
    file = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    outcome(bytes(file))


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_changed_headers(name: str, data: st.DataObject) -> None:
    """Changes where the readers look: most of what a header is made of lies within the first 300 bytes."""
    file = bytearray(FILES[name])
    at = data.draw(st.integers(0, min(len(file), 300) - 1))
    insert = data.draw(st.binary(max_size=6))
    file[at : at + data.draw(st.integers(0, 6))] = insert
    outcome(bytes(file))


def test_what_follows_the_image_is_ignored() -> None:
    for name, data in FILES.items():
        if not name.startswith(("AVIF", "HEIC")):
            assert outcome(data + b"\xff\xd8\xff trailing \xff\xd9 bytes") == outcome(data), name


def test_thumbnails_and_further_images_do_not_end_a_jpeg() -> None:
    thumbnail = FILES["JPEG"]
    segment = b"\xff\xe1" + (2 + len(thumbnail)).to_bytes(2, "big") + thumbnail
    data = FILES["JPEG"][:2] + segment + FILES["JPEG"][2:]
    assert outcome(data) == outcome(FILES["JPEG"])
    assert outcome(data[: len(data) * 3 // 4]) is None
    several = io.BytesIO()
    COLOUR.save(several, "MPO", quality=85, save_all=True, append_images=[COLOUR.rotate(90)])
    assert outcome(several.getvalue()) == outcome(FILES["JPEG"])


def test_fill_bytes_before_markers() -> None:
    data = FILES["JPEG"].replace(b"\xff\xda", b"\xff\xff\xff\xda").replace(b"\xff\xc0", b"\xff\xff\xc0")
    assert outcome(data) == outcome(FILES["JPEG"])
