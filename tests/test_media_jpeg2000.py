"""JPEG 2000, where it is asked for: what Pillow shows of it, in the sealed worker too, and the limits before that."""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hashmatch.errors import CorruptMedia, MediaTooLarge, UnsupportedMedia
from hashmatch.media import decode
from hashmatch.sandbox import Job, Pool
from hashmatch.sandbox.in_process import InProcess
from hashmatch.settings import MediaLimits
from hashmatch.types import Sandbox
from tests.media_files import Pixels, box, encoded, saved, seen, shown
from tests.test_media_damage import ALPHA, COLOUR
from tests.test_media_limits import CORPUS

LIMITS = MediaLimits(jpeg_2000=True)
GREY = COLOUR.convert("L")
DEEP = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 251)
FILES = {
    "grey": saved(GREY, "JPEG2000"),
    "grey codestream": saved(GREY, "JPEG2000", no_jp2=True),
    "grey of 16 bits": saved(DEEP, "JPEG2000"),
    "colour": saved(COLOUR, "JPEG2000"),
    "colour codestream": saved(COLOUR, "JPEG2000", no_jp2=True),
    "irreversible": saved(COLOUR, "JPEG2000", irreversible=True, quality_layers=[20, 5]),
    "alpha": saved(ALPHA, "JPEG2000"),
    "tiles": saved(COLOUR, "JPEG2000", tile_size=(16, 32)),
    "tiles of a codestream": saved(ALPHA.convert("RGB"), "JPEG2000", no_jp2=True, tile_size=(19, 17)),
    "progression by position": saved(COLOUR, "JPEG2000", progression="PCRL", num_resolutions=3),
}


SRGB = b"\1\0\0\0\0\0\x10"
"""The body of a `colr` box."""
TYPED = (CorruptMedia, UnsupportedMedia, MediaTooLarge)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(LIMITS, 1) as made:
        yield made


def patched(at: int, form: str, *values: int) -> bytes:
    """The codestream in colour with other values at a place of its header."""
    data = bytearray(FILES["colour codestream"])
    struct.pack_into(form, data, at, *values)
    return bytes(data)


@pytest.mark.parametrize("name", FILES)
def test_what_pillow_shows(name: str) -> None:
    frame = decode(FILES[name], LIMITS)
    assert frame.media_type == ("image/j2c" if "codestream" in name else "image/jp2")
    assert (frame.width, frame.height) == COLOUR.size
    off = np.abs(shown(frame).astype(int) - seen(FILES[name]).astype(int)).max()
    assert off <= (1 if name in {"irreversible", "alpha"} else 0)


def test_16_bits_of_colour() -> None:
    samples = cv2.resize(np.random.default_rng(5).integers(0, 65536, (8, 8, 3)).astype(np.uint16), (160, 128))
    data = encoded(".jp2", samples, cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000)
    assert np.array_equal(decode(data, LIMITS).pixels, np.rint(samples / 257))


@pytest.mark.parametrize("name", FILES)
def test_the_sealed_worker_sees_the_same(pool: Pool, name: str) -> None:
    job = Job(("pdq", "phash"), all_views=True)
    assert pool.sandbox is Sandbox.ON
    assert pool.hash_image(FILES[name], job) == InProcess(LIMITS).hash_image(FILES[name], job)
    assert not pool.losses


def test_it_needs_no_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no other codec does, workers may start none."""
    (tmp_path / "pi_heif.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Pool(LIMITS, 1) as bare:
        for name in ("colour", "tiles"):
            assert bare.hash_image(FILES[name], Job()) == InProcess(LIMITS).hash_image(FILES[name], Job())
        assert not bare.losses


@pytest.mark.parametrize("options", [{}, {"tile_size": (256, 256)}], ids=["one tile", "tiles"])
def test_what_the_header_asks_of_memory_is_enough(photos: dict[str, Pixels], options: dict[str, Any]) -> None:
    large = cv2.resize(photos["coffee"], (1600, 1200), interpolation=cv2.INTER_CUBIC)
    data, least = saved(Image.fromarray(large), "JPEG2000", **options), 7 * large.size
    with Pool(LIMITS.model_copy(update={"max_decode_memory": least}), 1) as enough:
        enough.hash_image(data, Job())
    with Pool(LIMITS.model_copy(update={"max_decode_memory": least - 1}), 1) as tight:
        with pytest.raises(MediaTooLarge) as caught:
            tight.hash_image(data, Job())
        assert caught.value.details["actual"] == str(least)


def test_photographs_have_the_bits_of_their_pixels(pool: Pool, photos: dict[str, Pixels]) -> None:
    for photo in photos.values():
        stored, plain = (saved(Image.fromarray(photo), kind) for kind in ("JPEG2000", "PNG"))
        assert pool.hash_image(stored, Job()).hashes == pool.hash_image(plain, Job()).hashes


@pytest.mark.parametrize("name", ["colour", "colour codestream"])
def test_none_is_decoded_unless_asked_for(name: str) -> None:
    with pytest.raises(UnsupportedMedia, match=r"JPEG 2000 image.*--jpeg-2000"):
        decode(FILES[name], MediaLimits())


@pytest.mark.parametrize(
    ("sizes", "limit"),
    [((2**31, 1), "max_side"), ((16_384, 16_384), "max_pixels"), ((10_000, 9_999), "max_decode_memory")],
)
def test_claims_over_a_limit(sizes: tuple[int, int], limit: str) -> None:
    limits = LIMITS.model_copy(update={"max_decode_memory": 10**9})
    with pytest.raises(MediaTooLarge) as caught:
        decode(patched(8, ">II", *sizes), limits)
    assert caught.value.details["limit"] == limit
    assert int(caught.value.details["actual"]) > int(caught.value.details["maximum"])


def header(file: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A file with its `jp2h` box changed."""
    at = file.index(b"jp2h") - 4
    end = at + int.from_bytes(file[at : at + 4], "big")
    return file[:at] + box(b"jp2h", change(file[at + 8 : end])) + file[end:]


