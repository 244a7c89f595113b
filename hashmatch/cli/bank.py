"""`hashmatch bank`: the banks of known hashes and their policy."""

import sys
from typing import Annotated, Any

import typer

from hashmatch.cli.add import add
from hashmatch.cli.common import AsJson, Reason, connect
from hashmatch.cli.export import HELP as EXPORT_HELP
from hashmatch.cli.export import export_file
from hashmatch.cli.import_command import HELP as IMPORT_HELP
from hashmatch.cli.import_command import import_file
from hashmatch.cli.objects import bank_object, emit, entry_object
from hashmatch.cli.output import print_facts, print_table
from hashmatch.types import Action, Bank

BankName = Annotated[str, typer.Argument(metavar="BANK", help="The bank's name.")]
ActionText = Annotated[
    str | None, typer.Option("--action", metavar="BLOCK|REVIEW|ALLOW", help="What a match asks for.")
]
Description = Annotated[str | None, typer.Option(help="For people.")]
Threshold = Annotated[int | None, typer.Option(min=0, max=64, help="Largest distance in bits that still matches.")]
MinimumQuality = Annotated[int | None, typer.Option(min=0, max=100, help="Lower qualities are not compared.")]
Enabled = Annotated[bool | None, typer.Option("--enabled/--disabled", help="Whether queries look into it.")]
QueryShare = Annotated[
    int | None,
    typer.Option(min=0, max=100, metavar="PERCENT", help="A known video matches with so many of the query's frames."),
]
KnownShare = Annotated[
    int | None,
    typer.Option(min=0, max=100, metavar="PERCENT", help="A known video matches with so many of its own frames."),
]

app = typer.Typer(
    name="bank", help="Curate the banks of known images.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.command()(add)
app.command("import", help=IMPORT_HELP)(import_file)
app.command("export", help=EXPORT_HELP)(export_file)


@app.command()
def create(  # noqa: PLR0913, PLR0917 - one parameter for each field of a bank
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="BANK", help="1 to 63 of a-z, 0-9 and hyphen.")],
    action: ActionText = None,
    threshold: Threshold = None,
    minimum_quality: MinimumQuality = None,
    description: Description = None,
    enabled: Enabled = None,
    video_query_share: QueryShare = None,
    video_known_share: KnownShare = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Make a bank; unless told otherwise REVIEW, threshold 31, minimum quality 50.

    Example: hashmatch bank create known-bad --action BLOCK
    """
    values = _values(
        action=action,
        threshold=threshold,
        minimum_quality=minimum_quality,
        description=description,
        enabled=enabled,
        video_query_share=video_query_share,
        video_known_share=video_known_share,
    )
    bank = Bank(name=name, **values)
    with connect(context) as client:
        made, revision = client.create_bank(bank, reason=reason)
    _print_written(made, revision, as_json)


@app.command()
def update(  # noqa: PLR0913, PLR0917 - one parameter for each field of a bank
    context: typer.Context,
    name: BankName,
    action: ActionText = None,
    threshold: Threshold = None,
    minimum_quality: MinimumQuality = None,
    description: Description = None,
    enabled: Enabled = None,
    video_query_share: QueryShare = None,
    video_known_share: KnownShare = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Change a bank's policy.

    Example: hashmatch bank update known-bad --threshold 24
    """
    values = _values(
        action=action,
        threshold=threshold,
        minimum_quality=minimum_quality,
        description=description,
        enabled=enabled,
        video_query_share=video_query_share,
        video_known_share=video_known_share,
    )
    if not values:
        raise typer.BadParameter("name at least one field to change", param_hint="options")
    with connect(context) as client:
        bank, revision = client.update_bank(name, reason=reason, **values)
    _print_written(bank, revision, as_json)


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
            (bank.name, bank.action, bank.threshold, bank.minimum_quality, _state(bank), bank.description)
            for bank in client.list_banks()
        ]
    columns = ("bank", "action", "#threshold", "#minimum quality", "state", "description")
    print_table(columns, rows, "" if rows else "no banks yet: make one with 'hashmatch bank create'")


@app.command()
def show(
    context: typer.Context,
    name: BankName,
    entries: Annotated[bool, typer.Option("--entries", help="List the entries too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a bank's policy, and how many or which entries it has.

    Example: hashmatch bank show known-bad --entries
    """
    with connect(context) as client:
        bank, count = client.get_bank(name)
        listed = client.list_entries(name) if entries else iter(())
        if as_json:
            emit({**bank_object(bank), "entry_count": count})
            for entry in listed:
                emit(entry_object(entry))
            return
        print_facts([*_facts(bank), ("entries", f"{count:,}")])
        if entries:
            rows = (
                (
                    entry.id,
                    entry.hash.kind,
                    entry.hash.hex,
                    "" if entry.hash.quality is None else entry.hash.quality,
                    entry.provenance.content_id,
                    entry.provenance.source,
                    ", ".join(entry.provenance.labels),
                )
                for entry in listed
            )
            print_table(("#entry", "kind", "hash", "#quality", "content", "source", "labels"), rows)


@app.command()
def remove(
    context: typer.Context,
    name: BankName,
    entries: Annotated[list[int], typer.Argument(metavar="ENTRY", min=1, help="Numbers of entries.")],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Remove entries from a bank, all or none.

    Example: hashmatch bank remove known-bad 17 18
    """
    with connect(context) as client:
        revision = client.remove_entries(name, entries, reason=reason)
    if as_json:
        emit({"bank": name, "removed": entries, "revision": revision})
    else:
        typer.echo(f"removed {len(entries)} from {name} (revision {revision})")


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


def _values(*, action: str | None, **values: str | int | None) -> dict[str, Any]:
    """The fields that were named."""
    named: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    if action is not None:
        try:
            named["action"] = Action(action.upper())
        except ValueError:
            raise typer.BadParameter(f"{action!r} is not one of {', '.join(Action)}", param_hint="--action") from None
    return named


def _print_written(bank: Bank, revision: int, as_json: bool) -> None:
    if as_json:
        emit({**bank_object(bank), "revision": revision})
    else:
        print_facts([*_facts(bank), ("revision", revision)])


def _facts(bank: Bank) -> list[tuple[str, object]]:
    return [
        ("bank", bank.name),
        ("description", bank.description),
        ("action", bank.action),
        ("threshold", bank.threshold),
        ("minimum quality", bank.minimum_quality),
        ("video query share", f"{bank.video_query_share} %"),
        ("video known share", f"{bank.video_known_share} %"),
        ("state", _state(bank)),
    ]


def _state(bank: Bank) -> str:
    return "enabled" if bank.enabled else "disabled"
