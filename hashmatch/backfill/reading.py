"""What is read of an item: an image's bytes, or a video as an open file, which need not fit the memory."""

import os
import stat
import tempfile
from typing import IO, BinaryIO, Final, TypeAlias

from hashmatch.backfill.storage import file_system, is_url, local_path, persist
from hashmatch.errors import EmptyMedia, MediaError, MediaTooLarge, MediaUnreadable
from hashmatch.media.container import HEAD, is_moving
from hashmatch.settings import MediaLimits

Media: TypeAlias = bytes | IO[bytes]
"""A file is to be closed by whom it is given to."""
Content: TypeAlias = Media | MediaError

_AT_ONCE: Final = 2**20


def read(location: str, size: int | None, limits: MediaLimits) -> Media:
    """The media at a path or URL, of `size` where that is known; raises MediaError, and MediaTooLarge for a limit."""
    try:
        media = _read_url(location, size, limits) if is_url(location) else _read_path(location, limits)
    except OSError as error:
        raise MediaUnreadable(f"cannot be read: {error.strerror or error or type(error).__name__}") from error
    except ValueError as error:  # a name that no file can have
        raise MediaUnreadable(f"cannot be read: {error}") from error
    if isinstance(media, bytes) and not media:
        raise EmptyMedia("no bytes")
    return media


def read_stream(stream: IO[bytes], size: int | None, limits: MediaLimits) -> Media:
    """The media that a stream gives, of `size` where that is known: a video in a temporary file without a name.

    Raises MediaTooLarge for a limit, and what the stream raises.
    """
    head = stream.read(HEAD)
    if not is_moving(head):
        data = head + stream.read(max(0, limits.max_media_bytes + 1 - len(head)))
        if len(data) > limits.max_media_bytes:
            raise MediaTooLarge("max_media_bytes", limits.max_media_bytes, max(len(data), size or 0))
        return data
    kept: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whom it is given to
    try:
        kept.write(head)
        while part := stream.read(_AT_ONCE):
            kept.write(part)
            _check(max(kept.tell(), size or 0), "max_video_bytes", limits.max_video_bytes)
        kept.flush()
    except BaseException:
        kept.close()
        raise
    return kept


def size_of(media: Media) -> int:
    """Bytes."""
    return len(media) if isinstance(media, bytes) else os.fstat(media.fileno()).st_size


def _read_path(location: str, limits: MediaLimits) -> Media:
    descriptor = os.open(local_path(location), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not block us
    file: BinaryIO = open(descriptor, "rb")  # noqa: PTH123, SIM115 - of a descriptor; closed below or by the caller
    try:
        size = _size_of_file(descriptor)
        if is_moving(os.pread(descriptor, HEAD, 0)):
            _check(size, "max_video_bytes", limits.max_video_bytes)
            return file
        _check(size, "max_media_bytes", limits.max_media_bytes)
        data = file.read(size)
    except BaseException:
        file.close()
        raise
    file.close()
    return data


def _size_of_file(descriptor: int) -> int:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise MediaUnreadable("cannot be read: not a file")
    return found.st_size


def _read_url(url: str, size: int | None, limits: MediaLimits) -> Media:
    system, path = file_system(url)
    if size is None:
        size = persist(lambda: system.size(path))
    most = max(limits.max_media_bytes, limits.max_video_bytes)
    if size is not None and size > most:
        raise MediaTooLarge("max_media_bytes", most, size)
    if size is not None and size <= limits.max_media_bytes:
        data: bytes = persist(lambda: system.cat_file(path))  # one request, and most items are images
        if not is_moving(data[:HEAD]) and len(data) <= limits.max_media_bytes:
            return data

    def streamed() -> Media:
        with system.open(path, "rb") as stream:
            return read_stream(stream, size, limits)

    return persist(streamed)


def _check(size: int, limit: str, most: int) -> None:
    if size > most:
        raise MediaTooLarge(limit, most, size)
