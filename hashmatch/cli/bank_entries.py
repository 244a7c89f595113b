"""`hashmatch bank remove` and `restore`, and how entries are listed."""

from collections.abc import Iterable
from typing import Annotated

import typer

from hashmatch.cli.bank_policy import BankName
from hashmatch.cli.common import AsJson, Reason, connect
from hashmatch.cli.objects import emit
from hashmatch.cli.output import print_table
from hashmatch.types import Entry

Numbers = Annotated[list[int] | None, typer.Argument(metavar="ENTRY", min=1, help="Numbers of entries.")]


def remove(
    context: typer.Context,
    name: BankName,
    entries: Numbers = None,
    content_id: Annotated[str, typer.Option(help="All entries of that content instead.")] = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Remove entries from a bank, all or none; they are kept, and 'restore' brings them back.

    Example: hashmatch bank remove known-bad 17 18 --reason "not what it seemed"
    """
    if bool(entries) == bool(content_id):
        raise typer.BadParameter("name entries, or their content with --content-id", param_hint="ENTRY")
    with connect(context) as client:
        if content_id:
            revision = client.remove_content(name, content_id, reason=reason)
        else:
            revision = client.remove_entries(name, entries or (), reason=reason)
    if as_json:
        which = {"content_id": content_id} if content_id else {"removed": entries}
        emit({"bank": name, **which, "revision": revision})
    else:
        what = f"the entries of {content_id}" if content_id else f"{len(entries or ())}"
        typer.echo(f"removed {what} from {name} (revision {revision})")


def restore(
    context: typer.Context,
    name: BankName,
    entries: Annotated[list[int], typer.Argument(metavar="ENTRY", min=1, help="Numbers of removed entries.")],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Let removed entries match again, all or none; 'show BANK --state REMOVED' lists them.

    Example: hashmatch bank restore known-bad 17 --reason "it was what it seemed"
    """
    with connect(context) as client:
        revision = client.restore_entries(name, entries, reason=reason)
    if as_json:
        emit({"bank": name, "restored": entries, "revision": revision})
    else:
        typer.echo(f"restored {len(entries)} in {name} (revision {revision})")


def print_entries(entries: Iterable[Entry], *, removed: bool) -> None:
    """Print a table of entries."""
    last = ("#removed", "why") if removed else ("until",)
    columns = ("#entry", "kind", "hash", "#quality", "content", "source", "labels", "#false/all", *last)
    print_table(columns, ((*_cells(entry), *_end(entry, removed=removed)) for entry in entries))


def _cells(entry: Entry) -> tuple[object, ...]:
    quality = "" if entry.hash.quality is None else entry.hash.quality
    said = entry.provenance
    of = entry.feedback.confirmed + entry.feedback.false
    labels, reported = ", ".join(said.labels), f"{entry.feedback.false}/{of}" if of else ""
    return entry.id, entry.hash.kind, entry.hash.hex, quality, said.content_id, said.source, labels, reported


def _end(entry: Entry, *, removed: bool) -> tuple[object, ...]:
    if removed:
        return f"{entry.removed:%Y-%m-%d %H:%M}" if entry.removed else "", entry.removal_reason
    return (f"{entry.expires:%Y-%m-%d %H:%M}" if entry.expires else "",)
