"""Every format in every mode, against what Pillow sees in the same file."""

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import UnsupportedMedia
from hashmatch.hashing import hash_frame
from hashmatch.media import decode
from hashmatch.settings import MediaLimits
from tests.media_files import Pixels, distance, encoded, on_white, png, rgb_tiff, saved, seen, shown, tiff

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMITS = MediaLimits()
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
Photos = dict[str, Pixels]


def photo(photos: Photos) -> Image.Image:
    """A part of a photograph with odd sides: rows and columns that fill no byte, block or word."""
    return Image.fromarray(photos["astronaut"]).resize((203, 205)).crop((0, 20, 203, 171))


def sixteen(photos: Photos) -> Image.Image:
    """16-bit grey whose low bytes matter to rounding."""
    grey = np.asarray(photo(photos).convert("L")).astype(np.uint16)
    return Image.fromarray(grey * 256 + np.arange(grey.size, dtype=np.uint16).reshape(grey.shape) % 256)


def ramp(image: Image.Image) -> Image.Image:
    """Alpha from 0 at the left to 255 at the right."""
    levels = np.linspace(0, 255, image.width).astype(np.uint8)
    return Image.fromarray(np.tile(levels, (image.height, 1)))


def with_alpha(image: Image.Image) -> Image.Image:
    done = image.copy()
    done.putalpha(ramp(image))
    return done


MODES: dict[str, Callable[[Photos], Image.Image]] = {
    "RGB": photo,
    "L": lambda photos: photo(photos).convert("L"),
    "RGBA": lambda photos: with_alpha(photo(photos)),
    "LA": lambda photos: with_alpha(photo(photos).convert("L")),
    "P": lambda photos: photo(photos).quantize(200),
    "P16": lambda photos: photo(photos).quantize(16),
    "P2": lambda photos: photo(photos).quantize(2),
    "1": lambda photos: photo(photos).convert("1"),
    "I;16": sixteen,
    "CMYK": lambda photos: photo(photos).convert("CMYK"),
}
LOSSLESS = [
    *(("PNG", mode, {}) for mode in MODES if mode != "CMYK"),
    ("PNG", "P", {"transparency": 3}),
    ("PNG", "P", {"transparency": bytes(range(200))}),
    ("PNG", "P16", {"transparency": 3}),
    ("PNG", "RGB", {"transparency": (255, 255, 254)}),
    ("PNG", "L", {"transparency": 90}),
    ("PNG", "1", {"transparency": 0}),
    *(("WEBP", mode, {"lossless": True}) for mode in ("RGB", "L", "RGBA", "LA", "P")),
    *(("GIF", mode, {}) for mode in ("RGB", "L", "RGBA", "P", "P16", "P2", "1")),
    ("GIF", "P", {"transparency": 3}),
    ("GIF", "P", {"interlace": 1}),
    ("GIF", "P", {"interlace": 0}),
    *(("BMP", mode, {}) for mode in ("RGB", "L", "RGBA", "P", "P16", "P2", "1")),
    *(("TIFF", mode, {}) for mode in MODES if mode != "LA"),
    *(
        ("TIFF", mode, {"compression": compression})
        for mode in ("RGB", "L", "P", "RGBA", "CMYK")
        for compression in ("tiff_lzw", "packbits", "tiff_adobe_deflate")
    ),
    *(("TIFF", "1", {"compression": compression}) for compression in ("group3", "group4", "tiff_ccitt")),
    ("TIFF", "RGB", {"big_tiff": True}),
    ("TIFF", "L", {"tiffinfo": {274: 6}}),
]


@pytest.mark.parametrize(("kind", "mode", "options"), LOSSLESS, ids=lambda value: str(value)[:40])
def test_lossless_modes(kind: str, mode: str, options: dict[str, Any], photos: Photos) -> None:
    image = MODES[mode](photos)
    data = saved(image, kind, **options)
    frame = decode(data, LIMITS)
    opened = Image.open(io.BytesIO(data))
    assert (frame.width, frame.height) == image.size
    assert frame.media_type == opened.get_format_mimetype()
    assert frame.pixels.flags.c_contiguous
    expected = seen(data) if "tiffinfo" not in options else on_white(image)
    np.testing.assert_array_equal(shown(frame), expected)
    assert distance(frame, expected) == 0


