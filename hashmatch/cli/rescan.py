"""`hashmatch backfill rescan`: kept hashes matched against what is new in the banks."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import os
import re
from typing import TYPE_CHECKING, Final

import typer

from hashmatch.cli.backfill_options import (
    Address,
    EngineName,
    Entries,
    Hashes,
    Logs,
    MaxMatches,
    Nice,
    On,
    Out,
    RescanBanks,
    SinceRevision,
    Threshold,
    Where,
    Workers,
)
from hashmatch.cli.backfill_report import explained, need_extra, tell_report
from hashmatch.cli.common import AsJson, Connection
from hashmatch.cli.inputs import Kind, parse_hash
from hashmatch.cli.objects import emit, row_object
from hashmatch.types import PDQ

if TYPE_CHECKING:
    from hashmatch.backfill import RescanOptions

RESCAN_HELP: Final = """Match what is new in the banks against hashes that are kept.

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
    engine: On = EngineName.LOCAL,
    address: Address = "",
    as_json: AsJson = False,
) -> None:
    """`RESCAN_HELP` says it all."""
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
        workers=workers,
        where=backfill.Where(backfill.Engine(engine), address),
        timeout=connection.timeout,
        security=connection.security,
    )
    with explained(options.banks):
        _rescan(logs, out, options)
    if out:
        raise typer.Exit(tell_report(out, as_json))


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
