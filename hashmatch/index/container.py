"""Arrays in a file that is whole or is refused: checksummed to the last byte, and mapped, not read, once checked.

    offset   bytes
    0        8       magic
    8        4       version, little-endian as everything
    12       4       length n of the JSON text
    16       n       JSON: size of the file, digest of all that follows the header, arrays by name, and `meta`
    16 + n           zeros
    16368    16      XXH3-128 of the header up to here
    16384            the arrays in order, each at a multiple of 4096; zeros between them

A file is checked as a whole, by reading it once, before anything is answered from it: at 10 GB/s and more that takes a
fraction of a second for ten million entries, and the pages are needed in memory anyway. Nothing is checked again while
it is mapped; a file that is cut off under a running process ends that process (SIGBUS), and is refused at its restart.
"""

import json
import mmap
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

MAGIC: Final = b"hashmtch"
VERSION: Final = 2
"""To be raised whenever what is written changes its meaning; files of another version are refused."""

_FIXED: Final = struct.Struct("<8sII")
_HEADER: Final = 16_384
_DIGEST: Final = 16
_ALIGNMENT: Final = 4096
_READ_AT_ONCE: Final = 2**22


class Refused(Exception):
    """A file is damaged, cut off, of another version, or not what it is taken for; the message says which."""


@dataclass(frozen=True, eq=False, slots=True)
class Stored:
    """What a file holds; the arrays are read-only views of it, and stay valid after it is deleted."""

    meta: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    digest: str
    """Of all arrays, in hexadecimal."""


class ArrayWriter:
    """Appends arrays to a file, never holding more than a part of one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._arrays: dict[str, tuple[str, list[int], int]] = {}
        self._size = _HEADER
        self._digest = xxh3_128()
        stream.seek(_HEADER)

    def add(self, name: str, parts: Iterable[NDArray[Any]]) -> None:
        """Append an array, given as one or more parts of one type, to be put together along their first axis."""
        self._write(bytes(-self._size % _ALIGNMENT))
        first, rows = self._size, 0
        for part in parts:
            rows, kind, rest = rows + len(part), part.dtype.str, part.shape[1:]
            self._write(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        self._arrays[name] = (kind, [rows, *rest], first)

    def finish(self, meta: Mapping[str, Any]) -> None:
        """Write the header; nothing may be added afterwards."""
        said = {"size": self._size, "digest": self._digest.hexdigest(), "arrays": self._arrays, "meta": meta}
        text = json.dumps(said).encode()
        header = (_FIXED.pack(MAGIC, VERSION, len(text)) + text).ljust(_HEADER - _DIGEST, b"\0")
        if len(header) > _HEADER - _DIGEST:
            raise ValueError(f"a header of {len(header):,} bytes is too long")
        self._stream.seek(0)
        self._stream.write(header + xxh3_128(header).digest())

    def _write(self, data: "bytes | memoryview") -> None:
        self._stream.write(data)
        self._digest.update(data)
        self._size += len(data)


@contextmanager
def new_file(path: Path, meta: Mapping[str, Any]) -> Iterator[ArrayWriter]:
    """Yield what arrays are to be added to; once the block has ended, the file is there, whole and on the disk.

    Until then there is only a file with the suffix `.tmp`, which is removed where the block raises. Raises OSError.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as stream:
            writer = ArrayWriter(stream)
            yield writer
            writer.finish(meta)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Put the names in a directory on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_file(path: Path) -> Stored:
    """Check a file and map it; raises Refused, and OSError where it cannot be read."""
    with path.open("rb") as stream:
        said = _header(stream)
        if os.fstat(stream.fileno()).st_size != said["size"]:
            raise Refused("its size is not what its header says")
        if _digest_of_rest(stream) != said["digest"]:
            raise Refused("its checksum is not what its header says")
        mapped = mmap.mmap(stream.fileno(), said["size"], mmap.MAP_SHARED, mmap.PROT_READ)
    whole = np.frombuffer(mapped, dtype=np.uint8)
    whole[:: mmap.PAGESIZE].max()  # now, without the GIL, and not while the first queries wait for each page
    return Stored(said["meta"], {name: _view(whole, *place) for name, place in said["arrays"].items()}, said["digest"])


def _header(stream: BinaryIO) -> dict[str, Any]:
    header = stream.read(_HEADER)
    if len(header) < _HEADER:
        raise Refused("it is shorter than a header")
    magic, version, length = _FIXED.unpack_from(header)
    if magic != MAGIC:
        raise Refused("it is no file of hashmatch")
    if version != VERSION:
        raise Refused(f"it is of version {version}, and this program reads {VERSION}")
    if xxh3_128(header[:-_DIGEST]).digest() != header[-_DIGEST:]:
        raise Refused("its header is damaged")
    said: dict[str, Any] = json.loads(header[_FIXED.size : _FIXED.size + length])
    return said


def _digest_of_rest(stream: BinaryIO) -> str:
    """The digest of what was not yet read; it is not mapped for that, so that resident memory does not grow."""
    digest, buffer = xxh3_128(), bytearray(_READ_AT_ONCE)
    view = memoryview(buffer)
    os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    while count := stream.readinto(buffer):  # type: ignore[attr-defined]  # a file that is opened as bytes has it
        digest.update(view[:count])
    return digest.hexdigest()


def _view(whole: NDArray[np.uint8], kind: str, shape: list[int], first: int) -> NDArray[Any]:
    size = np.dtype(kind).itemsize * int(np.prod(shape))
    return whole[first : first + size].view(kind).reshape(shape)
