"""`hashmatch bank import`: millions of hashes from a file into a bank."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

from typing import TYPE_CHECKING, Annotated, Final

import typer

from hashmatch.cli.common import AsJson, Code, Connection, Reason, connect
from hashmatch.cli.import_order import Order
from hashmatch.cli.objects import emit
from hashmatch.cli.output import complain
from hashmatch.lists import Format, Unsaid
from hashmatch.types import PDQ

if TYPE_CHECKING:
    from hashmatch.cli.import_run import Import


HELP: Final = """Import a file of known hashes into a bank.

Formats, all of them read as a stream, and told from one another by the
first line unless --format says which:

csv: UTF-8 with a header. Columns, in any order: hash (hexadecimal; the
only one that must be there), quality (0 to 100), kind, content_id, source,
labels (separated by ;), note, programme, reported and expires (moments in
ISO 8601), and of a video's frame shown_from and shown_until
(microseconds); others are ignored. Without a header, as PDQ's own tools
write it: hash,quality,content_id.

jsonl: an object a line, its keys named as csv's columns; labels an array.

list: one hexadecimal hash a line.

vpdq: one video, as vPDQ's own tools write it: frame number, quality, hash,
seconds. Needs --content-id.

binary: the bare bytes of the hashes, 32 each for pdq; must be named.

Bad rows are left out, told with their line numbers (the first 20, then how
many more; with --json all of them), and the exit code is 3. Good rows
around them are imported.

After an interruption, give the same command again: it goes on where it
ended, and no row is written twice, even after a crash of either side. Rows
appended to a file that was imported are all that is imported next time.
Where rows imported before were changed in the file, it says so and imports
nothing; --strict stops before that, so that a row can be mended and the
import go on.

How far a file has come is noted in ~/.cache/hashmatch/imports (or
$XDG_CACHE_HOME). Without that note, or with --anew, the file is sent from
its beginning; the server knows by their content the batches that it was
sent in the last 7 days, and does not write them again. After that, or for
batches that have changed, rows are written a second time. Entries removed
from the bank do not come back while their batch is known.

Where the bank wants another person's approval, or would grow too fast, the
rows wait for it as one batch, 'import FILE': see 'hashmatch bank pending'.

Example: hashmatch bank import known-bad hashes.csv --source hotline
"""


def import_file(  # noqa: PLR0913, PLR0917 - one parameter for each option
    context: typer.Context,
    bank: Annotated[str, typer.Argument(metavar="BANK", help="The bank's name.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - for standard input.")],
    form: Annotated[Format | None, typer.Option("--format", help="Unless set, the first line tells.")] = None,
    kind: Annotated[str, typer.Option(help="Kind of the hashes that do not say it.")] = PDQ,
    source: Annotated[str, typer.Option(help="Source of the rows that do not say it.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="Label of the rows that have none; may be repeated.")] = None,
    content_id: Annotated[str, typer.Option(help="Content id of the rows that do not say it: a video's name.")] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first bad row, writing nothing of its batch of 5,000.")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Begin at the file's beginning, wherever an earlier import ended.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for a server that went away meanwhile.")
    ] = 300.0,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """`HELP` says it all."""
    from hashmatch import hashing
    from hashmatch.cli.import_run import Import

    if kind not in hashing.KINDS:
        raise typer.BadParameter(f"{kind!r} is not one of {', '.join(hashing.KINDS)}", param_hint="--kind")
    connection: Connection = context.obj
    order = Order(
        server=connection.server,
        bank=bank,
        name=file,
        form=form,
        unsaid=Unsaid(kind, source, tuple(label or ()), content_id),
        strict=strict,
        anew=anew,
        patience=wait,
        reason=reason,
    )
    with connect(context) as client:
        client.get_bank(bank)
        job = Import(client, order, _tell if as_json else None)
        job.run()
    _report(order, job, as_json)
    whole = job.complete and not job.reached.left_out
    raise typer.Exit(Code.DONE if whole else Code.NOT_SCANNED)


def _tell(line: int, problem: str) -> None:
    emit({"line": line, "error": problem})


def _report(order: Order, job: "Import", as_json: bool) -> None:
    reached = job.reached
    if as_json:
        facts = {"imported": reached.imported, "left_out": reached.left_out, "revision": reached.revision}
        waiting = {"waiting": job.waiting} if job.waiting else {}
        emit({"bank": order.bank, "file": order.name, **facts, **waiting, "complete": job.complete})
        return
    left_out = f", {reached.left_out:,} left out" if reached.left_out else ""
    stopped = "" if job.complete else f"; stopped after line {reached.position.line:,}"
    rows = "1 row" if reached.imported == 1 else f"{reached.imported:,} rows"
    typer.echo(f"imported {rows} into {order.bank}{left_out} (revision {reached.revision}){stopped}")
    if job.waiting:
        complain(f"{job.waiting:,} rows wait for another person's approval: see 'hashmatch bank pending {order.bank}'")
