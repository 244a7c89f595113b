"""Media files made for the tests, and what another decoder sees in them."""

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from hashmatch.hashing import hash_frame
from hashmatch.types import Frame

Pixels = NDArray[np.uint8]


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A file of `image` as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def heic(image: Image.Image, **options: Any) -> bytes:
    """A HEIC of `image` as libheif writes it."""
    return saved_heif(pillow_heif.from_pillow(image), **options)


def saved_heif(image: pillow_heif.HeifFile, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def encoded(extension: str, samples: NDArray[Any], *options: int) -> bytes:
    """A file of BGR or grey samples as OpenCV writes it."""
    done, buffer = cv2.imencode(extension, samples, options)
    assert done
    return buffer.tobytes()


def of_rgb(rgb: Pixels, extension: str = ".jpg", *options: int) -> bytes:
    """A file of RGB samples as OpenCV writes it."""
    return encoded(extension, np.ascontiguousarray(rgb[:, :, ::-1]), *options)


def seen(data: bytes) -> Pixels:
    """RGB pixels that Pillow sees in a file, on a white page."""
    return on_white(Image.open(io.BytesIO(data)))


def on_white(image: Image.Image) -> Pixels:
    """RGB pixels of an image on a white page; 16-bit grey scaled to 8 bits by rounding."""
    if image.mode.startswith("I;16"):
        grey = np.rint(np.asarray(image).astype(np.float64) / 257).astype(np.uint8)
        return np.dstack([grey] * 3)
    if image.mode in ("CMYK", "YCbCr"):
        image = image.convert("RGB")
    page = Image.new("RGBA", image.size, (255, 255, 255, 255))
    page.alpha_composite(image.convert("RGBA"))
    return np.asarray(page.convert("RGB"))


def shown(frame: Frame) -> Pixels:
    """RGB pixels of a frame."""
    return np.dstack([frame.pixels] * 3) if frame.pixels.ndim == 2 else frame.pixels[:, :, ::-1]


def distance(frame: Frame, rgb: Pixels) -> int:
    """Bits between the hash of a frame and the hash of RGB pixels."""
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    ours, theirs = (hash_frame(each)[0].bits for each in (frame, Frame(bgr, "", rgb.shape[1], rgb.shape[0])))
    return (int.from_bytes(ours, "big") ^ int.from_bytes(theirs, "big")).bit_count()


def png(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 8, colour: int = 0) -> bytes:
    """A PNG of a header and the given chunks."""
    header = b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, body in (header, *chunks):
        parts.append(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))
    return b"".join(parts)


def tiff(pieces: Sequence[bytes], fields: Mapping[int, Sequence[int]], *, order: str = "<", big: bool = False) -> bytes:
    """A TIFF of strips and LONG fields by tag; strip offsets and sizes are filled in where they are not given."""
    word, start = ("Q", 16) if big else ("I", 8)
    offsets = [start + sum(map(len, pieces[:index])) for index in range(len(pieces))]
    filled = {273: offsets, 279: [len(piece) for piece in pieces], **fields}
    data = b"".join(pieces)
    entries, extra = b"", b""
    at = start + len(data)
    extra_at = at + (8 + 20 * len(filled) + 8 if big else 2 + 12 * len(filled) + 4)
    for tag, values in sorted(filled.items()):
        body = struct.pack(f"{order}{len(values)}I", *values)
        if len(body) > struct.calcsize(f"={word}"):
            extra, body = extra + body, struct.pack(order + word, extra_at + len(extra))
        entries += struct.pack(f"{order}HH{word}", tag, 4, len(values)) + body.ljust(struct.calcsize(f"={word}"), b"\0")
    mark = b"II" if order == "<" else b"MM"
    header = mark + struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, at) if big else (42, at)))
    count = struct.pack(order + ("Q" if big else "H"), len(filled))
    return header + data + count + entries + bytes(8 if big else 4) + extra


def rgb_tiff(rgb: Pixels, **fields: Sequence[int]) -> bytes:
    """An uncompressed TIFF of one strip of RGB pixels; keyword `t274=[6]` sets tag 274."""
    height, width, samples = rgb.shape
    basic: dict[int, Sequence[int]] = {
        256: [width], 257: [height], 258: [8] * samples, 259: [1], 262: [2], 277: [samples], 278: [height],
    }  # fmt: skip
    return tiff([rgb.tobytes()], basic | {int(name[1:]): values for name, values in fields.items()})


def box(kind: bytes, *parts: bytes) -> bytes:
    """An ISO base media box."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP of the given chunks."""
    body = b"".join(
        name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for name, content in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
