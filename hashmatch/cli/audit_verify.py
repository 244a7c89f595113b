"""`hashmatch audit verify`: the database against its log."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hashmatch.cli.common import AsJson, Code, DatabaseUrl, DataDir, opened_store
from hashmatch.cli.objects import emit
from hashmatch.cli.output import complain
from hashmatch.errors import ConfigurationError

if TYPE_CHECKING:
    from hashmatch.store import Store
    from hashmatch.tlog import Checkpoint
    from hashmatch.types import AuditReport

PublicKey = Annotated[
    str | None,
    typer.Option(
        "--key", envvar="HASHMATCH_AUDIT_PUBLIC_KEY", help="The public key by which checkpoints must be signed."
    ),
]


def verify(
    checkpoints: Annotated[
        list[Path] | None, typer.Option("--checkpoint", metavar="FILE", help="A checkpoint kept; may be repeated.")
    ] = None,
    public_key: PublicKey = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Compare the database with its log, and the log with itself and with checkpoints that were kept.

    It replays the log from its beginning and compares every row of the
    tables, so that any edit, deletion, insertion or exchange past the log is
    found, in the log and in the tables. What was cut off the log's end
    together with its effects, or written wholly anew, only a checkpoint
    from before tells. Servers may run meanwhile. The exit code is 0 where
    all is as the log says, and else 6.

    Example: hashmatch audit verify --data-dir ./hashmatch-data --checkpoint checkpoints/2026-01-31
    """
    known = [read_checkpoint(file, public_key) for file in checkpoints or ()]
    with opened_store(data_dir, database_url) as store:
        report = _shown(store, known)
    if as_json:
        emit(
            {
                "records": report.size,
                "rows": report.rows,
                "checkpoint": report.checkpoint,
                "problems": list(report.problems),
                "problem_count": report.problem_count,
            }
        )
    else:
        for problem in report.problems:
            complain(problem)
        if report.problem_count > len(report.problems):
            complain(f"{report.problem_count - len(report.problems):,} more")
        outcome = f"{report.problem_count:,} problems" if report.problem_count else "all as the log says"
        typer.echo(f"{report.size:,} records, {report.rows:,} rows, {len(known)} checkpoints: {outcome}")
    raise typer.Exit(Code.TAMPERED if report.problem_count else Code.DONE)


def read_checkpoint(file: Path, public_key: str | None) -> "Checkpoint":
    """A checkpoint that was kept; raises ConfigurationError for its file, and InvalidInput for what it holds."""
    try:
        note = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the checkpoint in {file}") from error
    return believed(note, public_key)


def believed(note: str, public_key: str | None) -> "Checkpoint":
    """A checkpoint, signed by a key where one is given; raises InvalidInput."""
    from hashmatch.tlog import Checkpoint, VerifyingKey

    return Checkpoint.parse(note) if public_key is None else VerifyingKey.parse(public_key).check(note)


def _shown(store: "Store", known: "list[Checkpoint]") -> "AuditReport":
    """Verify, with a bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Shown

    from hashmatch.types import Progress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Shown(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task("reading the log")

        def report(progress: Progress) -> None:
            shown.update(task, description=progress.stage, completed=progress.done, total=progress.total)

        return store.audit.verify(known, report)
