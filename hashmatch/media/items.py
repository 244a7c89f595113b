"""The items of a still picture in an ISO base media file, such as AVIF and HEIC (ISO/IEC 14496-12, 23008-12)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hashmatch.errors import CorruptMedia, UnsupportedMedia
from hashmatch.media.picture import integer

IN_FILE, IN_META = 0, 1
"""Where an item's data are counted from."""


@dataclass(slots=True)
class Items:
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

    def data(self, item: int, file: bytes) -> bytes:
        """An item's data; raises CorruptMedia where they are not all there, UnsupportedMedia where they are others'."""
        method, pieces = self.extents[item]
        if method not in (IN_FILE, IN_META):
            raise UnsupportedMedia("a picture whose items are made of other items' data is not supported")
        source = file if method == IN_FILE else self.idat
        if any(start + length > len(source) for start, length in pieces):
            raise CorruptMedia("truncated: the picture's data lie outside the file")
        return b"".join(source[start : start + length if length else None] for start, length in pieces)


def read_items(data: bytes) -> Items | None:
    """The items of a file; None where it has no box of them. Raises CorruptMedia."""
    box = next((body for kind, body in _boxes(data) if kind == b"meta"), None)
    return None if box is None else _read_meta(box)


def _read_meta(box: bytes) -> Items:
    meta = Items()
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
        method = cursor.take(2) & 15 if version else IN_FILE
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
            raise CorruptMedia("truncated: the data end within a box")
        yield data[position + 4 : position + 8], data[start:end]
        position = end
