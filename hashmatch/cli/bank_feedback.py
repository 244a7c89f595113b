"""`hashmatch bank flagged`, `reports`, `reinstate` and `sources`: what was reported of matches, and what is done."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from hashmatch.cli.bank_policy import AnyBank, BankName
from hashmatch.cli.common import AsJson, Reason, connect
from hashmatch.cli.objects import emit, entry_object, report_object, source_object
from hashmatch.cli.output import print_table
from hashmatch.types import Action, Bank, Entry, EntryFilter, State

_FLAGGED: Final = EntryFilter(state=State.FLAGGED)


def flagged(
    context: typer.Context,
    name: AnyBank = "",
    as_json: AsJson = False,
) -> None:
    """List entries whose matches were reported as false, and that wait for 'reinstate' or 'remove'.

    Example: hashmatch bank flagged
    """
    with connect(context) as client:
        banks = [client.get_bank(name)[0]] if name else list(client.list_banks())
        listed = ((bank, entry) for bank in banks for entry in client.list_entries(bank.name, _FLAGGED))
        if as_json:
            for _, entry in listed:
                emit(entry_object(entry))
            return
        rows = [_row(bank, entry) for bank, entry in listed]
    columns = ("bank", "#entry", "kind", "content", "source", "#false", "#confirmed", "asks for")
    print_table(columns, rows, "" if rows else "nothing is flagged")


def reports(
    context: typer.Context,
    name: BankName,
    entry: Annotated[int, typer.Argument(metavar="ENTRY", min=1, help="The entry's number.")],
    as_json: AsJson = False,
) -> None:
    """List what was reported of one entry's matches: of which uploads, by whom, and why.

    Example: hashmatch bank reports known-bad 17
    """
    with connect(context) as client:
        listed = client.feedback.reports(name, entry)
        if as_json:
            for report in listed:
                emit(report_object(report))
            return
        rows = [
            (f"{each.time:%Y-%m-%d %H:%M}", each.reporter, each.content_id, each.finding.lower(), each.note)
            for each in listed
        ]
    print_table(("time (UTC)", "by", "upload", "found", "note"), rows, "" if rows else "nothing was reported")


def reinstate(
    context: typer.Context,
    name: BankName,
    entries: Annotated[list[int], typer.Argument(metavar="ENTRY", min=1, help="Numbers of flagged entries.")],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Let flagged entries match as before, all or none; 'flagged' lists them.

    It settles the reports that they are false. In a bank that wants two
    persons another than who added them must do it. If they are false indeed:
    'remove'.

    Example: hashmatch bank reinstate known-bad 17 --reason "looked at all reports"
    """
    with connect(context) as client:
        revision = client.feedback.reinstate(name, entries, reason=reason)
    if as_json:
        emit({"bank": name, "reinstated": entries, "revision": revision})
    else:
        typer.echo(f"reinstated {len(entries)} in {name} (revision {revision})")


def sources(context: typer.Context, name: BankName, as_json: AsJson = False) -> None:
    """List where a bank's entries come from, and how often matches were false; the falsest first.

    Example: hashmatch bank sources known-bad
    """
    with connect(context) as client:
        listed = sorted(client.feedback.sources(name), key=lambda each: -each.feedback.false)
    if as_json:
        for source in listed:
            emit(source_object(source))
        return
    rows = [(each.source, each.entries, each.flagged, each.feedback.false, each.feedback.confirmed) for each in listed]
    columns = ("source", "#entries", "#flagged", "#false", "#confirmed")
    print_table(columns, rows, "" if rows else "the bank has no entries")


def _row(bank: Bank, entry: Entry) -> tuple[object, ...]:
    demoted = entry.review_from is not None and entry.review_from <= datetime.now(UTC)
    asks, said = Action.REVIEW if demoted else bank.action, entry.provenance
    counts = entry.feedback.false, entry.feedback.confirmed
    return bank.name, entry.id, entry.hash.kind, said.content_id, said.source, *counts, asks
