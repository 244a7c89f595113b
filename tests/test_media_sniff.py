"""What bytes are, whatever they are called."""

import bz2
import io
import lzma
import zipfile

import pytest
from PIL import Image

from hashmatch.errors import EmptyMedia, UnsupportedMedia
from hashmatch.media import decode
from hashmatch.media.sniff import sniff
from hashmatch.settings import MediaLimits
from tests.media_files import box, saved

LIMITS = MediaLimits()
KINDS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP")


@pytest.mark.parametrize("kind", KINDS)
def test_supported_formats(kind: str) -> None:
    assert sniff(saved(Image.new("RGB", (16, 16)), kind)) == Image.MIME[kind]


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("photo.jpg", b"\xff\xd8\xff")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"just some words\n", "text"),
        ("Grüße, 世界".encode(), "text"),
        (("x" * 511 + "世界").encode(), "text"),
        (b"BMW is no bitmap, but it starts like one", "text"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"<?xml version='1.0'?><rss/>", "XML"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"%PDF-1.7\n", "a PDF document"),
        (saved(Image.new("RGB", (16, 16)), "EPS"), "a PostScript document"),
        (saved(Image.new("RGB", (16, 16)), "PPM"), "a Netpbm image"),
        (saved(Image.new("RGB", (16, 16)), "DDS"), "a DirectDraw surface"),
        (archive(), "a ZIP archive"),
        (box(b"ftyp", b"isom", bytes(4), b"mp41"), "an MP4"),
        (box(b"ftyp", b"hevc", bytes(4), b"msf1hevc"), "a HEIC sequence"),
        (saved(Image.new("RGB", (16, 16)), "JPEG2000"), "a JPEG 2000 image"),
        (saved(Image.new("RGB", (16, 16)), "JPEG2000", no_jp2=True), "a JPEG 2000 image"),
        (saved(Image.new("RGB", (16, 16)), "ICO"), "a Windows icon"),
        (saved(Image.new("RGB", (16, 16)), "ICNS"), "an Apple icon"),
        (bz2.compress(b"a photo"), "bzip2 data"),
        (lzma.compress(b"a photo"), "xz data"),
        (saved(Image.new("RGB", (16, 16)), "SGI"), "an SGI image"),
        (b"RIFF\x10\0\0\0AVI LIST", "an AVI video"),
        (b"\x1aE\xdf\xa3\x01\0\0\0", "a Matroska or WebM video"),
        (bytes(range(256)), "unknown binary data"),
        (b"\0", "unknown binary data"),
        (b"\xff\xfe\xfd", "unknown binary data"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_everything_else_is_refused_by_name(data: bytes, named: str) -> None:
    with pytest.raises(UnsupportedMedia, match=named):
        decode(data, LIMITS)


def test_nothing_at_all() -> None:
    with pytest.raises(EmptyMedia):
        decode(b"", LIMITS)


def test_views_are_read_like_bytes() -> None:
    data = saved(Image.new("L", (16, 16), 7), "PNG")
    assert (decode(memoryview(b"xx" + data)[2:], LIMITS).pixels == 7).all()
