"""`hashmatch bank pending`, `approve`, `reject` and `try`: what waits for another person, and what becomes of it."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hashmatch.cli.bank_policy import AnyBank, BankName
from hashmatch.cli.common import AsJson, Connection, Reason, connect
from hashmatch.cli.objects import batch_object, emit
from hashmatch.cli.output import print_table
from hashmatch.types import Batch, Decided

if TYPE_CHECKING:
    from hashmatch.client import Client

BatchName = Annotated[str, typer.Option("--batch", help="All of this batch, as 'pending' names it.")]
Numbers = Annotated[list[int] | None, typer.Argument(metavar="ENTRY", min=1, help="Numbers of entries that wait.")]


def pending(
    context: typer.Context,
    name: AnyBank = "",
    as_json: AsJson = False,
) -> None:
    """List what waits for approval; 'show BANK --state PENDING' lists the entries.

    Example: hashmatch bank pending known-bad
    """
    with connect(context) as client:
        if as_json:
            for batch in client.list_batches(name):
                emit(batch_object(batch))
            return
        rows = [_row(batch) for batch in client.list_batches(name)]
    columns = ("bank", "batch", "by", "since", "why", "#pending", "#matching", "review until")
    print_table(columns, rows, "" if rows else "nothing waits for approval")


def approve(
    context: typer.Context,
    name: BankName,
    entries: Numbers = None,
    batch: BatchName = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Let entries match that another person has added, one by one or a batch at once.

    Who added them cannot; 'try' shows beforehand what they would have matched.

    Example: hashmatch bank approve known-bad --batch "import list.csv" --reason "checked 20 of them"
    """
    _decide(context, name, entries, batch, lambda client: client.approve, ("approved", reason, as_json))


def reject(
    context: typer.Context,
    name: BankName,
    entries: Numbers = None,
    batch: BatchName = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Remove entries that another person has added, one by one or a batch at once; they are kept, with the reason.

    Example: hashmatch bank reject known-bad 17 18 --reason "holiday pictures"
    """
    _decide(context, name, entries, batch, lambda client: client.reject, ("rejected", reason, as_json))


def _decide(
    context: typer.Context,
    name: str,
    entries: Sequence[int] | None,
    batch: str,
    verb: "Callable[[Client], Callable[..., Decided]]",
    said: tuple[str, str, bool],
) -> None:
    if bool(entries) == bool(batch):
        raise typer.BadParameter("name entries, or a batch with --batch", param_hint="ENTRY")
    done, reason, as_json = said
    count = 0
    with connect(context) as client:
        while True:
            decided = verb(client)(name, batch or entries or (), reason=reason)
            count += decided.count
            if not decided.remaining or not decided.count:
                break
    if as_json:
        emit({"bank": name, done: count, "revision": decided.revision})
    else:
        typer.echo(f"{done} {count:,} in {name} (revision {decided.revision})")


def try_(
    context: typer.Context,
    name: BankName,
    logs: Annotated[list[str], typer.Argument(metavar="LOG", help="A folder of the service's hash log, or of scans.")],
    batch: BatchName = "",
    days: Annotated[int, typer.Option(min=0, help="Only the last so many days of a hash log; 0 for all of it.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Show what entries that wait would have matched among recent hashes, before they are approved.

    Nothing is changed. Hashes are compared as 'hashmatch backfill rescan' does.

    Example: hashmatch bank try known-bad /var/log/hashmatch --batch "import list.csv"
    """
    from hashmatch.cli.backfill_report import explained, need_extra

    need_extra()
    from hashmatch import backfill
    from hashmatch.cli.bank_trial import Trial

    connection: Connection = context.obj
    options = backfill.RescanOptions(
        banks=connection.server,
        wanted=backfill.Wanted(banks=(name,), waiting=True, batch=batch),
        timeout=connection.timeout,
        security=connection.security,
    )
    with explained(options.banks):
        trial = Trial(options)
        trial.run(logs, days)
    trial.tell(as_json=as_json)


def _row(batch: Batch) -> tuple[Any, ...]:
    until = f"{batch.review_from:%Y-%m-%d %H:%M}" if batch.review_from else ""
    since = f"{batch.created:%Y-%m-%d %H:%M}"
    return batch.bank, batch.name, batch.author, since, batch.hold.lower(), batch.pending, batch.unreviewed, until