@pytest.mark.parametrize("mode", ["L", "1", "I;16"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_files_give_luma(kind: str, mode: str, photos: Photos) -> None:
    assert decode(saved(MODES[mode](photos), kind), LIMITS).pixels.ndim == 2


JPEGS: dict[str, tuple[str, dict[str, Any]]] = {
    "4:2:0": ("RGB", {"quality": 80, "subsampling": 2}),
    "4:4:4": ("RGB", {"quality": 90, "subsampling": 0}),
    "progressive": ("RGB", {"quality": 80, "progressive": True}),
    "restarts": ("RGB", {"quality": 80, "restart_marker_rows": 1}),
    "stored as RGB": ("RGB", {"quality": 90, "keep_rgb": True}),
    "grey": ("L", {"quality": 80}),
}


@pytest.mark.parametrize("name", JPEGS)
def test_jpeg_gives_its_luma(name: str, photos: Photos) -> None:
    mode, options = JPEGS[name]
    data = saved(MODES[mode](photos), "JPEG", **options)
    frame = decode(data, LIMITS)
    grey = Image.open(io.BytesIO(data))
    if "keep_rgb" in options:
        assert np.abs(frame.pixels.astype(int) - np.asarray(grey.convert("L"))).max() <= 1
    else:
        grey.draft("L", grey.size)
        np.testing.assert_array_equal(frame.pixels, np.asarray(grey))
    assert distance(frame, seen(data)) <= 8


def test_cmyk_jpeg(photos: Photos) -> None:
    data = saved(MODES["CMYK"](photos), "JPEG", quality=95)
    frame = decode(data, LIMITS)
    grey = np.asarray(Image.fromarray(seen(data)).convert("L")).astype(int)
    assert np.abs(frame.pixels - grey).max() <= 2
    assert distance(frame, seen(data)) <= 2


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"quality": 70}), ("AVIF", {"quality": 70})])
def test_lossy_modes(kind: str, mode: str, options: dict[str, Any], photos: Photos) -> None:
    data = saved(MODES[mode](photos), kind, **options)
    frame = decode(data, LIMITS)
    assert np.abs(shown(frame).astype(int) - seen(data)).max() <= 1
    assert distance(frame, seen(data)) <= 2


