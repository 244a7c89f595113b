"""`hashmatch index`: the files of the index, without a server."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hashmatch.cli.common import configured

if TYPE_CHECKING:
    from hashmatch.settings import Settings

app = typer.Typer(name="index", help="The files that servers of this machine map.", no_args_is_help=True)


@app.command()
def build(
    data_dir: Annotated[
        Path | None, typer.Option(envvar="HASHMATCH_DATA_DIR", help="As for 'hashmatch serve'.", show_default=False)
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(envvar="HASHMATCH_DATABASE_URL", help="As for 'hashmatch serve'.", show_default=False)
    ] = None,
    background: Annotated[bool, typer.Option(hidden=True, help="For a server, which holds the lock.")] = False,
) -> None:
    """Build the files of the index from the database.

    A server does so by itself; this prepares them before one starts, for
    example after a restore. It may be interrupted, and then goes on from what
    it has finished.

    Example: hashmatch index build --data-dir ./hashmatch-data
    """
    from hashmatch.settings import Settings

    flags = {"data_dir": data_dir, "database_url": database_url}
    settings = configured(lambda: Settings(**{name: value for name, value in flags.items() if value is not None}))  # type: ignore[arg-type]
    if background:
        from hashmatch.server.building import build_in_background

        build_in_background(settings)
    else:
        typer.echo(f"the files are at revision {_shown(settings)}")


def _shown(settings: "Settings") -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Shown

    from hashmatch.server.building import build_files
    from hashmatch.types import Progress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Shown(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task("reading")

        def report(progress: Progress) -> None:
            shown.update(task, description=progress.stage, completed=progress.done, total=progress.total)

        return build_files(settings, report)