UNSUPPORTED = {
    "2 components": (saved(ALPHA.convert("LA"), "JPEG2000"), "2 components"),
    "4 components, no meaning": (saved(ALPHA, "JPEG2000", no_jp2=True), "4 components"),
    "12 bits": (patched(42, ">9B", *(11, 1, 1) * 3), "8 or 16 bits"),
    "signed": (patched(42, ">9B", *(0x87, 1, 1) * 3), "8 or 16 bits"),
    "subsampled": (patched(42, ">9B", 7, 1, 1, 7, 2, 2, 7, 2, 2), "8 or 16 bits"),
    "mixed": (patched(42, ">9B", 7, 1, 1, 7, 1, 1, 15, 1, 1), "8 or 16 bits"),
    "an offset": (patched(16, ">I", 1), "offset"),
    "Part 2": (patched(6, ">H", 0x8000), "extensions"),
    "high throughput": (patched(6, ">H", 0x4000), "extensions"),
    "a palette": (header(FILES["grey"], lambda body: body + box(b"pclr", bytes(8))), "palette"),
    "sYCC": (header(FILES["colour"], lambda body: body.replace(SRGB, SRGB[:-1] + b"\x12")), "space 18"),
    "any ICC": (
        header(FILES["colour"], lambda body: body.replace(SRGB, b"\3" + SRGB[1:])),
        "method 3",
    ),
    "BGR": (
        header(
            FILES["colour"],
            lambda body: body + box(b"cdef", struct.pack(">10H", 3, 0, 0, 3, 1, 0, 2, 2, 0, 1)),
        ),
        "of that meaning",
    ),
    "another part": (FILES["colour"].replace(b"ftypjp2 \0\0\0\0jp2 ", b"ftypjpx \0\0\0\0jpx "), "another part"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_all_else_is_refused_by_name(name: str) -> None:
    data, words = UNSUPPORTED[name]
    with pytest.raises(UnsupportedMedia, match=words):
        decode(data, LIMITS)


@pytest.mark.parametrize("name", FILES)
def test_cut_short_is_corrupt(name: str) -> None:
    data = FILES[name]
    for length in {*range(13, len(data), max(1, len(data) // 60)), len(data) - 1, len(data) - 2}:
        with pytest.raises((CorruptMedia, UnsupportedMedia)) as caught:
            decode(data[:length], LIMITS)
        assert length < 32 or caught.type is CorruptMedia, length


def test_a_tile_that_is_missing_is_corrupt() -> None:
    data = FILES["tiles of a codestream"]
    first = data.index(b"\xff\x90\0\x0a")
    end = first + int.from_bytes(data[first + 6 : first + 10], "big")
    with pytest.raises(CorruptMedia, match="lacks tiles"):
        decode(data[:first] + data[end:], LIMITS)


def test_what_follows_the_picture_is_not_decoded() -> None:
    plain = decode(FILES["colour codestream"], LIMITS)
    again = decode(FILES["colour codestream"] + b"\xff\x90 and more", LIMITS)
    assert np.array_equal(plain.pixels, again.pixels)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_changed_bytes(pool: Pool, name: str, data: st.DataObject) -> None:
    file = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, min(len(file), data.draw(st.sampled_from((200, 10**6)))) - 1))] = data.draw(
            st.integers(0, 255)
        )
    check_typed(pool, bytes(file))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
def test_malformed_files_of_others(pool: Pool) -> None:
    files = [path for path in sorted(CORPUS.iterdir()) if path.suffix in {".j2k", ".jp2"}]
    assert files
    for path in files:
        check_typed(pool, path.read_bytes())


def check_typed(pool: Pool, data: bytes) -> None:
    """It is hashed or has its typed error, and the worker survives it."""
    with suppress(*TYPED):
        pool.hash_image(data, Job())
    assert not pool.losses
