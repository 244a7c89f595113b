"""What a file of moving pictures is, by its content: one of few containers, or a still image, or nothing of ours."""

from typing import Final, Protocol

from hashmatch.errors import EmptyMedia, MediaError
from hashmatch.media.sniff import brands, sniff

HEAD: Final = 4096
"""How many of the first bytes tell."""

_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""What a QuickTime file may begin with."""
_EBML: Final = b"\x1aE\xdf\xa3"
_SEGMENT: Final = b"\x18S\x80g"
_ANIMATED_WEBP: Final = 0x02


class Source(Protocol):
    """The bytes of a file."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many; none at the end."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go somewhere else, as in a binary file; the new position."""

    def tell(self) -> int:
        """The position."""


def identify(source: Source) -> tuple[str, bytes]:
    """The media type of moving pictures or of a still, and the first bytes; the source is at its beginning again.

    Raises EmptyMedia, UnsupportedMedia.
    """
    source.seek(0)
    head = source.read(HEAD)
    source.seek(0)
    if not head:
        raise EmptyMedia("there are no bytes")
    return _video(head) or sniff(head), head


def _video(head: bytes) -> str | None:
    if head.startswith(_EBML):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "video/x-msvideo"
    if head[4:8] in _BOXES:
        found = brands(head) if head[4:8] == b"ftyp" else {b"qt  "}
        if found & {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}:
            return None
        return "video/quicktime" if b"qt  " in found else "video/mp4"
    return None


def is_moving(head: bytes) -> bool:
    """Whether a file that begins so may show more than one picture."""
    if _video(head) is not None:
        return True
    try:
        return is_animated(sniff(head), head)
    except MediaError:
        return False


def is_animated(media_type: str, head: bytes) -> bool:
    """Whether an image may have several frames."""
    if media_type == "image/webp":
        return head[12:16] == b"VP8X" and bool(head[20] & _ANIMATED_WEBP)
    if media_type == "image/avif":
        return b"avis" in brands(head)
    return media_type == "image/gif"


def is_cut_off(source: Source, media_type: str, head: bytes) -> bool:
    """Whether the file ends before it says that it does; the source is at its beginning again."""
    size = source.seek(0, 2)
    try:
        return _declared_end(source, media_type, head, size) > size
    finally:
        source.seek(0)


def _declared_end(source: Source, media_type: str, head: bytes, size: int) -> int:
    if media_type == "video/x-msvideo":
        return 8 + int.from_bytes(head[4:8], "little")
    if media_type in {"video/webm", "video/x-matroska"}:
        return _segment_end(head)
    if media_type in {"video/mp4", "video/quicktime"}:
        return _last_box_end(source, size)
    return 0


def _segment_end(head: bytes) -> int:
    """Where the segment of a Matroska file ends; 0 where it does not say (RFC 8794)."""
    at = head.find(_SEGMENT) + len(_SEGMENT)
    if at < len(_SEGMENT) or at >= len(head) or not head[at]:
        return 0
    length = 9 - head[at].bit_length()
    value = int.from_bytes(head[at : at + length], "big") & ~(1 << 7 * length)
    return 0 if value == (1 << 7 * length) - 1 else at + length + value


def _last_box_end(source: Source, size: int) -> int:
    """Where the last box of an ISO base media file ends (ISO/IEC 14496-12)."""
    end = 0
    for _ in range(100_000):
        source.seek(end)
        header = source.read(16)
        if len(header) < 8:
            return end + (8 if header else 0)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:
            return end
        end += length
        if end >= size:
            return end
    return end
