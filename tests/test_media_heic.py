"""HEIC: what libheif shows of it, tiles and rotations included, and the limits before it is asked."""

import struct

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from hashmatch.errors import CorruptMedia, MediaTooLarge, UnsupportedMedia
from hashmatch.media import decode, heic
from hashmatch.media.items import read_items
from hashmatch.settings import MediaLimits
from tests import media_files
from tests.media_files import Pixels, box, distance, on_white, shown

LIMITS = MediaLimits()
SLOPES = np.add.outer(np.arange(120), np.arange(160) // 2).astype(np.uint8)
RGB = np.dstack([SLOPES, SLOPES[::-1], SLOPES[:, ::-1]])


def near(found: Pixels, expected: Pixels) -> bool:
    return found.shape == expected.shape and float(np.abs(found.astype(int) - expected.astype(int)).mean()) < 2


def tiled(tiles: list[bytes], columns: int, rows: int, side: int, claims: tuple[int, int] | None = None) -> bytes:
    """A HEIC whose picture is a grid of the pictures of others, each `side` pixels wide and high, as phones make it."""
    width, height = claims or (columns * side, rows * side)
    coded, configuration = [], b""
    for tile in tiles:
        items = read_items(tile)
        assert items is not None
        configuration = items.of_primary(b"hvcC")
        coded.append(items.data(items.primary, tile))
    grid = len(tiles) + 1
    numbers = range(1, grid)
    full = bytes(4)
    infe = [box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), b"hvc1\0") for number in numbers]
    infe.append(box(b"infe", b"\2\0\0\0", struct.pack(">HH", grid, 0), b"grid\0"))
    ipco = box(
        b"ipco",
        box(b"hvcC", configuration),
        box(b"ispe", full, struct.pack(">II", side, side)),
        box(b"ispe", full, struct.pack(">II", width, height)),
    )
    ipma = [struct.pack(">HBBB", number, 2, 0x81, 2) for number in numbers] + [struct.pack(">HBB", grid, 1, 3)]
    idat = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    dimg = box(b"dimg", struct.pack(">HH", grid, len(tiles)), *(struct.pack(">H", number) for number in numbers))

    def meta(start: int) -> bytes:
        places = []
        for number, data in zip(numbers, coded, strict=True):
            places.append(struct.pack(">HHHHII", number, 0, 0, 1, start, len(data)))
            start += len(data)
        places.append(struct.pack(">HHHHII", grid, 1, 0, 1, 0, len(idat)))
        return box(
            b"meta",
            full,
            box(b"hdlr", full, bytes(4), b"pict", bytes(12), b"\0"),
            box(b"pitm", full, struct.pack(">H", grid)),
            box(b"iinf", full, struct.pack(">H", grid), *infe),
            box(b"iref", full, dimg),
            box(b"iprp", ipco, box(b"ipma", full, struct.pack(">I", grid), *ipma)),
            box(b"idat", idat),
            box(b"iloc", b"\1\0\0\0", b"\x44\0", struct.pack(">H", grid), *places),
        )

    kind = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    return kind + meta(len(kind) + len(meta(0)) + 8) + box(b"mdat", *coded)


def test_colour_alpha_and_grey() -> None:
    grey = Image.fromarray(SLOPES)
    colour = Image.fromarray(RGB)
    clear = colour.copy()
    clear.putalpha(grey)
    for image in (colour, clear, grey):
        frame = decode(media_files.heic(image, quality=95), LIMITS)
        assert frame.media_type == "image/heic"
        assert near(shown(frame), on_white(image))


def test_photographs_have_the_same_hash(photos: dict[str, Pixels]) -> None:
    for pixels in list(photos.values())[:4]:
        small = Image.fromarray(pixels).resize((320, 240))
        frame = decode(media_files.heic(small, quality=90), LIMITS)
        assert distance(frame, np.asarray(small)) <= 6


def test_ten_bits_are_scaled() -> None:
    levels = RGB.astype(np.uint16) * 257
    image = pillow_heif.from_bytes("RGB;16", (160, 120), levels.tobytes())
    frame = decode(media_files.saved_heif(image, quality=95), LIMITS)
    assert near(shown(frame), RGB)
    assert int(shown(frame).max()) >= RGB.max() - 1


def test_tiles_make_one_picture() -> None:
    sides = np.arange(64) * 2
    tiles = [np.add.outer(sides, sides + 60 * number).astype(np.uint8) for number in range(6)]
    files = [media_files.heic(Image.fromarray(tile).convert("RGB"), quality=95) for tile in tiles]
    expected = np.vstack([np.hstack(tiles[:3]), np.hstack(tiles[3:])])
    found = shown(decode(tiled(files, 3, 2, 64), LIMITS))
    assert near(found, np.dstack([expected] * 3))


def test_rotation_of_the_container_is_part_of_the_picture() -> None:
    image = Image.fromarray(RGB)
    image.getexif()[274] = 6
    data = bytearray(media_files.heic(image, quality=95))
    turned = []
    for quarters in range(4):
        data[data.index(b"irot") + 4] = quarters
        turned.append(shown(decode(bytes(data), LIMITS)))
    assert all((found == np.rot90(turned[0], quarters)).all() for quarters, found in enumerate(turned))


@pytest.mark.parametrize("side", [16_385, 2**31])
def test_sizes_over_a_limit(side: int) -> None:
    size = struct.pack(">II", 160, 120)
    data = media_files.heic(Image.fromarray(RGB))
    assert size in data
    with pytest.raises(MediaTooLarge) as caught:
        decode(data.replace(size, struct.pack(">II", side, 120)), LIMITS)
    assert caught.value.details == {"limit": "max_side", "maximum": "16384", "actual": str(side)}
    tile = media_files.heic(Image.new("RGB", (64, 64)))
    with pytest.raises(MediaTooLarge):
        decode(tiled([tile], 1, 1, 64, (min(side, 65_535), 64)), LIMITS)


def test_a_coded_picture_of_another_size_than_its_header() -> None:
    data = media_files.heic(Image.fromarray(RGB))
    with pytest.raises(CorruptMedia):
        decode(data.replace(struct.pack(">II", 160, 120), struct.pack(">II", 80, 60)), LIMITS)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heic, "pi_heif", None)
    with pytest.raises(UnsupportedMedia, match=r"hashmatch\[heic\]"):
        decode(media_files.heic(Image.fromarray(RGB)), LIMITS)


def test_sequences_and_other_codecs_are_named() -> None:
    for brand, name in ((b"hevc", "HEIC sequence"), (b"msf1", "HEIC sequence")):
        with pytest.raises(UnsupportedMedia, match=name):
            decode(box(b"ftyp", brand, bytes(4), brand) + box(b"moov"), LIMITS)
    with pytest.raises(UnsupportedMedia, match="without a still picture"):
        decode(box(b"ftyp", b"heic", bytes(4), b"heic") + box(b"moov"), LIMITS)
