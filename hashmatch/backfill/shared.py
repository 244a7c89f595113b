"""The banks of a job in files of one machine: made by the process that comes first, and mapped by all of them."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hashmatch.errors import ConfigurationError
from hashmatch.index import Snapshot, export, is_exported, load_exported

_LOCK: Final = ".lock"
"""Shared by all that map the files."""
_MAKING: Final = ".making"
"""Held by the one that looks whether they are there, and makes them."""
_LEFT_SECONDS: Final = 3600.0
"""So old a lock that nobody holds is of a job that has ended, or was killed."""


@contextmanager
def shared(name: str, load: Callable[[], Snapshot]) -> Iterator[Snapshot]:
    """What `load` returns, once a machine and job; the files are deleted with the last process that maps them.

    Where that was killed, whichever job comes next deletes them. Raises what `load` raises, and ConfigurationError.
    """
    folder = _folder()
    _sweep(folder, name)
    place = folder / name
    with place.with_suffix(_LOCK).open("ab") as lock:
        with place.with_suffix(_MAKING).open("ab") as making:
            fcntl.flock(making, fcntl.LOCK_EX)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if not is_exported(place):
                _make(place, load)
        snapshot = load_exported(place)
        if snapshot is None:
            raise ConfigurationError(f"the banks in {place} are damaged: delete it")
        try:
            yield snapshot
        finally:
            _delete_if_last(place, lock.fileno())


def _make(place: Path, load: Callable[[], Snapshot]) -> None:
    try:
        export(load(), place)
    except OSError as error:
        raise ConfigurationError(f"the banks cannot be kept in {place}: {error.strerror}") from error


def _folder() -> Path:
    """A folder of temporary files that is this user's alone."""
    folder = Path(tempfile.gettempdir()) / f"hashmatch-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o77 or not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder of this user's alone")
    return folder


def _delete_if_last(place: Path, lock: int) -> None:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(place, ignore_errors=True)


def _sweep(folder: Path, besides: str) -> None:
    """Delete what jobs left that were killed."""
    for path in folder.glob(f"*{_LOCK}"):
        with suppress(OSError):
            if path.stem == besides or time.time() - path.stat().st_mtime < _LEFT_SECONDS:
                continue
            with path.open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.with_suffix(_MAKING).unlink(missing_ok=True)
                path.unlink()
