"""What there is to scan: a folder, a glob, a manifest, an archive, or a URL of any of them."""

import fnmatch
import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hashmatch.backfill.archives import is_archive, members
from hashmatch.backfill.item import EXCLUDED, Item
from hashmatch.backfill.manifests import is_manifest, rows
from hashmatch.backfill.storage import file_system, is_url, local_location, local_path, persist
from hashmatch.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Source:
    """Where the media are, and which of them are wanted."""

    location: str
    """A path or URL: of a folder, for all files below it but hidden ones; of a glob; of a manifest, by its ending
    .csv, .jsonl, .ndjson or .parquet, the first three maybe followed by .gz; or of one file."""
    column: str = "location"
    """The column of a manifest that holds the locations."""
    exclude: tuple[str, ...] = ()
    """Patterns, as of a shell, of locations that are skipped; `*` matches across `/`."""

    def items(self, besides: Path | None = None) -> Iterator[Item]:
        """Everything, in an order that is the same as long as nothing changes; an archive stands for what is in it.

        `besides` is a folder that is left out, for a scan that writes below what it reads. Raises ConfigurationError
        where the source is not there or cannot be listed.
        """
        try:
            yield from self._items(besides)
        except OSError as error:
            raise ConfigurationError(f"{self.location} cannot be listed: {error}") from error

    def _items(self, besides: Path | None) -> Iterator[Item]:
        found = rows(self.location, self.column) if is_manifest(self.location) else files(self.location, besides)
        for item in found:
            each = members(item.location) if not item.reason and is_archive(item.location) else (item,)
            for one in each:
                yield replace(one, reason=EXCLUDED) if self._excluded(one.location) else one

    def _excluded(self, location: str) -> bool:
        return any(fnmatch.fnmatchcase(location, pattern) for pattern in self.exclude)


def files(location: str, besides: Path | None = None) -> Iterator[Item]:
    """The files at a path or URL of a folder, a glob or a file; as `Source.items`, but each as it is."""
    return _at_url(location) if is_url(location) else _at_path(location, besides)


def _at_path(location: str, besides: Path | None) -> Iterator[Item]:
    path = local_path(location)
    if path.is_dir():
        return _below(str(path), besides.resolve() if besides else None)
    if path.exists():
        return iter([_of(str(path))])
    if glob.has_magic(location):
        found = sorted(glob.glob(location, recursive=True))  # noqa: PTH207 - absolute or not, as it is given
        if found:
            return (item for name in found for item in _at_path(name, besides))
    raise ConfigurationError(f"there is nothing at {location}")


def _below(folder: str, besides: Path | None) -> Iterator[Item]:
    """The files below a folder, a folder's own before those of its folders; links to folders are not followed."""
    unlisted: list[Item] = []

    def fail(error: OSError) -> None:
        name = local_location(str(error.filename))
        unlisted.append(Item(name, reason=f"UNREADABLE_MEDIA: cannot be listed: {error.strerror}"))

    for parent, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if _wanted(parent, name, besides))
        for name in sorted(files):
            path = os.path.join(parent, name)  # noqa: PTH118 - a Path for each of millions costs as much as the walk
            if not name.startswith(".") and (os.path.isfile(path) or not os.path.exists(path)):  # noqa: PTH110, PTH113
                yield _of(path)
        yield from unlisted
        unlisted.clear()


def _wanted(parent: str, name: str, besides: Path | None) -> bool:
    return not name.startswith(".") and (besides is None or Path(parent, name).resolve() != besides)


def _of(path: str) -> Item:
    try:
        size = os.stat(path).st_size  # noqa: PTH116
    except OSError:
        size = None  # reading it will say why
    return Item(local_location(path), size)


def _at_url(url: str) -> Iterator[Item]:
    system, path = file_system(url)
    if glob.has_magic(path):
        found = persist(lambda: system.glob(path, detail=True))
        return _objects(system, [found[name] for name in sorted(found)])
    if persist(lambda: system.isdir(path)):
        return _walk(system, path)
    if persist(lambda: system.exists(path)):
        return _objects(system, [persist(lambda: system.info(path))])
    raise ConfigurationError(f"there is nothing at {url}")


def _walk(system: Any, path: str) -> Iterator[Item]:
    """As `_below`, folder by folder, so that no more than one folder's listing is held."""
    listed = sorted(persist(lambda: system.ls(path, detail=True)), key=lambda entry: str(entry["name"]))
    yield from _objects(system, [entry for entry in listed if not _hidden(entry)])
    for entry in listed:
        if entry["type"] == "directory" and not _hidden(entry) and entry["name"].rstrip("/") != path.rstrip("/"):
            yield from _walk(system, entry["name"])


def _objects(system: Any, listed: Sequence[Any]) -> Iterator[Item]:
    for entry in listed:
        if entry["type"] == "file" and not entry["name"].endswith("/"):
            yield Item(system.unstrip_protocol(entry["name"]), entry.get("size"))


def _hidden(entry: Any) -> bool:
    return str(entry["name"]).rstrip("/").rpartition("/")[2].startswith(".")
