"""`hashmatch bank`: the banks of known hashes and their policy."""

import sys
from typing import Annotated

import typer

from hashmatch.cli.add import add
from hashmatch.cli.bank_approval import approve, pending, reject, try_
from hashmatch.cli.bank_entries import print_entries, remove, restore
from hashmatch.cli.bank_feedback import flagged, reinstate, reports, sources
from hashmatch.cli.bank_policy import BankName, create, facts, one_of, state, update
from hashmatch.cli.common import AsJson, Reason, connect
from hashmatch.cli.export import HELP as EXPORT_HELP
from hashmatch.cli.export import export_file
from hashmatch.cli.import_command import HELP as IMPORT_HELP
from hashmatch.cli.import_command import import_file
from hashmatch.cli.objects import bank_object, emit, entry_object
from hashmatch.cli.output import print_facts, print_table
from hashmatch.types import EntryFilter, State

app = typer.Typer(
    name="bank", help="Curate the banks of known media.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.command()(add)
app.command("import", help=IMPORT_HELP)(import_file)
app.command("export", help=EXPORT_HELP)(export_file)
app.command()(create)
app.command()(update)
app.command()(remove)
app.command()(restore)
app.command()(pending)
app.command()(approve)
app.command()(reject)
app.command("try")(try_)
app.command()(flagged)
app.command()(reports)
app.command()(reinstate)
app.command()(sources)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the banks.

    Example: hashmatch bank list
    """
    with connect(context) as client:
        if as_json:
            for bank in client.list_banks():
                emit(bank_object(bank))
            return
        rows = [
            (bank.name, bank.action, bank.threshold, bank.minimum_quality, state(bank), bank.description)
            for bank in client.list_banks()
        ]
    columns = ("bank", "action", "#threshold", "#minimum quality", "state", "description")
    print_table(columns, rows, "" if rows else "no banks yet: make one with 'hashmatch bank create'")


@app.command()
def show(
    context: typer.Context,
    name: BankName,
    entries: Annotated[bool, typer.Option("--entries", help="List the entries too.")] = False,
    content_id: Annotated[str, typer.Option(help="List the entries of that content alone.")] = "",
    stands: Annotated[
        str, typer.Option("--state", metavar="|".join(State), help="List the entries that stand so; all that match.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show a bank's policy, how many entries it has, or which, and how often matches of each were reported as false.

    Example: hashmatch bank show known-bad --entries
    """
    with connect(context) as client:
        bank, count = client.get_bank(name)
        wanted = EntryFilter(content_id, one_of(State, stands, "--state") if stands else None)
        listed = client.list_entries(name, wanted) if entries or content_id or stands else None
        if as_json:
            emit({**bank_object(bank), "entry_count": count})
            for entry in listed or ():
                emit(entry_object(entry))
            return
        print_facts([*facts(bank), ("entries", f"{count:,}")])
        if listed is not None:
            print_entries(listed, removed=wanted.state is State.REMOVED)


@app.command()
def delete(
    context: typer.Context,
    name: BankName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Delete a bank and all its entries.

    Example: hashmatch bank delete known-bad
    """
    with connect(context) as client:
        if not yes:
            if not sys.stdin.isatty():
                raise typer.BadParameter("needed where nobody can be asked", param_hint="--yes")
            count = client.get_bank(name)[1]
            typer.confirm(f"Delete {name} and its {count:,} entries?", abort=True, err=True)
        revision = client.delete_bank(name, reason=reason)
    if as_json:
        emit({"bank": name, "revision": revision})
    else:
        typer.echo(f"deleted {name} (revision {revision})")
