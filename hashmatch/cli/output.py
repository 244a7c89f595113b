"""What people read: tables, lines and progress; colour and movement on a terminal only."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from hashmatch.types import Verdict

_T = TypeVar("_T")

NOT_SCANNED = "NOT SCANNED"
_PIPE_WIDTH = 160
"""Columns of a table that is not printed on a terminal."""
_STYLES = {Verdict.BLOCK: "bold red", Verdict.REVIEW: "yellow", Verdict.ALLOW: "green", NOT_SCANNED: "bold magenta"}


def printable(text: str) -> str:
    """The text with all that a terminal might act upon replaced: names and notes come from strangers."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def complain(message: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"hashmatch: {printable(message)}\n")


def console() -> Console:
    """Standard output, as wide as the terminal."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> None:
    """Print rows under columns, those whose name begins with # aligned to the right, and a last line."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            column.removeprefix("#"), justify="right" if column.startswith("#") else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(printable(str(cell))) for cell in row))
    target = console()
    target.print(table)
    if caption:
        target.print(Text(f"\n{printable(caption)}"))


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line."""
    console().print(facts_table(facts))


def facts_table(facts: Iterable[tuple[str, object]]) -> Table:
    """Names and values, one pair a line."""
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, Text(printable(str(value))))
    return table


def verdict_text(verdict: str) -> Text:
    """A verdict, or that there is none, in its colour."""
    return Text(verdict, style=_STYLES.get(verdict, ""))


def progress(items: Iterable[_T], total: int, what: str, streaming: bool) -> Iterator[_T]:
    """Yield the items while a bar, as of `bars`, counts them."""
    with bars(streaming) as shown:
        yield from shown.track(items, total=total, description=what)


@contextmanager
def bars(streaming: bool) -> Iterator[Progress]:
    """Bars on standard error, where that is a terminal.

    `streaming` says that results go to standard output meanwhile: on a terminal they then are the progress.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    visible = sys.stderr.isatty() and not (streaming and sys.stdout.isatty())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=not visible) as shown:
        yield shown
