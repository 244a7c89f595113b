"""`hashmatch backfill`: stored media scanned, and what came of it."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hashmatch.cli.backfill_options import (
    Address,
    Bandwidth,
    Column,
    DryRun,
    EngineName,
    Exclude,
    HashOnly,
    Nice,
    On,
    Out,
    PartItems,
    Readers,
    RetryFailed,
    Source,
    Where,
    Workers,
)
from hashmatch.cli.backfill_report import explained, need_extra, tell_report
from hashmatch.cli.common import AsJson, Code, Connection, configured
from hashmatch.cli.inputs import Kinds, Sandboxed, check_kinds
from hashmatch.cli.match import Banks, OriginalOrientationOnly, WholeImageOnly
from hashmatch.cli.objects import emit
from hashmatch.cli.rescan import RESCAN_HELP, rescan
from hashmatch.cli.videos import AllFrames, Every, Keyframes, video_options
from hashmatch.types import MatchOptions, Sandbox

if TYPE_CHECKING:
    from hashmatch.backfill import ScanOptions

_HELP: Final = """Scan stored media, and match what was scanned again.

A backfill is recorded in a folder: after any interruption, give the same
command again, and it goes on where it ended.

Exit codes: 0 all was scanned, 3 some items failed (their rows say why, and
--retry-failed tries them again), 130 interrupted, and those of hashmatch.
"""
_SCAN_HELP: Final = """Hash and look up all media of a source.

SOURCE is a folder (all files below it but hidden ones), a glob, a manifest
(.csv, .jsonl, .ndjson or .parquet, with a column of locations and maybe one
of content ids), an archive (.tar, .tar.gz, .zip...), or a URL of any of
these that fsspec knows, such as s3://bucket/prefix. An archive stands for
the files in it, wherever it is found. Credentials come from the environment.

DIR, a path or URL, receives Parquet files under rows/: one row for each hash
of an item, one for each frame of a video that was looked at, after one that
says what was found of it, and one with a reason for each item that failed.

The source is listed once, at the beginning; a listing of more than ten
million objects is better given as a manifest.

Example: hashmatch backfill scan photos/ --out scanned/
"""

app = typer.Typer(name="backfill", help=_HELP, no_args_is_help=True)


@app.command("scan", help=_SCAN_HELP)
def scan(  # noqa: PLR0913, PLR0917 - one parameter for each option
    context: typer.Context,
    source: Source,
    out: Out = "",
    banks: Where = "",
    hash_only: HashOnly = False,
    bank: Banks = None,
    kind: Kinds = None,
    original_orientation_only: OriginalOrientationOnly = False,
    whole_image_only: WholeImageOnly = False,
    every: Every = 1.0,
    keyframes: Keyframes = False,
    all_frames: AllFrames = False,
    column: Column = "location",
    exclude: Exclude = None,
    part_items: PartItems = 10_000,
    workers: Workers = 0,
    readers: Readers = 0,
    bandwidth: Bandwidth = 0.0,
    nice: Nice = 10,
    sandbox: Sandboxed = Sandbox.ON,
    engine: On = EngineName.LOCAL,
    address: Address = "",
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """`_SCAN_HELP` says it all."""
    backfill = need_extra()
    said = partial(
        backfill.ScanOptions,
        banks="" if hash_only else banks or context.obj.server,
        **_reached(context.obj),
        where=backfill.Where(backfill.Engine(engine), address),
        workers=workers,
        match=_match(bank, kind, original_orientation_only, whole_image_only),
        video=video_options((), every, keyframes, all_frames, ()),
        column=column,
        exclude=tuple(exclude or ()),
        part_items=part_items,
        readers=readers,
        bytes_a_second=bandwidth * 1e6 or None,
        sandbox=sandbox,
    )
    options = configured(said)
    os.nice(nice)
    with explained(options.banks):
        code = _estimate(source, options, as_json) if dry_run else _scan(source, out, options, retry_failed, as_json)
    raise typer.Exit(code)


app.command("rescan", help=RESCAN_HELP)(rescan)


@app.command("report")
def report(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder of a backfill.")], as_json: AsJson = False
) -> None:
    """Tell what a backfill has come to, finished or not.

    Example: hashmatch backfill report scanned/
    """
    need_extra()
    raise typer.Exit(tell_report(folder, as_json))


@app.command("export-banks")
def export_banks(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Where the files go; those of an earlier export go.")],
    banks: Where = "",
) -> None:
    """Write the banks into checksummed files, for 'scan --banks DIR' where no server or database can be reached.

    All processes of a machine that scan map the same files. They are the
    banks as they are now: to have newer ones, export again.

    Example: hashmatch backfill export-banks banks/ --banks bank-host:50051
    """
    need_extra()
    from hashmatch.backfill.banks import export

    where = banks or context.obj.server
    with explained(where):
        written = export(where, Path(folder), **_reached(context.obj))
    count = sum(written.entries.values())
    typer.echo(f"{count:,} entries of {len(written.banks):,} banks at revision {written.revision}")


def _reached(connection: Connection) -> dict[str, Any]:
    return {"timeout": connection.timeout, "security": connection.security}


def _match(bank: list[str] | None, kind: list[str] | None, original: bool, whole: bool) -> MatchOptions:
    return MatchOptions(
        banks=tuple(bank or ()), all_orientations=not original, all_views=not whole, kinds=check_kinds(kind or ())
    )


def _scan(source: str, out: str, options: "ScanOptions", retry_failed: bool, as_json: bool) -> Code:
    if not out:
        raise typer.BadParameter("name the folder of the job", param_hint="--out")
    from hashmatch import backfill
    from hashmatch.cli.backfill_bar import bar

    act = backfill.retry_failed if retry_failed else backfill.scan
    with bar("trying again" if retry_failed else "scanning") as watch:
        for _ in act(source, out, options, watch):
            pass
    return tell_report(out, as_json)


def _estimate(source: str, options: "ScanOptions", as_json: bool) -> Code:
    from hashmatch import backfill
    from hashmatch.cli.backfill_bar import bar

    with bar("sampling") as watch:
        found = backfill.estimate(source, options, watch)
    failed = sum(found.sample.failed.values())
    if as_json:
        emit(
            {
                "found": found.found,
                "bytes": found.bytes,
                "seconds": round(found.seconds, 3),
                "items_a_second": round(found.items_a_second, 3),
                "sampled": found.sample.found,
                "failed": failed,
                "failed_by_reason": dict(found.sample.failed),
                "matched": found.sample.matched,
            }
        )
        return Code.DONE
    hours, rest = divmod(round(found.seconds), 3600)
    typer.echo(
        f"{found.found:,} found, some {found.bytes / 1e9:,.1f} GB: about {hours:,} h {rest // 60} min {rest % 60} s "
        f"at {found.items_a_second:,.0f} items/s with {options.where.workers(options.workers)} workers\n"
        f"of {found.sample.found:,} sampled, {failed:,} failed and {found.sample.matched:,} matched"
    )
    return Code.DONE