@pytest.mark.parametrize("depth", [10, 12])
def test_deep_avif_is_scaled(depth: int, photos: Photos) -> None:
    rgb = np.asarray(photo(photos))
    deep = (rgb[:, :, ::-1].astype(np.uint32) * ((1 << depth) - 1) // 255).astype(np.uint16)
    data = encoded(".avif", deep, cv2.IMWRITE_AVIF_DEPTH, depth, cv2.IMWRITE_AVIF_QUALITY, 95)
    frame = decode(data, LIMITS)
    assert np.abs(shown(frame).astype(int) - seen(data)).max() <= 3
    assert distance(frame, seen(data)) <= 2


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_rounded_to_8(extension: str, channels: int) -> None:
    samples = np.random.default_rng(7).integers(0, 65536, (61, 67, channels)).astype(np.uint16)
    frame = decode(encoded(extension, samples), LIMITS)
    exact = samples / 65535
    if channels == 4:
        exact = exact[:, :, :3] * exact[:, :, 3:] + 1 - exact[:, :, 3:]
    bgr = frame.pixels.reshape(61, 67, -1)
    assert np.abs(bgr - exact * 255).max() <= 0.51


@pytest.mark.parametrize("channels", [3, 4])
def test_white_stays_white_and_black_black(channels: int) -> None:
    for level in (0, 65535):
        samples = np.full((8, 8, channels), level, np.uint16)
        samples[:, :, 3:] = 65535
        assert (decode(encoded(".png", samples), LIMITS).pixels == level // 257).all()


def test_transparent_16_bit_grey() -> None:
    rows = b"".join(b"\0" + struct.pack(">8H", *[1000, 1001, 30000, 65535] * 2) for _ in range(8))
    chunks = (b"tRNS", struct.pack(">H", 1001)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    frame = decode(png(8, 8, *chunks, depth=16), LIMITS)
    assert frame.pixels[0, :4].tolist() == [4, 255, 117, 255]


@pytest.mark.parametrize(("depth", "grey"), [(1, 1), (2, 2), (4, 9)])
def test_transparent_grey_below_8_bits(depth: int, grey: int) -> None:
    levels = np.arange(16, dtype=np.uint8) % (1 << depth)
    bits = "".join(f"{level:0{depth}b}" for level in levels)
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    chunks = (b"tRNS", struct.pack(">H", grey)), (b"IDAT", zlib.compress(row * 8)), (b"IEND", b"")
    expected = [255 if level == grey else int(level) * 255 // ((1 << depth) - 1) for level in levels]
    assert decode(png(16, 8, *chunks, depth=depth), LIMITS).pixels[0].tolist() == expected


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_pixels_stay_in_stored_order(kind: str, orientation: int, photos: Photos) -> None:
    image = photo(photos)
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": exif}
    frame = decode(saved(image, kind, **options), LIMITS)
    assert (frame.width, frame.height) == image.size
    assert np.abs(shown(frame).mean(axis=2) - np.asarray(image).mean(axis=2)).mean() < 12


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("orientation", [1, 6])
def test_tiff_of_any_byte_order(order: str, big: bool, orientation: int, photos: Photos) -> None:
    rgb = np.asarray(photo(photos))
    height, width, _ = rgb.shape
    fields = {256: [width], 257: [height], 258: [8, 8, 8], 262: [2], 274: [orientation], 277: [3], 278: [50]}
    strips = [rgb[top : top + 50].tobytes() for top in range(0, height, 50)]
    frame = decode(tiff(strips, fields, order=order, big=big), LIMITS)
    np.testing.assert_array_equal(shown(frame), rgb)


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_tiff_whose_zero_is_white(bits: int, photos: Photos) -> None:
    grey = np.asarray(MODES["1" if bits == 1 else "L"](photos)).astype(np.uint16)
    inverted: dict[int, Pixels | NDArray[np.uint16]] = {
        1: np.packbits(grey == 0, axis=1),
        8: (255 - grey).astype(np.uint8),
        16: 65535 - grey * 257,
    }
    height, width = grey.shape
    fields = {256: [width], 257: [height], 258: [bits], 262: [0], 278: [height]}
    expected = grey * 255 if bits == 1 else grey
    np.testing.assert_array_equal(decode(tiff([inverted[bits].tobytes()], fields), LIMITS).pixels, expected)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (b"\xff\xc3", "JPEG process 3"),
        (b"\xff\xc5", "JPEG process 5"),
        (b"\xff\xc9", "JPEG process 9"),
        (b"\xff\xf7", "JPEG-LS"),
        (b"\xff\xc0\x00\x11\x0c", "JPEG of 12 bits"),
    ],
)
def test_jpeg_variants_that_are_refused(changed: bytes, named: str, photos: Photos) -> None:
    data = saved(photo(photos), "JPEG")
    start = data.index(b"\xff\xc0\x00\x11\x08")
    with pytest.raises(UnsupportedMedia, match=named):
        decode(data[:start] + changed + data[start + len(changed) :], LIMITS)


@pytest.mark.parametrize(("extra", "premultiplied"), [(1, True), (2, False), (None, False)])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_alpha(extra: int | None, premultiplied: bool, bits: int, photos: Photos) -> None:
    rgba = np.asarray(with_alpha(photo(photos))).astype(np.float64) / 255
    alpha = rgba[:, :, 3:]
    stored = np.dstack([rgba[:, :, :3] * alpha, alpha]) if premultiplied else rgba
    samples = np.rint(stored * ((1 << bits) - 1)).astype(f"<u{bits // 8}")
    height, width, _ = rgba.shape
    fields = {256: [width], 257: [height], 258: [bits] * 4, 262: [2], 277: [4], 278: [height]}
    fields |= {} if extra is None else {338: [extra]}
    frame = decode(tiff([samples.tobytes()], fields), LIMITS)
    assert np.abs(shown(frame) - (rgba[:, :, :3] * alpha + 1 - alpha) * 255).max() <= 1.01


def test_tiff_extra_sample_that_is_no_alpha(photos: Photos) -> None:
    rgba = np.asarray(with_alpha(photo(photos)))
    np.testing.assert_array_equal(shown(decode(rgb_tiff(rgba, t338=[0]), LIMITS)), rgba[:, :, :3])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"t259": [50000]}, "compression 50000"),
        ({"t339": [3]}, "floating point"),
        ({"t262": [8]}, "interpretation 8"),
        ({"t258": [8, 8, 5]}, "5 bits"),
    ],
)
def test_tiff_variants_that_are_refused(fields: dict[str, list[int]], named: str, photos: Photos) -> None:
    with pytest.raises(UnsupportedMedia, match=named):
        decode(rgb_tiff(np.asarray(photo(photos)), **fields), LIMITS)


