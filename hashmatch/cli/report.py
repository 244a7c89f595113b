"""`hashmatch report`: what the upload of a match was found to be."""

from typing import Annotated

import typer

from hashmatch.cli.bank_policy import BankName
from hashmatch.cli.common import AsJson, connect
from hashmatch.cli.objects import emit
from hashmatch.types import Finding


def report(  # noqa: PLR0913, PLR0917 - one parameter for each option
    context: typer.Context,
    name: BankName,
    entry: Annotated[int, typer.Argument(metavar="ENTRY", min=1, help="The number of the entry that matched.")],
    content_id: Annotated[str, typer.Argument(metavar="UPLOAD", help="Your name for the upload that matched it.")],
    false: Annotated[
        bool | None, typer.Option("--false/--confirmed", help="It is something else, or just what the entry is of.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why, for whoever decides on the entry, and for the audit log.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say whether a match was right, once somebody has looked at the upload.

    An entry of which too many matches are false is flagged, and asks for
    REVIEW from then on: 'bank flagged' lists such entries, and 'bank reinstate'
    or 'bank remove' decides. Of each token, entry and upload the newest report
    counts, so that saying it again is safe.

    Example: hashmatch report known-bad 17 upload-4711 --false --note "a landscape"
    """
    if false is None:
        raise typer.BadParameter("say which it was", param_hint="--false or --confirmed")
    finding = Finding.FALSE if false else Finding.CONFIRMED
    with connect(context) as client:
        done = client.feedback.report(name, entry, content_id, finding, note=note)
    if as_json:
        said = {"bank": name, "entry": entry, "content_id": content_id, "finding": finding}
        emit({**said, "flagged": done.flagged, "demoted": done.demoted, "revision": done.revision})
        return
    came = ": the entry asks for REVIEW from now on" if done.demoted else ""
    came = came or (": the entry is flagged" if done.flagged else "")
    typer.echo(f"reported entry {entry} of {name} as {finding.lower()}{came}")
