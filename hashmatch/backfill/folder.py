"""Where a job keeps what it has done: files that appear whole, durably, or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from hashmatch.backfill.storage import file_system, is_url, local_path, persist
from hashmatch.errors import AlreadyExists, ConfigurationError

_UNFINISHED = ".unfinished"


class Folder(Protocol):
    """Files by name, `/` between folders. Every method raises OSError."""

    where: str
    """The folder's URL or absolute path, the same from any working directory."""

    def names(self, below: str) -> list[str]:
        """The names of the files in one folder, sorted, without the folder; none where there is no such folder."""

    def get(self, name: str) -> bytes | None:
        """The content of a file; None where there is none."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, at any position."""

    def put(self, name: str, content: bytes) -> None:
        """Make or replace a file: after a crash it is there as it was or as it is now, whole; on return it is durable.

        In an object store a file is one object, which appears whole by the store's own promise.
        """

    def delete(self, name: str) -> None:
        """Remove a file; nothing where there is none."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes away while the context lasts, where that is possible; raises AlreadyExists."""


def open_folder(where: str) -> Folder:
    """The folder at a path or a URL, which need not be there yet; raises ConfigurationError."""
    return ObjectFolder(where) if is_url(where) else LocalFolder(local_path(where))


class LocalFolder:
    """A folder of a local or mounted file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path.absolute())

    def names(self, below: str) -> list[str]:
        place = self.path / below
        if not place.is_dir():
            return []
        return sorted(name for name in os.listdir(place) if not name.endswith(_UNFINISHED))  # noqa: PTH208 - names

    def get(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def open(self, name: str) -> BinaryIO:
        return (self.path / name).open("rb")

    def put(self, name: str, content: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync(path.parent)

    def delete(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes of this machine away, and sweep what killed ones left; raises AlreadyExists.

        The folder is made where it is missing; raises ConfigurationError where it cannot be.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be a folder: {error.strerror}") from error
        with (self.path / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyExists(f"another process is at work in {self.path}") from None
            for left in self.path.rglob(f".*{_UNFINISHED}"):
                left.unlink(missing_ok=True)
            yield


class ObjectFolder:
    """A prefix of an object store."""

    def __init__(self, url: str) -> None:
        self.where = url
        self._system, path = file_system(url)
        self._path = path.rstrip("/")

    def names(self, below: str) -> list[str]:
        place = f"{self._path}/{below}"
        try:
            listed: list[Any] = persist(lambda: self._system.ls(place, detail=False))
        except FileNotFoundError:
            return []
        return sorted(str(name).rstrip("/").rpartition("/")[2] for name in listed if str(name).rstrip("/") != place)

    def get(self, name: str) -> bytes | None:
        try:
            return persist(lambda: cast("bytes", self._system.cat_file(f"{self._path}/{name}")))
        except FileNotFoundError:
            return None

    def open(self, name: str) -> BinaryIO:
        return cast("BinaryIO", persist(lambda: self._system.open(f"{self._path}/{name}", "rb")))

    def put(self, name: str, content: bytes) -> None:
        persist(lambda: self._system.pipe_file(f"{self._path}/{name}", content))

    def delete(self, name: str) -> None:
        try:
            persist(lambda: self._system.rm_file(f"{self._path}/{name}"))
        except FileNotFoundError:
            return

    @contextmanager
    def alone(self) -> Iterator[None]:
        """An object store has no locks: whoever runs one job twice at once does its work twice, to the same end."""
        yield


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
