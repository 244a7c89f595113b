"""The progress of a backfill: items and their rate, the time left, matches, and failures by reason."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from hashmatch.backfill import Counts, Report, Watch

_REASONS = 3


@contextmanager
def bar(what: str) -> Iterator[Watch]:
    """Whoever is to be told how a backfill goes on; it draws on standard error, where that is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[items]}, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}"),
    )
    shown = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        disable=not sys.stderr.isatty(),
        speed_estimate_period=120,
    )
    with shown:
        drawing = _Drawing(shown, shown.add_task("listing", total=None, items="", rate=0.0, told=""), what)
        yield Watch(drawing.listed, drawing.begin, drawing.batch)


class _Drawing:
    """Adds batches up and shows the sum."""

    def __init__(self, shown: Progress, task: TaskID, what: str) -> None:
        self._shown = shown
        self._task = task
        self._what = what
        self._counts = Counts()
        self._began = time.monotonic()
        self._before = 0
        self._total = 0

    def listed(self, found: int) -> None:
        self._shown.update(self._task, items=f"{found:,} found", rate=found / (time.monotonic() - self._began))

    def begin(self, report: Report) -> None:
        self._counts.add(report.counts)
        self._before = report.counts.found
        self._total = report.found
        self._began = time.monotonic()
        self._shown.update(self._task, description=self._what, total=report.found)
        self.batch(Counts())

    def batch(self, counts: Counts) -> None:
        self._counts.add(counts)
        done = self._counts.found
        rate = (done - self._before) / max(time.monotonic() - self._began, 1e-9)
        items = f"{done:,} of {self._total:,}" if self._total else f"{done:,}"
        self._shown.update(self._task, completed=done, items=items, rate=rate, told=_told(self._counts))


def _told(counts: Counts) -> str:
    told = [f"{counts.matched:,} matched"] if counts.matched else []
    told += [f"{count:,} {reason}" for reason, count in counts.failed.most_common(_REASONS)]
    return ", ".join(told)
