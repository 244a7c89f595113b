"""The progress of an import: rows and their rate, and the time left by the bytes of the file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hashmatch.cli.import_checkpoint import Reached


@contextmanager
def bar(size: int | None, start: Reached) -> Iterator[Callable[[Reached], None]]:
    """A function to call with how far the import has come, of a file of `size` bytes where that is known.

    It draws on standard error, where that is a terminal.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    began, rows = time.monotonic(), start.imported + start.left_out
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, disable=not sys.stderr.isatty()
    ) as shown:
        task = shown.add_task("importing", total=size, completed=start.position.offset, rows=rows, rate=0.0)

        def show(reached: Reached) -> None:
            done = reached.imported + reached.left_out
            rate = (done - rows) / max(time.monotonic() - began, 1e-9)
            shown.update(task, completed=reached.position.offset, rows=done, rate=rate)

        yield show
