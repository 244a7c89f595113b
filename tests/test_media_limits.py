"""What a header claims is believed only within the limits, and costs nothing beyond them."""

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import CorruptMedia, MediaError, MediaTooLarge, UnsupportedMedia
from hashmatch.media import av1, decode
from hashmatch.settings import MediaLimits
from tests.media_files import box, encoded, heic, png, rgb_tiff, riff, saved, tiff

LIMITS = MediaLimits()


def jpeg_of(width: int, height: int) -> bytes:
    data = bytearray(saved(Image.new("L", (16, 16)), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_of(screen: tuple[int, int], frame: tuple[int, int, int, int]) -> bytes:
    return b"GIF89a" + struct.pack("<HH", *screen) + b"\0\0\0" + struct.pack("<BHHHHB", 44, *frame, 0) + b"\x02\0;"


def bmp_of(width: int, height: int, bits: int = 24) -> bytes:
    return (
        b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, *[0] * 6)
    )


def vp8(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)


def webp_canvas(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8X", bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def claiming(data: bytes, width: int, height: int) -> bytes:
    """An AVIF or HEIC of 64 x 64 pixels that says to be larger."""
    says = b"ispe\0\0\0\0" + struct.pack(">II", 64, 64)
    assert says in data
    return data.replace(says, says[:8] + struct.pack(">II", width, height))


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG header": lambda: png(40_000, 40_000),
    "PNG with data": lambda: png(40_000, 40_000, (b"IDAT", zlib.compress(bytes(10**6))), (b"IEND", b"")),
    "PNG widest": lambda: png(2**31 - 1, 1),
    "JPEG": lambda: jpeg_of(65_535, 65_535),
    "GIF screen": lambda: gif_of((65_535, 65_535), (0, 0, 1, 1)),
    "GIF picture": lambda: gif_of((1, 1), (0, 0, 65_535, 65_535)),
    "GIF corner": lambda: gif_of((1, 1), (65_535, 65_535, 1, 1)),
    "WebP picture": lambda: riff(vp8(16_383, 16_383)),
    "WebP canvas": lambda: riff(webp_canvas(2**24, 2**24), vp8(1, 1)),
    "BMP": lambda: bmp_of(2**31 - 1, 2**31 - 1),
    "BMP upside down": lambda: bmp_of(40_000, -40_000, 1),
    "TIFF": lambda: tiff([b"\0"], {256: [2**32 - 1], 257: [2**32 - 1], 258: [8], 262: [1]}),
    "TIFF tile": lambda: tiff(
        [b"\0"], {256: [9], 257: [9], 258: [8], 262: [1], 322: [2**20], 323: [2**20], 324: [8], 325: [1]}
    ),
    "AVIF": lambda: claiming(saved(Image.new("RGB", (64, 64)), "AVIF"), 2**31, 2**31),
    "HEIC": lambda: claiming(heic(Image.new("RGB", (64, 64))), 2**31, 2**31),
}


@pytest.mark.parametrize("name", BOMBS)
def test_claims_over_a_limit(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MediaTooLarge) as caught:
            decode(BOMBS[name](), LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    assert caught.value.details["limit"] in ("max_side", "max_pixels")
    assert int(caught.value.details["actual"]) > int(caught.value.details["maximum"])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"])
def test_limits_are_inclusive(kind: str) -> None:
    data = saved(Image.new("RGB", (60, 40)), kind)
    exact = {"max_media_bytes": len(data), "max_side": 60, "max_pixels": 2400}
    assert decode(data, MediaLimits.model_validate(exact)).width == 60
    for limit, maximum in exact.items():
        with pytest.raises(MediaTooLarge) as caught:
            decode(data, MediaLimits.model_validate(exact | {limit: maximum - 1}))
        assert caught.value.details == {"limit": limit, "maximum": str(maximum - 1), "actual": str(maximum)}


def test_memory_that_the_samples_alone_would_take() -> None:
    limits = MediaLimits(max_decode_memory=2**24)
    for data, least in (
        (png(2400, 2400, (b"IDAT", b""), (b"IEND", b""), colour=2), 2400 * 2400 * 3),
        (png(1400, 1400, (b"IDAT", b""), (b"IEND", b""), colour=2, depth=16), 1400 * 1400 * 9),
        (gif_of((4000, 4000), (0, 0, 1, 1)), 3 + 4000 * 4000 * 3),
    ):
        with pytest.raises(MediaTooLarge) as caught:
            decode(data, limits)
        expected = {"limit": "max_decode_memory", "maximum": str(2**24), "actual": str(least)}
        assert caught.value.details == expected
    assert decode(saved(Image.new("L", (4000, 4000)), "JPEG"), limits).width == 4000


@pytest.mark.parametrize("sides", [(0, 8), (8, 0)])
def test_no_pixels(sides: tuple[int, int]) -> None:
    for data in (png(*sides), gif_of(sides, (0, 0, *sides)), bmp_of(*sides), riff(vp8(*sides)), jpeg_of(0, 8)):
        with pytest.raises(CorruptMedia):
            decode(data, LIMITS)


def test_jpeg_whose_height_comes_later() -> None:
    with pytest.raises(UnsupportedMedia, match="height"):
        decode(jpeg_of(8, 0), LIMITS)


def test_jpeg_with_two_frame_headers() -> None:
    data = saved(Image.new("L", (16, 16)), "JPEG")
    at = data.index(b"\xff\xc0")
    frame = data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
    with pytest.raises(CorruptMedia, match="two frame headers"):
        decode(data[:at] + frame + data[at:], LIMITS)


def test_jpeg_of_endless_scans() -> None:
    data = saved(Image.new("L", (16, 16)), "JPEG", progressive=True)
    at = data.index(b"\xff\xda")
    scan = data[at : data.index(b"\xff", at + 2)]
    with pytest.raises(CorruptMedia, match="scans"):
        decode(data[:-2] + scan * 1000 + data[-2:], LIMITS)


@pytest.mark.parametrize("sides", [(16, 16), (1300, 9), (5, 400)])
@pytest.mark.parametrize("animated", [False, True])
def test_av1_frame_size(sides: tuple[int, int], animated: bool) -> None:
    image = Image.new("RGB", sides, (9, 90, 200))
    data = saved(image, "AVIF", **({"save_all": True, "append_images": [image]} if animated else {}))
    coded = data[data.rindex(b"mdat") + 4 :]
    assert av1.largest_frame(coded) == sides


def test_avif_whose_frame_is_larger_than_it_says() -> None:
    data = saved(Image.new("RGB", (64, 64)), "AVIF")
    large = saved(Image.new("RGB", (512, 512)), "AVIF")
    swapped = large.replace(struct.pack(">II", 512, 512), struct.pack(">II", 64, 64))
    assert swapped != large
    limits = MediaLimits(max_side=256)
    assert decode(data, limits).width == 64
    with pytest.raises(MediaTooLarge):
        decode(swapped, limits)


def test_avif_without_a_still_picture() -> None:
    with pytest.raises(UnsupportedMedia, match="sequence"):
        decode(box(b"ftyp", b"avis", bytes(4), b"avis") + box(b"moov"), LIMITS)


def test_gif_picture_beyond_its_screen() -> None:
    picture = np.full((6, 5, 3), (10, 200, 30), np.uint8)
    data = bytearray(saved(Image.fromarray(picture), "GIF"))
    data[6:10] = struct.pack("<HH", 2, 8)
    frame = decode(bytes(data), LIMITS)
    assert (frame.width, frame.height) == (5, 8)
    assert (frame.pixels[:6] == picture[:, :, ::-1]).all()
    assert (frame.pixels[6:] == 255).all()


def test_gif_and_webp_pictures_on_a_larger_canvas_lie_on_white() -> None:
    data = bytearray(saved(Image.new("RGB", (5, 6), (10, 200, 30)), "GIF"))
    data[6:10] = struct.pack("<HH", 9, 9)
    still = saved(Image.new("RGB", (5, 6), (10, 200, 30)), "WEBP", lossless=True)
    sides = b"\x04\0\0\x05\0\0"
    frame_chunk = b"\x01\0\0\x01\0\0" + sides + bytes(4) + still[12:]
    canvas = b"VP8X", b"\x02\0\0\0\x08\0\0\x08\0\0"
    for file, left, top in ((bytes(data), 0, 0), (riff(canvas, (b"ANIM", bytes(6)), (b"ANMF", frame_chunk)), 2, 2)):
        frame = decode(file, LIMITS)
        inside = np.zeros((9, 9), bool)
        inside[top : top + 6, left : left + 5] = True
        assert (frame.pixels[inside] == (30, 200, 10)).all()
        assert (frame.pixels[~inside] == 255).all()


def test_webp_frame_beyond_its_canvas() -> None:
    still = saved(Image.new("RGB", (5, 6)), "WEBP", lossless=True)
    frame = b"\x03\0\0\x00\0\0\x04\0\0\x05\0\0" + bytes(4) + still[12:]
    with pytest.raises(CorruptMedia, match="canvas"):
        decode(riff((b"VP8X", b"\x02\0\0\0\x08\0\0\x08\0\0"), (b"ANMF", frame)), LIMITS)


def test_large_pictures_are_converted_in_blocks() -> None:
    """More pixels than are converted at once, and a last block that is not full."""
    samples = np.zeros((1030, 1100, 4), np.uint8)
    samples[:, :, 3] = np.arange(1030)[:, None] % 256
    frame = decode(encoded(".png", samples, cv2.IMWRITE_PNG_COMPRESSION, 1), LIMITS)
    assert (frame.pixels[:, :, 1] == 255 - samples[:, :, 3]).all()


def test_tiff_pieces_must_be_there() -> None:
    rgb = np.zeros((10, 10, 3), np.uint8)
    for fields in (
        {"t279": [2**20]},
        {"t279": [299]},
        {"t273": [2**32 - 1]},
        {"t278": [5]},
        {"t278": [0]},
        {"t279": [0]},
    ):
        with pytest.raises(CorruptMedia):
            decode(rgb_tiff(rgb, **fields), LIMITS)


def test_threads_are_off() -> None:
    assert cv2.getNumThreads() == 1


CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "malformed"
PICTURES = {
    "broken_exif_dpi.jpg",
    "decompression_bomb_extents.gif",
    "hopper_bad_exif.jpg",
    "invalid-exif.jpg",
    "photoshop-200dpi-broken.jpg",
    "sugarshack_bad_mpo_header.jpg",
    "truncated_app14.jpg",
}
"""Hostile files whose picture is whole: only metadata are broken, or their size is within the limits."""


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
@pytest.mark.timeout(5)
def test_malformed_files() -> None:
    decoded = set()
    for path in sorted(CORPUS.iterdir()):
        try:
            decode(path.read_bytes(), LIMITS)
        except MediaError:
            continue
        decoded.add(path.name)
    assert decoded == PICTURES
