"""What bytes are, by their content and never by a name."""

import codecs
from typing import Final

from hashmatch.errors import EmptyMedia, UnsupportedMedia

CODESTREAM: Final = b"\xff\x4f\xff\x51"
"""How a JPEG 2000 codestream begins."""
_DECODED: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"\0\0\0\x0cjP  ", "image/jp2"),
    (CODESTREAM, "image/j2c"),
)
_BMP_HEADERS: Final = (12, 40, 52, 56, 64, 108, 124)
_OTHERS: Final = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    *((b"BZh%d1AY&SY" % level, "bzip2 data") for level in range(1, 10)),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"\0\0\x01\xba", "an MPEG video"),
    (b"FLV\x01", "a Flash video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 recording"),
    (b"fLaC", "a FLAC recording"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL codestream"),
    (b"8BPS", "a Photoshop document"),
    (b"%!PS", "a PostScript document"),
    *((b"P%d\n" % number, "a Netpbm image") for number in range(1, 8)),
    (b"DDS ", "a DirectDraw surface"),
    (b"\0\0\x01\0", "a Windows icon"),
    (b"icns", "an Apple icon"),
    (b"\x01\xda", "an SGI image"),
    (b"v/1\x01", "an OpenEXR image"),
    (b"qoif", "a QOI image"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_HEIC_STILLS: Final = frozenset((b"heic", b"heix", b"heim", b"heis"))
_HEIC: Final = frozenset((b"hevc", b"hevx", b"mif1", b"msf1"))


def sniff(data: bytes) -> str:
    """The media type of an image that is decoded here, some of them only where that is installed or allowed.

    Raises EmptyMedia where there is nothing, UnsupportedMedia naming what it looks like where it is anything else.
    """
    if not data:
        raise EmptyMedia("there are no bytes")
    for magic, media_type in _DECODED:
        if data.startswith(magic):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    if data[4:8] == b"ftyp" and brands(data) & {b"avif", b"avis"}:
        return "image/avif"
    if data[4:8] == b"ftyp" and brands(data) & _HEIC_STILLS:
        return "image/heic"
    raise UnsupportedMedia(f"this is no supported image: it looks like {_name(data)}")


def brands(data: bytes) -> set[bytes]:
    """The brands in the leading `ftyp` box of an ISO base media file, at most 64 of them."""
    size = min(int.from_bytes(data[:4], "big"), 8 + 4 * 64)
    return {data[8:12], *(data[start : start + 4] for start in range(16, size, 4))}


def _name(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "a HEIC sequence" if brands(data) & _HEIC else "an MP4, QuickTime or other ISO media file"
    if data[:4] == b"RIFF":
        return {b"AVI ": "an AVI video", b"WAVE": "a WAVE recording"}.get(data[8:12], "a RIFF file")
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return name
    return _text(data[:512]) or "unknown binary data"


def _text(head: bytes) -> str:
    """Which text this is; empty where it is none. A character that is cut off at the end is no objection."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head).lstrip().lower()
    except UnicodeDecodeError:
        return ""
    if not text or any(ord(letter) < 32 and letter not in "\t\r\n\f" for letter in text):
        return ""
    if "<svg" in text:
        return "an SVG drawing"
    if text.startswith(("<!doctype html", "<html")):
        return "an HTML page"
    return "XML" if text.startswith("<?xml") else "text"
