"""`hashmatch demo`: a server, banks of real photographs, altered copies of them and strangers, and what is caught."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.common import AsJson, Code
from hashmatch.cli.objects import decision_object, emit
from hashmatch.cli.output import complain, print_table, progress, verdict_text
from hashmatch.cli.photos import colour_photos, grey_photos
from hashmatch.errors import HashmatchError
from hashmatch.types import Action, Bank, Decision, Match, MatchOptions, NewMedia, Provenance, Verdict

if TYPE_CHECKING:
    from hashmatch.client import Client

_BANKS = (
    Bank("demo-blocked", "Known harmful content", Action.BLOCK),
    Bank("demo-review", "Content that a person should look at", Action.REVIEW),
    Bank("demo-good", "Content that was reported and found harmless", Action.ALLOW),
)
_KNOWN = {
    "astronaut": (Verdict.BLOCK, ("demo-blocked",)),
    "china": (Verdict.BLOCK, ("demo-blocked",)),
    "chelsea": (Verdict.REVIEW, ("demo-review",)),
    "coffee": (Verdict.ALLOW, ("demo-review", "demo-good")),
}
"""The photographs that are known, the verdict on them, and their banks."""
_UNKNOWN = ("rocket", "flower", "camera", "coins", "grass", "gravel", "moon", "brick", "page")
_COLUMNS = ("file", "done to it", "verdict", "bank", "#distance", "orientation", "view", "#ms")


@dataclass(frozen=True, slots=True)
class _Upload:
    file: str
    done: str
    data: bytes
    verdict: Verdict = Verdict.ALLOW
    """The right one."""
    banks: tuple[str, ...] = ()
    """The banks it is to be found in."""
    judged: bool = True
    """Whether PDQ can be expected to be right about it."""


@dataclass(frozen=True, slots=True)
class _Row:
    upload: _Upload
    decision: Decision
    milliseconds: float

    @property
    def right(self) -> bool:
        """Whether it was found in the banks that know it, in no other, and judged as it should be."""
        found = {match.bank for match in self.decision.matches}
        return found == set(self.upload.banks) and self.decision.verdict == self.upload.verdict

    @property
    def decisive(self) -> Match | None:
        """The nearest match whose bank asked for the verdict."""
        return next(
            (match for match in self.decision.matches if match.action.value == self.decision.verdict.value), None
        )


def demo(as_json: AsJson = False) -> None:
    """See altered copies of known photographs caught by a server of its own.

    Everything is made in a temporary folder and removed. Exits with 1 where a
    copy was missed or a stranger was caught.

    Example: hashmatch demo
    """
    from hashmatch.client import Client

    photos = colour_photos() | grey_photos()
    uploads = list(_uploads(photos))
    with (
        tempfile.TemporaryDirectory(prefix="hashmatch-demo-") as folder,
        ServerProcess(Path(folder)) as server,
        Client(server.address) as client,
    ):
        revision = _fill(client, photos)
        rows, seconds = _send(client, uploads, MatchOptions(min_revision=revision), as_json)
        stopped = server.stop()
    if as_json:
        for row in rows:
            emit(_object(row))
    else:
        _print(rows, seconds)
    if stopped != Code.DONE:
        complain(f"the server stopped with exit code {stopped}")
    wrong = any(row.upload.judged and not row.right for row in rows)
    raise typer.Exit(Code.FAILED if wrong or stopped != Code.DONE else Code.DONE)


def _uploads(photos: dict[str, Path]) -> Iterator[_Upload]:
    """Altered copies of the known photographs, one that was altered too much, and the unknown photographs."""
    from hashmatch.cli import alterations

    for name, (verdict, banks) in _KNOWN.items():
        pixels = alterations.load(photos[name])
        for change in alterations.survivable():
            yield _Upload(name + change.suffix, change.description, change.apply(pixels), verdict, banks)
    name, (verdict, banks) = next(iter(_KNOWN.items()))
    heavy = alterations.beyond()
    data = heavy.apply(alterations.load(photos[name]))
    yield _Upload(name + heavy.suffix, heavy.description, data, verdict, banks, judged=False)
    for name in _UNKNOWN:
        yield _Upload(photos[name].name, "unknown photo", photos[name].read_bytes())


def _fill(client: "Client", photos: dict[str, Path]) -> int:
    """Make the banks; returns their revision."""
    revision = 0
    for bank in _BANKS:
        client.create_bank(bank)
        names = [name for name, (_, banks) in _KNOWN.items() if bank.name in banks]
        media = [NewMedia(photos[name].read_bytes(), Provenance(name, "hashmatch demo")) for name in names]
        _, revision = client.add_entries(bank.name, media)
    return revision


def _send(
    client: "Client", uploads: Sequence[_Upload], options: MatchOptions, as_json: bool
) -> tuple[list[_Row], float]:
    """Match all on one stream, then each in a call of its own; returns the rows and the stream's seconds."""
    items = ((upload.file, upload.data) for upload in uploads)
    started = time.perf_counter()
    answers = [answer for _, answer in progress(client.match_many(items, options), len(uploads), "matching", as_json)]
    seconds = time.perf_counter() - started
    rows = []
    for upload, answer in zip(progress(uploads, len(uploads), "timing", as_json), answers, strict=True):
        if isinstance(answer, HashmatchError):
            raise answer
        started = time.perf_counter()
        client.match_image(upload.data, options)
        rows.append(_Row(upload, answer, (time.perf_counter() - started) * 1000))
    return rows, seconds


def _print(rows: Sequence[_Row], seconds: float) -> None:
    copies = [row for row in rows if row.upload.judged and row.upload.banks]
    strangers = [row for row in rows if not row.upload.banks]
    print_table(_COLUMNS, map(_cells, rows))
    caught, passed = (sum(row.right for row in group) for group in (copies, strangers))
    command = "hashmatch" if shutil.which("hashmatch") else os.path.relpath(Path(sys.executable).with_name("hashmatch"))
    typer.echo(
        f"""
{caught} of {len(copies)} altered copies caught, {passed} of {len(strangers)} unknown photos passed, \
{len(rows) / seconds:.0f} images/s on one stream.
coffee is known as harmless, which overrides demo-review. A crop of 40 % is beyond what PDQ sees through.
ms is the time of a call of its own, from sending the file to the verdict.

Go on: '{command} serve', and beside it '{command} bank create known-bad --action BLOCK'."""
    )


def _cells(row: _Row) -> list[object]:
    match = row.decisive
    wrong = row.upload.judged and not row.right
    return [
        row.upload.file,
        row.upload.done,
        verdict_text("WRONG" if wrong else row.decision.verdict),
        match.bank if match else "",
        match.distance if match else "",
        match.orientation if match else "",
        match.view if match else "",
        f"{row.milliseconds:.1f}",
    ]


def _object(row: _Row) -> dict[str, Any]:
    return {
        "file": row.upload.file,
        "done": row.upload.done,
        "expected_verdict": row.upload.verdict,
        "expected_banks": list(row.upload.banks),
        "judged": row.upload.judged,
        "right": row.right,
        "milliseconds": row.milliseconds,
        **decision_object(row.decision),
    }
