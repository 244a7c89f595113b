"""A snapshot in a directory of files that say all of themselves: no database vouches for them, and none is asked."""

from pathlib import Path
from typing import Final

from hashmatch.index.directory import Base, Directory
from hashmatch.index.snapshot import Snapshot
from hashmatch.types import Change

_SAYS: Final = "exported"


class _Nowhere:
    """A history that vouches for exported files, and knows of nothing after them."""

    def head(self) -> int:
        return 0

    def changes(self, after: int) -> tuple[int, list[Change]]:
        return after, []

    def pending(self, after: int) -> int:  # noqa: ARG002 - a Source has it
        return 0

    def token(self, revision: int) -> str:  # noqa: ARG002 - a Source has it
        return _SAYS


def export(snapshot: Snapshot, path: Path) -> None:
    """Write all entries and banks of a snapshot; what is there is replaced at once, or not at all. Raises OSError."""
    directory = Directory(path)
    filed = [
        directory.write(space, [segment.run for segment in levels.segments if segment.size])
        for space, levels in snapshot.levels.items()
        if levels.size
    ]
    directory.publish(Base(snapshot.revision, snapshot.roster, tuple(filed)), _SAYS)


def is_exported(path: Path) -> bool:
    """Whether a path looks like a directory of files of an index, exported or a server's."""
    return (path / "manifest").is_file()


def load_exported(path: Path) -> Snapshot | None:
    """Check and map what was exported; None, which is logged, where it is damaged or was not exported."""
    base = Directory(path).load(_Nowhere())
    return None if base is None else base.snapshot
