"""The directory of a machine's segments: which files make up the index at which revision, and who may change that."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from hashmatch.index.container import Refused
from hashmatch.index.grouping import Run
from hashmatch.index.levels import Levels
from hashmatch.index.manifest import Listed, Manifest
from hashmatch.index.roster import Roster
from hashmatch.index.segment_file import Filed, read_segment, write_segment
from hashmatch.index.snapshot import Snapshot
from hashmatch.index.source import Source
from hashmatch.index.space import Space
from hashmatch.types import Progress

_MANIFEST: Final = "manifest"
_SUFFIX: Final = ".segment"
_LOCK: Final = "lock"
_PROGRESS: Final = "building"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class Base:
    """All entries at one revision, in files."""

    revision: int = 0
    roster: Roster = field(default_factory=Roster)
    filed: tuple[Filed, ...] = ()

    @property
    def snapshot(self) -> Snapshot:
        """The same, to be searched and to have newer changes applied to."""
        levels: dict[Space, Levels] = {}
        for each in self.filed:
            levels[each.space] = Levels((*levels.get(each.space, Levels()).base, each.segment))
        return Snapshot(self.revision, self.roster, levels)


class Directory:
    """One process's view of the directory, for one thread; any number of processes may read, one of them builds."""

    def __init__(self, path: Path) -> None:
        """Make the directory where it is missing; raises OSError."""
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._seen: object = None
        self._known: dict[str, Filed] = {}
        self._refused = False

    @property
    def refused(self) -> bool:
        """Whether there was something when `load` last looked, but nothing that can be trusted."""
        return self._refused

    def changed(self) -> bool:
        """Whether there is something that `load` has not looked at; it asks the file system."""
        return self._stamp() not in {None, self._seen}

    def load(self, source: Source) -> Base | None:
        """Check and map what there is; None where there is nothing, or nothing that can be trusted, which is logged.

        Files that were mapped before are not checked again. Raises what the source raises.
        """
        while True:
            stamp = self._stamp()
            try:
                base = None if stamp is None else self._read(source)
            except (Refused, OSError) as error:
                if self._stamp() != stamp:
                    continue  # a build has replaced them meanwhile
                _log.warning("segments refused", directory=str(self._path), error=str(error))
                base = None
            self._seen, self._refused = stamp, stamp is not None and base is None
            self._known = {each.name: self._known[each.name] for each in base.filed} if base else {}
            return base

    def write(self, space: Space, runs: Sequence[Run]) -> Filed:
        """Make a segment of the entries of runs, none of them empty; nothing refers to it until it is published."""
        name = secrets.token_hex(8) + _SUFFIX
        write_segment(self._path / name, space, runs)
        return read_segment(self._path / name)

    def publish(self, base: Base, token: str) -> None:
        """Make `base` what every process loads next, at once or not at all; delete what it does not refer to."""
        Manifest.write(self._path / _MANIFEST, base.revision, token, base.roster, base.filed)
        self._clean({each.name for each in base.filed})

    @contextmanager
    def building(self) -> Iterator[int | None]:
        """Yield a descriptor that holds the lock on building, for a child to inherit; None where another has it."""
        descriptor = os.open(self._path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield descriptor
        finally:
            os.close(descriptor)

    def report(self, progress: Progress | None) -> None:
        """Tell every process of the machine how far a build has come, None once there is none."""
        path = self._path / _PROGRESS
        if progress is None:
            path.unlink(missing_ok=True)
            return
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(astuple(progress)))
        temporary.rename(path)

    def progress(self) -> Progress | None:
        """How far the build that is under way has come; None where there is none."""
        try:
            return Progress(*json.loads((self._path / _PROGRESS).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _read(self, source: Source) -> Base:
        manifest = Manifest.read(self._path / _MANIFEST)
        if not manifest.token or source.token(manifest.revision) != manifest.token:
            raise Refused(f"they are of another database, or it was put back to before revision {manifest.revision}")
        return Base(manifest.revision, manifest.roster, tuple(self._segment(listed) for listed in manifest.files))

    def _segment(self, listed: Listed) -> Filed:
        """A listed file's segment without what was removed; all of it is kept in mind for the next manifest."""
        if listed.name not in self._known:
            try:
                self._known[listed.name] = read_segment(self._path / listed.name)
            except Refused as error:
                raise Refused(f"{listed.name}: {error}") from error
        whole = self._known[listed.name]
        if whole.digest != listed.digest:
            raise Refused(f"{listed.name} is not the file that was written")
        return replace(whole, segment=whole.segment.without_rows(listed.removed)) if len(listed.removed) else whole

    def _stamp(self) -> object:
        """What changes with every manifest; None where there is none."""
        try:
            facts = (self._path / _MANIFEST).stat()
        except OSError:
            return None
        return facts.st_ino, facts.st_mtime_ns, facts.st_size

    def _clean(self, wanted: set[str]) -> None:
        for path in self._path.iterdir():
            if path.suffix in {_SUFFIX, ".tmp"} and path.name not in wanted:
                path.unlink(missing_ok=True)