def test_tiff_of_grey_with_alpha_is_refused(photos: Photos) -> None:
    with pytest.raises(UnsupportedMedia, match="2 samples"):
        decode(saved(MODES["LA"](photos), "TIFF"), LIMITS)


@pytest.mark.parametrize("bits", [(0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F)])
def test_bmp_of_16_bits(bits: tuple[int, int, int], photos: Photos) -> None:
    rgb = np.asarray(photo(photos)).astype(np.uint32)
    packed = sum((rgb[:, :, at] * mask // 255) & mask for at, mask in enumerate(bits))
    rows = np.zeros((rgb.shape[0], rgb.shape[1] + rgb.shape[1] % 2), "<u2")
    rows[:, : rgb.shape[1]] = packed
    header = struct.pack("<IiiHHIIiiII", 40, rgb.shape[1], -rgb.shape[0], 1, 16, 3, rows.nbytes, 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 66 + rows.nbytes, 0, 0, 66) + header + struct.pack("<III", *bits)
    frame = decode(data + rows.tobytes(), LIMITS)
    assert np.abs(shown(frame).astype(int) - rgb).max() <= 16
    assert distance(frame, rgb.astype(np.uint8)) <= 8


def test_bmp_with_alpha(photos: Photos) -> None:
    rgba = np.asarray(with_alpha(photo(photos)))
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 124, rgba.shape[1], -rgba.shape[0], 1, 32, 3, rgba.nbytes, 0, 0, 0, 0)
    header = (header + masks).ljust(124, b"\0")
    data = b"BM" + struct.pack("<IHHI", 138 + rgba.nbytes, 0, 0, 138) + header + rgba[:, :, [2, 1, 0, 3]].tobytes()
    np.testing.assert_array_equal(shown(decode(data, LIMITS)), seen(data))


def test_os2_bmp(photos: Photos) -> None:
    image = photo(photos)
    rows = np.zeros((image.height, (image.width * 3 + 3) // 4 * 4), np.uint8)
    rows[:, : image.width * 3] = np.asarray(image)[::-1, :, ::-1].reshape(image.height, -1)
    header = struct.pack("<IHHHH", 12, image.width, image.height, 1, 24)
    data = b"BM" + struct.pack("<IHHI", 26 + rows.nbytes, 0, 0, 26) + header + rows.tobytes()
    np.testing.assert_array_equal(shown(decode(data, LIMITS)), np.asarray(image))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_first_picture_of_an_animation(kind: str, photos: Photos) -> None:
    first, later = photo(photos), Image.new("RGB", photo(photos).size, (0, 90, 0))
    options = {"save_all": True, "append_images": [later, first], "duration": 100}
    data = saved(first, kind, **options, **({"lossless": True} if kind == "WEBP" else {}))
    frame = decode(data, LIMITS)
    opened = Image.open(io.BytesIO(data))
    assert getattr(opened, "n_frames", 1) == 3
    assert np.abs(shown(frame).astype(int) - seen(data)).max() <= 1


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
def test_corpus_hashes() -> None:
    """At most 8 bits from the reference, and none without JPEG's chroma, wherever the hash says anything.

    The reference's own hashes of LA.png and I16.png drop alpha and clip 16 bits: there, what is seen is the reference.
    """
    for vector in json.loads((CORPUS / "pdq_vectors.json").read_text()):
        data = (CORPUS / vector["file"]).read_bytes()
        frame = decode(data, LIMITS)
        assert (frame.width, frame.height) == (vector["width"], vector["height"])
        if frame.media_type != "image/jpeg":
            assert distance(frame, seen(data)) == 0, vector["file"]
        elif vector["quality"] >= 50:
            ours = int(hash_frame(frame)[0].hex, 16)
            assert (ours ^ int(vector["pdq"], 16)).bit_count() <= 8, vector["file"]
