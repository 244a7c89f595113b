"""`hashmatch audit prove` and `check`: proofs as files, checked without server or database."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hashmatch.cli.audit_verify import PublicKey, believed, read_checkpoint
from hashmatch.cli.common import Code, connect
from hashmatch.cli.inputs import STANDARD_INPUT
from hashmatch.cli.output import complain, printable
from hashmatch.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from hashmatch.client import Client


def prove(
    context: typer.Context,
    record: Annotated[int | None, typer.Argument(metavar="[RECORD]", min=0, help="The record's number.")] = None,
    entry: Annotated[
        str | None, typer.Option(metavar="BANK:ENTRY", help="Prove that this entry was added, instead.")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Prove that the log only grew since this checkpoint, instead."),
    ] = None,
) -> None:
    """Print a proof, of a record, of an entry's addition, or of the log's growth, as JSON.

    It holds a checkpoint of the log and all that 'hashmatch audit check'
    needs to check it, on any machine.

    Example: hashmatch audit prove --entry known-bad:17 > proof.json
    """
    if sum(each is not None for each in (record, entry, since)) != 1:
        raise typer.BadParameter("name a record, or --entry, or --since", param_hint="RECORD")
    with connect(context) as client:
        note = client.audit.checkpoint()
        if since is not None:
            proof = _of_growth(client, note, since)
        elif entry is not None:
            proof = _of_entry(client, note, entry)
        else:
            proof = {"record": _of_record(client, note, record or 0)}
    typer.echo(json.dumps({"checkpoint": note, **proof}, indent=2, ensure_ascii=False))


def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What 'prove' printed; - for standard input.")],
    public_key: PublicKey = None,
) -> None:
    """Check a proof, with nothing but the proof, and the public key that must have signed its checkpoint.

    The exit code is 0 where it holds, and else 6. Without --key, compare the
    checkpoint that it prints with one that you trust.

    Example: hashmatch audit check proof.json --key "$(cat audit.pub)"
    """
    from hashmatch.cli.audit_proofs import proven

    try:
        text = sys.stdin.read() if file == STANDARD_INPUT else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the proof in {file}") from error
    try:
        document = json.loads(text)
        checkpoint = believed(str(document["checkpoint"]), public_key)
        statement = proven(document, checkpoint)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, InvalidInput) as error:
        complain(str(error) if isinstance(error, InvalidInput) else f"{file} is no proof")
        raise typer.Exit(Code.TAMPERED) from None
    log = f"log {checkpoint.origin}, {checkpoint.size:,} records, root {checkpoint.root.hex()}"
    for line in (*statement.splitlines(), log):
        typer.echo(printable(line))


def _of_record(client: "Client", note: str, number: int) -> dict[str, Any]:
    size = believed(note, None).size
    proof = client.audit.prove_record(number, size)
    text = client.audit.record(number).text
    return {"number": number, "text": text, "path": [hash_.hex() for hash_ in proof.path]}


def _of_entry(client: "Client", note: str, entry: str) -> dict[str, Any]:
    bank, _, number = entry.rpartition(":")
    if not bank or not number.isdecimal():
        raise typer.BadParameter("expected BANK:ENTRY", param_hint="--entry")
    proof = client.audit.prove_entry(bank, int(number))
    said = {"number": int(number), "row": proof.row}
    if proof.count:
        said |= {"row_hash": proof.row_hash.hex(), "path": [hash_.hex() for hash_ in proof.path]}
    return {"record": _of_record(client, note, proof.record.number), "entry": said}


def _of_growth(client: "Client", note: str, since: Path) -> dict[str, Any]:
    before = read_checkpoint(since, None)
    proof = client.audit.prove_consistency(before.size, believed(note, None).size)
    return {"since": before.text, "path": [hash_.hex() for hash_ in proof.path]}
