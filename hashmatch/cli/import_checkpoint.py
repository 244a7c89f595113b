"""How far the import of a file has come, kept beside no file and trusted for nothing but to save time."""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from hashmatch.errors import ConfigurationError
from hashmatch.lists import BEGINNING, Position

_READ_AT_ONCE = 2**20


@dataclass(frozen=True, slots=True)
class Reached:
    """How far an import has come: everything before `position` is in the bank, or was left out."""

    position: Position = BEGINNING
    digest: str = ""
    """SHA-256 of the file's bytes before the position; empty where it is not a file."""
    batches: int = 0
    imported: int = 0
    """Rows that are in the bank."""
    left_out: int = 0
    """Rows that could not be added."""
    entry: int = 0
    """The number of the entry added last; 0 where none was."""
    revision: int = 0
    """The revision that added it."""


class Checkpoint:
    """A file in the user's cache directory, named after what is imported, from where, and to where."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, *what: object) -> Self:
        """The checkpoint of one import, which `what` tells from all others; raises ConfigurationError."""
        try:
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        except RuntimeError as error:
            raise ConfigurationError("this user has no home: name a directory in XDG_CACHE_HOME") from error
        name = hashlib.sha256(repr(what).encode(errors="surrogateescape")).hexdigest()
        return cls(cache / "hashmatch" / "imports" / f"{name}.json")

    def load(self) -> Reached | None:
        """What was saved last; None where nothing was, or it cannot be read."""
        try:
            reached = Reached(**json.loads(self._path.read_bytes()))
            return replace(reached, position=Position(*map(int, reached.position)))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, reached: Reached) -> None:
        """Replace what was saved, whole or not at all; a cache that cannot be written is none."""
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(f".{os.getpid()}")
            new.write_text(json.dumps(asdict(reached)))
            new.replace(self._path)


class Prefix:
    """The beginning of a file, whose digest grows with it; to be asked for places further and further on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def digest(self, offset: int) -> str:
        """SHA-256, in hexadecimal, of the bytes before `offset`; empty where the file has not so many."""
        while (missing := offset - self._file.tell()) > 0:
            data = self._file.read(min(missing, _READ_AT_ONCE))
            if not data:
                return ""
            self._digest.update(data)
        return self._digest.hexdigest()
