"""Builds the files of segments from the history of the banks: first what is new, then fewer and larger ones."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.changes import Outcome
from hashmatch.index.directory import Base, Directory
from hashmatch.index.grouping import Run
from hashmatch.index.levels import runs, worn
from hashmatch.index.segment_file import Filed
from hashmatch.index.source import Source
from hashmatch.index.space import Space  # noqa: TC001 - annotates what is evaluated
from hashmatch.types import Progress

MOST_GATHERED: Final = 2**21
"""New entries in memory at once, some 300 bytes each; more become several files, which are merged at the end."""


def build(source: Source, directory: Directory, report: Callable[[Progress], None] = lambda _: None) -> int:
    """Bring the files up to the source's head as it is now; returns their revision. The caller holds the lock.

    What is there and can be trusted is gone on from; a build that is broken off at any point loses the file it was
    writing at most. The largest segment of the result takes some 80 bytes an entry of memory beyond its own file.
    Raises what the source raises, and OSError where the files cannot be written.
    """
    base = directory.load(source) or Base()
    head, total = source.head(), source.pending(base.revision)
    done = 0

    def read(count: int) -> None:
        nonlocal done
        done += count
        report(Progress("reading", done, max(done, total)))

    read(0)
    while True:
        gathered = _Gathered(base)
        gathered.gather(source, head, read)
        last = gathered.complete
        base = _merged(gathered, directory, report) if last else _appended(gathered, directory)
        directory.publish(base, source.token(base.revision))
        if last:
            return base.revision


class _Gathered:
    """A base, and what changed since: marks in its segments, and entries that are in no file yet."""

    def __init__(self, base: Base) -> None:
        self.revision = base.revision
        self.roster = base.roster
        self.filed = list(base.filed)
        self.new: dict[Space, list[Run]] = defaultdict(list)
        self.complete = False
        """Whether all changes up to the head were taken; the last revisions may be of writes that changed no bank."""

    def gather(self, source: Source, head: int, on_read: Callable[[int], None]) -> None:
        """Take changes up to a revision, or until there are too many for the memory."""
        count = 0
        while not self.complete and count < MOST_GATHERED:
            reached, changes = source.changes(self.revision)
            self.complete = reached == self.revision or reached >= head
            self.revision = reached
            outcome = Outcome.of(self.roster, changes)
            self._remove(outcome)
            self.roster = outcome.roster
            for space, run in outcome.runs():
                self.new[space].append(run)
                count += len(run)
            on_read(len(changes))

    def _remove(self, outcome: Outcome) -> None:
        ids = np.fromiter(outcome.removed, dtype=np.int64, count=len(outcome.removed))
        slots = list(outcome.freed)
        if not len(ids) and not slots:
            return
        for at, each in enumerate(self.filed):
            segment = each.segment.without_ids(ids)
            self.filed[at] = replace(each, segment=segment.without_slots(slots) if slots else segment)
        for space, parts in self.new.items():
            self.new[space] = [kept for part in parts if len(kept := _without(part, ids, slots))]


def _without(run: Run, ids: NDArray[np.int64], slots: list[int]) -> Run:
    gone = np.isin(run.columns.ids, ids) | np.isin(run.columns.slots, slots)
    if not gone.any():
        return run
    rows = np.flatnonzero(~gone)
    return Run(run.codes[rows], run.columns.take(rows))


def _appended(gathered: _Gathered, directory: Directory) -> Base:
    """Each space's new entries in a file of their own."""
    written = [directory.write(space, parts) for space, parts in gathered.new.items() if parts]
    return Base(gathered.revision, gathered.roster, (*gathered.filed, *written))


def _merged(gathered: _Gathered, directory: Directory, report: Callable[[Progress], None]) -> Base:
    """The new entries in files, and few files: their sizes fall fast, and none has many that were removed."""
    plans = []
    spaces = dict.fromkeys([*(each.space for each in gathered.filed), *gathered.new])
    for space in spaces:
        filed = [each for each in gathered.filed if each.space == space and each.segment.size]
        plans += [(space, *plan) for plan in _plan(filed, gathered.new.get(space, []))]
    total = sum(_size(old, new) for _, old, new in plans if not _stays(old, new))
    done = 0
    report(Progress("writing", 0, total))
    kept: list[Filed] = []
    for space, old, new in plans:
        if _stays(old, new):
            kept += old
            continue
        kept.append(directory.write(space, [*(each.segment.run for each in old), *new]))
        done += _size(old, new)
        report(Progress("writing", done, total))
    return Base(gathered.revision, gathered.roster, tuple(kept))


def _plan(filed: Sequence[Filed], new: list[Run]) -> list[tuple[list[Filed], list[Run]]]:
    """What is to become one file each: segments, and of the last one the new entries too."""
    sizes = [each.segment.size for each in filed] + ([sum(map(len, new))] if new else [])
    cut = [(list(filed[part]), new if part.stop > len(filed) else []) for part in runs(sizes)]
    return [(old, fresh) for old, fresh in cut if old or fresh]


def _stays(old: Sequence[Filed], new: Sequence[Run]) -> bool:
    return len(old) == 1 and not new and not worn(old[0].segment)


def _size(old: Sequence[Filed], new: Sequence[Run]) -> int:
    return sum(each.segment.size for each in old) + sum(map(len, new))
