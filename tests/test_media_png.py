"""PNG in every colour type, bit depth and order of rows that the format has."""

import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch.media import decode
from hashmatch.settings import MediaLimits
from tests.media_files import shown

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and steps, of each pass."""


def rows_of(samples: NDArray[np.uint16], depth: int) -> bytes:
    """Rows of (height, width, channels), packed, each with filter 0."""
    packed = b""
    for row in samples.reshape(len(samples), -1):
        bits = "".join(f"{value:0{depth}b}" for value in row)
        bits += "0" * (-len(bits) % 8)
        packed += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    return packed


def png_of(samples: NDArray[np.uint16], colour: int, depth: int, *, interlaced: bool, palette: bytes) -> bytes:
    height, width, _ = samples.shape
    if interlaced:
        passes = [samples[row::down, column::across] for column, row, across, down in ADAM7]
        body = b"".join(rows_of(part, depth) for part in passes if part.size)
    else:
        body = rows_of(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    if colour == PALETTE:
        chunks.insert(1, (b"PLTE", palette))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def expected(samples: NDArray[np.uint16], colour: int, depth: int, palette: bytes) -> NDArray[np.float64]:
    """RGB on white, before it is rounded to 8 bits."""
    levels = (1 << depth) - 1
    if colour == PALETTE:
        return np.frombuffer(palette, np.uint8).reshape(-1, 3)[samples[:, :, 0]].astype(float)
    scaled = samples / levels
    if colour in (GREY_ALPHA, RGBA):
        alpha = scaled[:, :, -1:]
        scaled = scaled[:, :, :-1] * alpha + 1 - alpha
    return np.broadcast_to(scaled * 255, (*samples.shape[:2], 3))


@pytest.mark.parametrize("size", [(13, 21), (1, 1), (2, 9), (5, 3)])
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour", "depth"), [(colour, depth) for colour in CHANNELS for depth in DEPTHS[colour]])
def test_every_variant(colour: int, depth: int, interlaced: bool, size: tuple[int, int]) -> None:
    random = np.random.default_rng(colour * 100 + depth)
    samples = random.integers(0, 1 << depth, (*size, CHANNELS[colour]), np.uint32).astype(np.uint16)
    palette = random.bytes(3 << depth) if colour == PALETTE else b""
    data = png_of(samples, colour, depth, interlaced=interlaced, palette=palette)
    found = shown(decode(data, MediaLimits())).astype(float)
    assert np.abs(found - expected(samples, colour, depth, palette)).max() <= 1
