"""Tar and zip archives as streams: what is in them, and the bytes of it, without unpacking anything to disk."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import IO, Final, cast

from hashmatch.backfill.item import Item
from hashmatch.backfill.reading import Content, read_stream
from hashmatch.backfill.storage import open_file
from hashmatch.errors import EmptyMedia, MediaTooLarge, MediaUnreadable
from hashmatch.settings import MediaLimits

DAMAGED: Final = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)
"""What reading a damaged archive raises; RuntimeError besides, where a zip is encrypted."""
REASON: Final = "CORRUPT_ARCHIVE"

_TAR: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_ZIP: Final = (".zip",)


def is_archive(location: str) -> bool:
    """Whether a location is named as an archive is."""
    return location.lower().endswith((*_TAR, *_ZIP))


def members(archive: str) -> Iterator[Item]:
    """The files of an archive in its order; what keeps the rest from being listed is a last, failed item."""
    try:
        yield from _zip_members(archive) if _is_zip(archive) else _tar_members(archive)
    except (*DAMAGED, RuntimeError) as error:
        yield Item(archive, reason=f"{REASON}: {error}")


def contents(archive: str, items: Iterable[Item], limits: MediaLimits) -> Iterator[tuple[Item, Content]]:
    """The media of items of one archive, which are in its order, or why there are none: one for each.

    A tar is read once from its beginning, a zip where its members are. A member beyond a limit is not read, nor one
    that has a reason not to be.
    """
    wanted = iter(items)
    try:
        yield from _zip_contents(archive, wanted, limits) if _is_zip(archive) else _tar(archive, wanted, limits)
    except (*DAMAGED, RuntimeError) as error:
        failure = MediaUnreadable(f"the archive cannot be read: {error}")
    else:
        failure = MediaUnreadable("the archive has changed since it was listed")
    for item in wanted:
        yield item, failure


def _is_zip(archive: str) -> bool:
    return archive.lower().endswith(_ZIP)


def _item(archive: str, scheme: str, name: str, size: int, member: int) -> Item:
    shown = name.encode(errors="backslashreplace").decode()
    return Item(f"{scheme}://{shown}::{archive}", size, archive=archive, member=member)


def _zip_members(archive: str) -> Iterator[Item]:
    with open_file(archive) as file, zipfile.ZipFile(file) as opened:
        for number, info in enumerate(opened.infolist()):
            if not info.is_dir():
                yield _item(archive, "zip", info.filename, info.file_size, number)


def _tar_members(archive: str) -> Iterator[Item]:
    with open_file(archive) as file, closing(tarfile.open(fileobj=file, mode="r|*")) as opened:
        for number, info in enumerate(_each(opened)):
            if info.isreg():
                yield _item(archive, "tar", info.name, info.size, number)


def _each(opened: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The entries of a stream, forgetting each: the list that tarfile keeps would grow with the archive."""
    while (info := opened.next()) is not None:
        yield info
        opened.members.clear()  # type: ignore[attr-defined]  # left out of the stubs


def _zip_contents(archive: str, wanted: Iterator[Item], limits: MediaLimits) -> Iterator[tuple[Item, Content]]:
    with open_file(archive) as file, zipfile.ZipFile(file) as opened:
        infos = opened.infolist()
        for item in wanted:
            if item.reason:
                yield item, b""
                continue
            try:
                with opened.open(infos[item.member]) as member:
                    content = _content(item, member, limits)
            except (*DAMAGED, RuntimeError, IndexError) as error:
                content = MediaUnreadable(f"cannot be read from the archive: {error}")
            yield item, content


def _tar(archive: str, wanted: Iterator[Item], limits: MediaLimits) -> Iterator[tuple[Item, Content]]:
    with open_file(archive) as file, closing(tarfile.open(fileobj=file, mode="r|*")) as opened:
        entries = enumerate(_each(opened))
        for item in wanted:
            if item.reason:
                yield item, b""
                continue
            info = next((info for number, info in entries if number == item.member), None)
            if info is None:
                yield item, MediaUnreadable("the archive has changed since it was listed")
                return
            try:
                content = _content(item, cast("tarfile.ExFileObject", opened.extractfile(info)), limits)
            except DAMAGED as error:
                content = MediaUnreadable(f"cannot be read from the archive: {error}")
            yield item, content


def _content(item: Item, member: IO[bytes], limits: MediaLimits) -> Content:
    try:
        return read_stream(member, item.size, limits) or EmptyMedia("no bytes")
    except MediaTooLarge as error:
        return error
