"""AVIF: its primary item, where its data lie, and how large a frame they ask for (ISO/IEC 14496-12, 23008-12)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hashmatch.errors import CorruptMedia, UnsupportedMedia
from hashmatch.media import av1
from hashmatch.media.picture import Picture, check_size, integer
from hashmatch.settings import MediaLimits

_IN_FILE, _IN_META = 0, 1
_MONOCHROME, _TWELVE_BITS, _HIGH_DEPTH = 0x10, 0x20, 0x40
_ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


@dataclass(slots=True)
class _Meta:
    """What the `meta` box says of items, each by its number."""

    primary: int = 0
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    associations: dict[int, list[int]] = field(default_factory=dict)
    """Properties by their number in the list above, from 1."""
    kinds: dict[int, bytes] = field(default_factory=dict)
    extents: dict[int, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    """Construction method, and start and length of each piece."""
    idat: bytes = b""

    def of_primary(self, kind: bytes) -> bytes:
        """The primary item's property of a kind; empty where it has none."""
        numbers = self.associations.get(self.primary, [])
        found = [self.properties[number - 1] for number in numbers if 0 < number <= len(self.properties)]
        return next((body for name, body in found if name == kind), b"")


def read(data: bytes, limits: MediaLimits) -> Picture:
    """What an AVIF says of its primary item.

    An image sequence is read for the still picture that comes with it. Raises CorruptMedia where items' data lie
    outside the file, UnsupportedMedia where there is no still picture, or one of grey with alpha.
    """
    box = next((body for kind, body in _boxes(data) if kind == b"meta"), None)
    if box is None:
        raise UnsupportedMedia("an AVIF sequence without a still picture is not supported")
    meta = _read_meta(box)
    size = meta.of_primary(b"ispe")
    width, height = check_size(integer(size, 4, 4), integer(size, 8, 4), limits)
    for frame in _frames(data, meta):
        check_size(*frame, limits)
    configurations = [body for kind, body in meta.properties if kind == b"av1C"]
    if not configurations:
        raise UnsupportedMedia("an AVIF without AV1 data is not supported")
    flags = integer(meta.of_primary(b"av1C") or configurations[0], 2, 1)
    if flags & _MONOCHROME and any(kind == b"auxC" and body.endswith(_ALPHA) for kind, body in meta.properties):
        raise UnsupportedMedia("an AVIF of grey with alpha is not supported")
    depth = 8 if not flags & _HIGH_DEPTH else 12 if flags & _TWELVE_BITS else 10
    still = data[:8] + b"avif" + data[12:] if data[8:12] == b"avis" else data
    return Picture(still, width, height, width, height, depth=depth)


def _frames(data: bytes, meta: _Meta) -> list[tuple[int, int]]:
    """Every frame size that a property declares or coded data ask the decoder for."""
    frames = [(integer(body, 4, 4), integer(body, 8, 4)) for kind, body in meta.properties if kind == b"ispe"]
    for item, (method, pieces) in meta.extents.items():
        if method not in (_IN_FILE, _IN_META):
            raise UnsupportedMedia("an AVIF whose items are made of other items' data is not supported")
        source = data if method == _IN_FILE else meta.idat
        if any(start + length > len(source) for start, length in pieces):
            raise CorruptMedia("truncated: the AVIF's data lie outside the file")
        if meta.kinds.get(item) == b"av01":
            coded = b"".join(source[start : start + length if length else None] for start, length in pieces)
            frames.append(av1.largest_frame(coded))
    return frames


def _read_meta(box: bytes) -> _Meta:
    meta = _Meta()
    for kind, body in _boxes(box, 4):
        version = integer(body, 0, 1) if kind != b"idat" else 0
        if kind == b"pitm":
            meta.primary = integer(body, 4, 4 if version else 2)
        elif kind == b"idat":
            meta.idat = body
        elif kind == b"iloc":
            meta.extents = _locations(body, version)
        elif kind == b"iinf":
            meta.kinds = _kinds(body, version)
        elif kind == b"iprp":
            groups = list(_boxes(body))
            meta.properties = [entry for name, content in groups if name == b"ipco" for entry in _boxes(content)]
            meta.associations = _associations([content for name, content in groups if name == b"ipma"])
    return meta


def _kinds(body: bytes, version: int) -> dict[int, bytes]:
    kinds = {}
    for name, entry in _boxes(body, 8 if version else 6):
        wide = 2 if integer(entry, 0, 1) > 2 else 0
        if name == b"infe":
            kinds[integer(entry, 4, 2 + wide)] = entry[8 + wide : 12 + wide]
    return kinds


def _associations(bodies: list[bytes]) -> dict[int, list[int]]:
    found = {}
    for body in bodies:
        id_size, number_size = 4 if integer(body, 0, 1) else 2, 2 if integer(body, 3, 1) & 1 else 1
        essential = 0x80 << 8 * (number_size - 1)
        cursor = _Cursor(body, 4)
        for _ in range(cursor.take(4)):
            item = cursor.take(id_size)
            found[item] = [cursor.take(number_size) & ~essential for _ in range(cursor.take(1))]
    return found


def _locations(body: bytes, version: int) -> dict[int, tuple[int, list[tuple[int, int]]]]:
    sizes, more = integer(body, 4, 1), integer(body, 5, 1)
    offset_size, length_size, base_size = sizes >> 4, sizes & 15, more >> 4
    index_size = more & 15 if version else 0
    cursor = _Cursor(body, 6)
    found = {}
    for _ in range(cursor.take(4 if version > 1 else 2)):
        item = cursor.take(4 if version > 1 else 2)
        method = cursor.take(2) & 15 if version else _IN_FILE
        cursor.take(2)
        base, pieces = cursor.take(base_size), []
        for _ in range(cursor.take(2)):
            cursor.take(index_size)
            pieces.append((base + cursor.take(offset_size), cursor.take(length_size)))
        found[item] = method, pieces
    return found


class _Cursor:
    """Big-endian unsigned integers one after the other."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def take(self, length: int) -> int:
        """The next integer; raises CorruptMedia at the end of the data."""
        value = integer(self._data, self._position, length)
        self._position += length
        return value


def _boxes(data: bytes, position: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each box; raises CorruptMedia where one does not end within the data."""
    while position + 8 <= len(data):
        size, start = integer(data, position, 4), position + 8
        if size == 1:
            size, start = integer(data, start, 8), start + 8
        end = position + size if size else len(data)
        if end > len(data) or end < start:
            raise CorruptMedia("truncated: the data end within an AVIF box")
        yield data[position + 4 : position + 8], data[start:end]
        position = end
