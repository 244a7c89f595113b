"""`hashmatch audit`: what was done to the banks, and whether the log of it can be believed."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import json
from collections import deque
from pathlib import Path
from typing import Annotated, Any

import typer

from hashmatch.cli.audit_key import key, keygen
from hashmatch.cli.audit_prove import check, prove
from hashmatch.cli.audit_verify import verify
from hashmatch.cli.common import AsJson, DatabaseUrl, DataDir, connect, opened_store
from hashmatch.cli.objects import emit
from hashmatch.cli.output import print_facts, print_table
from hashmatch.types import Record

_HELP = """What was done to the banks, by whom and why; and proofs that the log of it is whole.

Every write makes one record. The records are the leaves of a Merkle tree
(RFC 6962), so that whoever keeps a checkpoint of it can show that nothing
was changed, moved or left out since.

log, show, checkpoint and prove ask a server, with a token of the role audit.
verify, keygen and key work on the machine of the database; check needs
nothing but its files.
"""

app = typer.Typer(name="audit", help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(verify)
app.command()(prove)
app.command()(check)
app.command()(keygen)
app.command()(key)


@app.command()
def log(
    context: typer.Context,
    bank: Annotated[str, typer.Option(help="The only bank whose records are wanted.")] = "",
    last: Annotated[int, typer.Option(min=1, metavar="COUNT", help="How many of the newest.")] = 20,
    since: Annotated[
        int | None, typer.Option("--from", min=0, metavar="NUMBER", help="All from this record on, instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List records, oldest first.

    Example: hashmatch audit log --bank known-bad --last 50
    """
    from hashmatch.tlog import Checkpoint

    with connect(context) as client:
        if since is not None:
            records = client.audit.records(bank, since)
        else:
            first = 0 if bank else max(0, Checkpoint.parse(client.audit.checkpoint()).size - last)
            records = iter(deque(client.audit.records(bank, first), maxlen=last))
        if as_json:
            for record in records:
                emit(record_object(record))
            return
        rows = [
            (record.number, f"{record.time:%Y-%m-%d %H:%M:%S}", record.who, record.what, _done(record), record.why)
            for record in records
        ]
    print_table(("#record", "time (UTC)", "who", "what", "done to", "why"), rows)


@app.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="RECORD", min=0, help="The record's number.")],
    as_json: AsJson = False,
) -> None:
    """Show one record: who, when, what and why, and the rows before and after.

    Example: hashmatch audit show 17
    """
    with connect(context) as client:
        record = client.audit.record(number)
    if as_json:
        emit({**record_object(record), "changes": record.changes})
        return
    facts = [
        ("record", record.number),
        ("time", f"{record.time:%Y-%m-%d %H:%M:%S.%f} UTC"),
        ("who", record.who),
        ("what", record.what),
        ("why", record.why),
        ("banks", ", ".join(record.banks)),
        ("revision", record.revision),
    ]
    print_facts([*facts, *((_title(change), _rows(change)) for change in record.changes)])


@app.command()
def checkpoint(
    context: typer.Context,
    key_file: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Sign with this key, on the database itself.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print a checkpoint: what the log is now, signed, in the format of C2SP (c2sp.org/tlog-checkpoint).

    Keep it where whoever writes the database cannot. With it, 'verify' also
    finds records that were cut off the log's end, and a log written anew.

    Example: hashmatch audit checkpoint > checkpoints/$(date +%F)
    """
    if key_file is None:
        with connect(context) as client:
            note = client.audit.checkpoint()
    else:
        from hashmatch.tlog import SigningKey

        signing = SigningKey.load(key_file)
        with opened_store(data_dir, database_url) as store:
            note = signing.sign(store.audit.checkpoint())
    typer.echo(note, nl=False)


def record_object(record: Record) -> dict[str, Any]:
    """A record as `--json` prints it, but for its changes."""
    return {
        "record": record.number,
        "time": record.time.isoformat(),
        "who": record.who,
        "what": record.what,
        "why": record.why,
        "banks": list(record.banks),
        "revision": record.revision,
    }


def _done(record: Record) -> str:
    """What it was done to, in few words: the banks, and how many entries."""
    count = sum(_count(change) for change in record.changes if change["table"] == "entries")
    entries = f"{count:,} {'entry' if count == 1 else 'entries'}" if count else ""
    return ": ".join(filter(None, (", ".join(record.banks), entries)))


def _count(change: dict[str, Any]) -> int:
    if "after" in change or "before" in change:
        return max(len(change.get("after", ())), len(change.get("before", ())))
    runs: list[tuple[int, int]] = change.get("runs", [])
    return sum(last - first + 1 for first, last in runs) + len(change.get("keys", ()))


def _title(change: dict[str, Any]) -> str:
    return f"{change['do']} {change['table']}"


def _rows(change: dict[str, Any]) -> str:
    """The rows of a change: those before, and those after, or which they are."""
    if "root" in change or "runs" in change or "keys" in change:
        runs = ", ".join(f"{first}-{last}" for first, last in change.get("runs", ())[:20])
        return f"{_count(change):,} rows {runs} (hash {change.get('root', 'of none')})"
    before, after = change.get("before", []), change.get("after", [])
    lines = [
        *(f"before {json.dumps(row, ensure_ascii=False)}" for row in before),
        *(f"after {json.dumps(row, ensure_ascii=False)}" for row in after),
    ]
    return " | ".join(lines)
