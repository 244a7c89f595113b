"""`hashmatch backfill`: stored media scanned, and what came of it."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hashmatch.cli.backfill_options import (
    Bandwidth,
    Column,
    DryRun,
    Entries,
    Exclude,
    Hashes,
    HashOnly,
    Logs,
    MaxMatches,
    Nice,
    Out,
    PartItems,
    Readers,
    RescanBanks,
    RetryFailed,
    SinceRevision,
    Source,
    Threshold,
    Where,
    Workers,
)
from hashmatch.cli.common import AsJson, Code, Connection, configured
from hashmatch.cli.inputs import Kind, Kinds, Sandboxed, check_kinds, parse_hash
from hashmatch.cli.match import Banks, OriginalOrientationOnly, WholeImageOnly
from hashmatch.cli.objects import emit, row_object
from hashmatch.errors import ConfigurationError, Unavailable
from hashmatch.types import PDQ, MatchOptions, Sandbox

if TYPE_CHECKING:
    from hashmatch.backfill import RescanOptions, ScanOptions

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
of an item, and one with a reason for each item that failed. The source is
listed once, at the beginning; a listing of more than ten million objects is
better given as a manifest.

Example: hashmatch backfill scan photos/ --out scanned/
"""

_RESCAN_HELP: Final = """Match what is new in the banks against hashes that are kept.

LOG is the folder of a scan or of the service's hash log, or any Parquet file
or folder of them with columns kind and hash. Nothing is decoded again. What
is looked for are the entries added since a revision (a scan's report says at
which it looked up), those of a bank, single ones, or hashes in no bank. Asked
of a database or a data directory, --since-revision looks also for the entries
of banks whose policy has changed since.

Hashes are compared as they were logged, in their stored orientation.

The rows that match are Parquet in DIR, as of a scan, and resumable; without
--out they are JSON lines on standard output.

Example: hashmatch backfill rescan scanned/ --since-revision 812 --out found/
Where has it been seen: hashmatch backfill rescan log/ --entry known-bad/4711
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
    column: Column = "location",
    exclude: Exclude = None,
    part_items: PartItems = 10_000,
    workers: Workers = 0,
    readers: Readers = 0,
    bandwidth: Bandwidth = 0.0,
    nice: Nice = 10,
    sandbox: Sandboxed = Sandbox.ON,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """`_SCAN_HELP` says it all."""
    need_extra()
    from hashmatch import backfill
    from hashmatch.settings import MediaLimits

    connection: Connection = context.obj
    os.nice(nice)
    options = backfill.ScanOptions(
        banks="" if hash_only else banks or connection.server,
        match=_match(bank, kind, original_orientation_only, whole_image_only),
        column=column,
        exclude=tuple(exclude or ()),
        part_items=part_items,
        workers=workers or len(os.sched_getaffinity(0)),
        readers=readers,
        bytes_a_second=bandwidth * 1e6 or None,
        limits=configured(MediaLimits),
        sandbox=sandbox,
        timeout=connection.timeout,
    )
    with _explained(options.banks):
        if dry_run:
            return _estimate(source, options, as_json)
        _scan(source, out, options, retry_failed)
    raise typer.Exit(_report(out, as_json))


@app.command("report")
def report(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder of a backfill.")], as_json: AsJson = False
) -> None:
    """Tell what a backfill has come to, finished or not.

    Example: hashmatch backfill report scanned/
    """
    need_extra()
    raise typer.Exit(_report(folder, as_json))


@app.command("rescan", help=_RESCAN_HELP)
def rescan(  # noqa: PLR0913, PLR0917 - one parameter for each option
    context: typer.Context,
    logs: Logs,
    since_revision: SinceRevision = None,
    bank: RescanBanks = None,
    entry: Entries = None,
    asked: Hashes = None,
    kind: Kind = PDQ,
    threshold: Threshold = 31,
    out: Out = "",
    banks: Where = "",
    max_matches: MaxMatches = 100,
    workers: Workers = 0,
    nice: Nice = 10,
    as_json: AsJson = False,
) -> None:
    """`_RESCAN_HELP` says it all."""
    need_extra()
    from hashmatch import backfill

    if since_revision is None and not (bank or entry or asked):
        raise typer.BadParameter("say what to look for: --since-revision, --bank, --entry or --hash")
    connection: Connection = context.obj
    os.nice(nice)
    options = backfill.RescanOptions(
        banks=banks or connection.server,
        wanted=backfill.Wanted(since_revision or 0, tuple(bank or ()), tuple(map(_entry, entry or ()))),
        hashes=tuple(parse_hash(text, kind=kind) for text in asked or ()),
        threshold=threshold,
        max_matches=max_matches,
        workers=workers or len(os.sched_getaffinity(0)),
        timeout=connection.timeout,
    )
    with _explained(options.banks):
        _rescan(logs, out, options)
    if out:
        raise typer.Exit(_report(out, as_json))


def need_extra() -> None:
    """Raises ConfigurationError where what a backfill needs is not installed."""
    from importlib.util import find_spec

    if missing := [name for name in ("fsspec", "pyarrow", "s3fs") if find_spec(name) is None]:
        raise ConfigurationError(f"{', '.join(missing)} is not installed: pip install 'hashmatch[backfill]'")


def _match(bank: list[str] | None, kind: list[str] | None, original: bool, whole: bool) -> MatchOptions:
    return MatchOptions(
        banks=tuple(bank or ()), all_orientations=not original, all_views=not whole, kinds=check_kinds(kind or ())
    )


@contextmanager
def _explained(banks: str) -> Iterator[None]:
    """Says where the banks were looked for in vain."""
    try:
        yield
    except Unavailable as error:
        if not error.message.startswith("UNAVAILABLE: "):
            raise
        where = f"no server answers at {banks}: start one with 'hashmatch serve'"
        raise Unavailable(f"{where}, name another place with --banks, or give --hash-only") from error


def _scan(source: str, out: str, options: "ScanOptions", retry_failed: bool) -> None:
    if not out:
        raise typer.BadParameter("name the folder of the job", param_hint="--out")
    from hashmatch import backfill
    from hashmatch.cli.backfill_bar import bar

    act = backfill.retry_failed if retry_failed else backfill.scan
    with bar("trying again" if retry_failed else "scanning") as watch:
        for _ in act(source, out, options, watch):
            pass


def _entry(name: str) -> tuple[str, int]:
    found = re.fullmatch(r"(?:banks/)?([^/]+)/(?:entries/)?([0-9]{1,18})", name)
    if found is None:
        raise typer.BadParameter(f"{name!r} is not BANK/NUMBER", param_hint="--entry")
    return found[1], int(found[2])


def _rescan(logs: list[str], out: str, options: "RescanOptions") -> None:
    from hashmatch import backfill
    from hashmatch.cli.backfill_bar import bar

    with bar("rescanning") as watch:
        for table in backfill.rescan(logs, out or None, options, watch):
            for row in () if out else table.to_pylist():
                emit(row_object(row))


def _report(out: str, as_json: bool) -> Code:
    from hashmatch import backfill

    found = backfill.report(backfill.open_folder(out)).to_object()
    if as_json:
        emit(found)
    else:
        typer.echo(_told(found))
    if not found["complete"]:
        return Code.NOT_SCANNED
    return Code.NOT_SCANNED if found["failed"] else Code.DONE


def _told(found: dict[str, Any]) -> str:
    state = "complete" if found["complete"] else "not complete: give the scan's command again to go on"
    lines = [f"{found['found']:,} found, in {found['parts_done']:,} of {found['parts']:,} parts; {state}"]
    lines += [f"{found[name]:>14,} {name}" for name in ("scanned", "failed", "skipped", "pending", "matched")]
    lines += [f"{count:>14,} failed: {reason}" for reason, count in found["failed_by_reason"].items()]
    lines += [f"{count:>14,} verdict {verdict}" for verdict, count in found["verdicts"].items()]
    lines += [f"{count:>14,} matched in {bank}" for bank, count in found["matched_by_bank"].items()]
    if found["revisions"]:
        first, last = found["revisions"]
        lines.append(f"looked up at revision {first}" + (f" to {last}" if last != first else ""))
    return "\n".join(lines)


def _estimate(source: str, options: "ScanOptions", as_json: bool) -> None:
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
        return
    hours, rest = divmod(round(found.seconds), 3600)
    typer.echo(
        f"{found.found:,} found, some {found.bytes / 1e9:,.1f} GB: about {hours:,} h {rest // 60} min {rest % 60} s "
        f"at {found.items_a_second:,.0f} items/s with {options.workers} workers\n"
        f"of {found.sample.found:,} sampled, {failed:,} failed and {found.sample.matched:,} matched"
    )
