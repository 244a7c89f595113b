"""Which files make up the index at which revision, which of their entries were removed, and the banks then."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from hashmatch.index.container import Refused, new_file, read_file
from hashmatch.index.roster import Roster
from hashmatch.index.segment_file import Filed
from hashmatch.types import Bank

_BANKS: Final = TypeAdapter(dict[int, Bank])


@dataclass(frozen=True, eq=False, slots=True)
class Listed:
    """One file of a manifest."""

    name: str
    digest: str
    removed: NDArray[np.uint32]
    """Rows of the entries that were removed."""


@dataclass(frozen=True, eq=False, slots=True)
class Manifest:
    """A file that names others; whichever process reads it finds all of them, or none that it names."""

    revision: int
    token: str
    """The revision's, in the database that the files were built from."""
    roster: Roster
    files: Sequence[Listed]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Check and read one; raises Refused, and OSError where it cannot be read."""
        stored = read_file(path)
        try:
            roster = Roster(_BANKS.validate_json(stored.arrays["banks"].tobytes()))
            listed: list[dict[str, Any]] = json.loads(stored.arrays["files"].tobytes())
            files = [
                Listed(each["name"], each["digest"], stored.arrays[f"removed.{number}"])
                for number, each in enumerate(listed)
            ]
            return cls(stored.meta["revision"], stored.meta["token"], roster, files)
        except (KeyError, ValueError) as error:
            raise Refused(f"it is no manifest that this program can read: {error}") from error

    @staticmethod
    def write(path: Path, revision: int, token: str, roster: Roster, filed: Sequence[Filed]) -> None:
        """Write one in the place of the one before, at once or not at all; raises OSError."""
        banks = _BANKS.dump_json(dict(roster.by_slot))
        listed = json.dumps([{"name": each.name, "digest": each.digest} for each in filed]).encode()
        with new_file(path, {"revision": revision, "token": token}) as file:
            file.add("banks", [np.frombuffer(banks, dtype=np.uint8)])
            file.add("files", [np.frombuffer(listed, dtype=np.uint8)])
            for number, each in enumerate(filed):
                file.add(f"removed.{number}", [np.flatnonzero(~each.segment.live).astype(np.uint32)])
