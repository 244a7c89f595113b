"""AVIF: its primary item, where its data lie, and how large a frame they ask for (ISO/IEC 14496-12, 23008-12)."""

from hashmatch.errors import UnsupportedMedia
from hashmatch.media import av1
from hashmatch.media.items import Items, read_items
from hashmatch.media.picture import Picture, check_size, integer
from hashmatch.settings import MediaLimits

_MONOCHROME, _TWELVE_BITS, _HIGH_DEPTH = 0x10, 0x20, 0x40
_ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What an AVIF says of its primary item.

    An image sequence is read for the still picture that comes with it. Raises CorruptMedia where items' data lie
    outside the file, UnsupportedMedia where there is no still picture, or one of grey with alpha.
    """
    items = read_items(data)
    if items is None:
        raise UnsupportedMedia("an AVIF sequence without a still picture is not supported")
    size = items.of_primary(b"ispe")
    width, height = check_size(integer(size, 4, 4), integer(size, 8, 4), limits)
    for frame in _frames(data, items):
        check_size(*frame, limits)
    configurations = [body for kind, body in items.properties if kind == b"av1C"]
    if not configurations:
        raise UnsupportedMedia("an AVIF without AV1 data is not supported")
    flags = integer(items.of_primary(b"av1C") or configurations[0], 2, 1)
    if flags & _MONOCHROME and any(kind == b"auxC" and body.endswith(_ALPHA) for kind, body in items.properties):
        raise UnsupportedMedia("an AVIF of grey with alpha is not supported")
    depth = 8 if not flags & _HIGH_DEPTH else 12 if flags & _TWELVE_BITS else 10
    still = data[:8] + b"avif" + data[12:] if data[8:12] == b"avis" else data
    return Picture(still, width, height, width, height, depth=depth)


def _frames(data: bytes, items: Items) -> list[tuple[int, int]]:
    """Every frame size that a property declares or coded data ask the decoder for."""
    frames = [(integer(body, 4, 4), integer(body, 8, 4)) for kind, body in items.properties if kind == b"ispe"]
    for item in items.extents:
        coded = items.data(item, data)
        if items.kinds.get(item) == b"av01":
            frames.append(av1.largest_frame(coded))
    return frames
