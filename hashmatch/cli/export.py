"""`hashmatch bank export`: a bank as a file of hashes."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, cast

import typer

from hashmatch.cli.common import connect
from hashmatch.cli.inputs import STANDARD_INPUT
from hashmatch.errors import ConfigurationError
from hashmatch.lists import Format
from hashmatch.types import PDQ, EntryFilter

if TYPE_CHECKING:
    from hashmatch.types import Entry

HELP: Final = """Write a bank's entries to a file, which 'bank import' reads.

Formats: csv and jsonl hold all that an entry was added with. list, vpdq and
binary hold hashes of one kind, pdq unless --kind says otherwise; vpdq the
frames of one video, which --content-id names. What a format cannot hold is
left out, and counted.

A file is replaced at once when it is complete, or not at all, and readable
by its owner alone. Entries added meanwhile may be in it or not.

Example: hashmatch bank export known-bad known-bad.csv
"""


def export_file(
    context: typer.Context,
    bank: Annotated[str, typer.Argument(metavar="BANK", help="The bank's name.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - for standard output.")] = STANDARD_INPUT,
    form: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.CSV,
    kind: Annotated[str | None, typer.Option(help="Only entries of this kind.")] = None,
    content_id: Annotated[str | None, typer.Option(help="Only entries of this content id.")] = None,
) -> None:
    """`HELP` says it all."""
    from hashmatch import hashing
    from hashmatch.cli.output import complain, progress
    from hashmatch.lists.writing import write_rows

    if kind is not None and kind not in hashing.KINDS:
        raise typer.BadParameter(f"{kind!r} is not one of {', '.join(hashing.KINDS)}", param_hint="--kind")
    if form is Format.VPDQ and content_id is None:
        raise typer.BadParameter("needed with vpdq, which holds one video", param_hint="--content-id")
    kind = kind or (None if form.says_kind else PDQ)
    seen = written = 0

    def wanted(entries: "Iterable[Entry]") -> "Iterator[Entry]":
        nonlocal seen, written
        for seen, entry in enumerate(entries, 1):  # noqa: B007 - read below
            if kind in {None, entry.hash.kind} and (form is not Format.VPDQ or entry.shown is not None):
                written += 1
                yield entry

    with connect(context) as client:
        total = client.get_bank(bank)[1]
        entries = client.list_entries(bank, EntryFilter(content_id or ""))
        with _replaced(file) as out:
            listed = progress(entries, total, "exporting", streaming=file == STANDARD_INPUT)
            for part in write_rows(wanted(listed), form):
                out.write(part)
    if left_out := seen - written:
        complain(f"left out {left_out:,} of {seen:,} entries: of another kind, or no frame of a video")
    if file != STANDARD_INPUT:
        typer.echo(f"exported {written:,} entries of {bank} to {file}")


@contextmanager
def _replaced(name: str) -> Iterator[BinaryIO]:
    """Standard output, or a new file that takes the name where all was written; raises ConfigurationError."""
    if name == STANDARD_INPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    try:
        new = NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115 - closed below
        try:
            with new:
                yield cast("BinaryIO", new)
                new.flush()
                os.fsync(new.fileno())
            Path(new.name).replace(path)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be written: {error.strerror}") from error
