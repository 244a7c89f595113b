"""`hashmatch bank add`: files and hashes into a bank, in batches, so that a folder of photos works."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from hashmatch.cli.common import AsJson, Code, Reason, connect
from hashmatch.cli.inputs import STANDARD_INPUT, Kind, OptionalFiles, expand, parse_hash, read
from hashmatch.cli.moments import AGO, AHEAD, METAVAR, optional_moment
from hashmatch.cli.objects import emit, entry_object, error_object
from hashmatch.cli.output import bars, complain, printable, progress
from hashmatch.cli.videos import AllFrames, Every, Keyframes, bar, is_video, read_vpdq, video_options
from hashmatch.errors import MediaError
from hashmatch.types import PDQ, Adding, Bank, Entry, NewEntry, NewMedia, Provenance, State, VideoOptions

if TYPE_CHECKING:
    from hashmatch.client import Client

_New: TypeAlias = tuple[str, NewEntry | NewMedia]
_Drawn: TypeAlias = tuple[str, NewEntry | NewMedia | MediaError]
_Added: TypeAlias = tuple[str, Entry | MediaError]

_BATCH_BYTES = 8 * 2**20
_FRAMES_A_CALL = 10_000
_BATCH_ITEMS = 32
"""So that hashing a batch stays well within one call's time."""
_PLACE = re.compile(r"entries\[(\d+)\]")


Quality = Annotated[int | None, typer.Option(min=0, max=100, help="Quality of the hashes of --hash.")]
ContentId = Annotated[str | None, typer.Option(help="Your name for the content; unless set, the file's name.")]
Reported = Annotated[str, typer.Option(metavar=METAVAR, help=f"When it was reported: {AGO}")]
Expires = Annotated[str, typer.Option(metavar=METAVAR, help=f"It does not match from then on: {AHEAD}")]
Hashes = Annotated[list[str] | None, typer.Option("--hash", metavar="HEX", help="Add a hash; may be repeated.")]


@dataclass(frozen=True, slots=True)
class _Target:
    """Where entries go, and why."""

    client: "Client"
    bank: str
    reason: str
    expires: datetime | None
    adding: Adding


def add(  # noqa: PLR0913, PLR0917 - one parameter for each fact about an entry
    context: typer.Context,
    bank: Annotated[str, typer.Argument(metavar="BANK", help="The bank's name.")],
    files: OptionalFiles = None,
    hashes: Hashes = None,
    kind: Kind = PDQ,
    quality: Quality = None,
    content_id: ContentId = None,
    source: Annotated[str, typer.Option(help="Who reported it, or the list it comes from.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    note: Annotated[str, typer.Option(help="For people.")] = "",
    programme: Annotated[str, typer.Option(help="Under which programme it was reported.")] = "",
    reported: Reported = "",
    expires: Expires = "",
    every: Every = 1.0,
    keyframes: Keyframes = False,
    all_frames: AllFrames = False,
    vpdq: Annotated[bool, typer.Option("--vpdq", help="The files are vPDQ's text files, each of one video.")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Add images, videos or hashes to a bank; the server hashes media and does not keep them.

    A video is known by its name, or by --content-id: a bank's frames of one name are one video.

    Files that cannot be scanned are left out: then the exit code is 3. Lists of hashes go in with 'bank import'.

    Example: hashmatch bank add known-bad photos/ --source hotline --label spam
    """
    if not files and not hashes:
        raise typer.BadParameter("name at least one file, or a hash with --hash", param_hint="FILE")
    when = optional_moment(reported, "--reported", ago=True)
    provenance = Provenance(content_id or "", source, tuple(label or ()), note, programme, when)
    blank = NewMedia(b"", provenance, kind, optional_moment(expires, "--expires"))
    known = _known(hashes or (), quality, blank)
    names = expand(files or ())
    videos = names if vpdq else [name for name in names if is_video(name)]
    moving = frozenset(videos)
    names = [name for name in names if name not in moving]
    watched = video_options(videos, every, keyframes, all_frames, () if kind == PDQ else (kind,))
    with connect(context) as client:
        policy = client.get_bank(bank)[0]
        media = _read_all(names, client.status().max_media_bytes, blank, content_id is None)
        target = _Target(client, bank, reason, blank.expires, Adding(f"add {datetime.now(UTC).isoformat()}"))
        added = progress(_add_all(target, chain(known, media)), len(known) + len(names), "adding", as_json)
        code = _report(policy, added, as_json)
        for name in videos:
            named = replace(provenance, content_id=content_id or printable(Path(name).name))
            code = max(code, _add_video(target, name, named, None if vpdq else watched, as_json))
    raise typer.Exit(code)


def _known(hashes: Iterable[str], quality: int | None, blank: NewMedia) -> list[_Drawn]:
    """Hashes as entries, with all else that `blank` says."""
    return [
        (text, NewEntry(parse_hash(text, quality, blank.kind), blank.provenance, expires=blank.expires))
        for text in hashes
    ]


def _add_video(target: _Target, name: str, provenance: Provenance, options: VideoOptions | None, as_json: bool) -> Code:
    """Make one video known, or the frames that a vPDQ text file lists where there are no options."""
    code, incomplete = Code.DONE, None
    client, bank = target.client, target.bank
    try:
        if options is None:
            entries = [replace(each, expires=target.expires) for each in read_vpdq(name, provenance)]
            count, revision = len(entries), 0
            for at in range(0, count, _FRAMES_A_CALL):
                batch = entries[at : at + _FRAMES_A_CALL]
                revision = client.load_entries(bank, batch, reason=target.reason, adding=target.adding).revision
        else:
            with bars(as_json) as shown, bar(shown, name) as reached:
                hashed, revision = client.add_video(
                    bank, name, provenance, options, expires=target.expires, reason=target.reason, on_progress=reached
                )
            count, incomplete = len(hashed.frames), hashed.scan.incomplete
    except MediaError as error:
        if as_json:
            emit({"file": name, "error": error_object(error)})
        else:
            complain(f"{name}: {error} ({error.reason})")
        return Code.NOT_SCANNED
    if incomplete is not None:
        code = Code.NOT_SCANNED
        complain(f"{name}: not looked at to its end ({incomplete})")
    if as_json:
        emit({"file": name, "bank": bank, "content_id": provenance.content_id, "frames": count, "revision": revision})
    else:
        typer.echo(f"added {count:,} frames of {printable(name)} to {bank} (revision {revision})")
    return code


def _read_all(names: Iterable[str], maximum: int, blank: NewMedia, name_as_content: bool) -> Iterator[_Drawn]:
    """Yield the files' contents with all else that `blank` says."""
    for name in names:
        content = Path(name).name if name_as_content and name != STANDARD_INPUT else blank.provenance.content_id
        provenance = replace(blank.provenance, content_id=printable(content))
        try:
            yield name, replace(blank, media=read(name, maximum), provenance=provenance)
        except MediaError as error:
            yield name, error


def _add_all(target: _Target, items: Iterable[_Drawn]) -> Iterator[_Added]:
    """Add in batches, each all or none; yield what became of each item."""
    batch: list[_New] = []
    size = 0
    for name, item in items:
        if isinstance(item, MediaError):
            yield name, item
            continue
        weight = len(getattr(item, "media", b""))
        if batch and (size + weight > _BATCH_BYTES or len(batch) == _BATCH_ITEMS):
            yield from _add_batch(target, batch)
            batch, size = [], 0
        batch.append((name, item))
        size += weight
    yield from _add_batch(target, batch)


def _add_batch(target: _Target, batch: Sequence[_New]) -> Iterator[_Added]:
    """Add what of a batch can be added: what the server cannot scan is left out, and the rest sent again."""
    remaining = list(batch)
    while remaining:
        try:
            entries, _ = target.client.add_entries(
                target.bank, [item for _, item in remaining], reason=target.reason, adding=target.adding
            )
        except MediaError as error:
            place = _PLACE.fullmatch(error.details.get("field", ""))
            if place is None:
                raise
            error.message = error.message.removeprefix(f"{place[0]}: ")
            yield remaining.pop(int(place[1]))[0], error
        else:
            yield from zip((name for name, _ in remaining), entries, strict=True)
            return


def _report(bank: Bank, outcomes: Iterable[_Added], as_json: bool) -> Code:
    """Print the outcomes and return the exit code they amount to."""
    count, waiting, revision, code = 0, 0, 0, Code.DONE
    for name, outcome in outcomes:
        if isinstance(outcome, MediaError):
            code = Code.NOT_SCANNED
            if as_json:
                emit({"file": name, "error": error_object(outcome)})
            else:
                complain(f"{name}: {outcome} ({outcome.reason})")
            continue
        count, revision = count + 1, outcome.revision
        waiting += outcome.state is State.PENDING
        quality = outcome.hash.quality
        if quality is not None and quality < bank.minimum_quality_of(outcome.hash.kind):
            complain(
                f"warning: {name}: quality {quality} is below the bank's minimum of "
                f"{bank.minimum_quality_of(outcome.hash.kind)}, "
                "so this entry never matches"
            )
        if as_json:
            emit({"file": name, **entry_object(outcome)})
    if count and not as_json:
        typer.echo(f"added {count:,} to {bank.name} (revision {revision})")
    if waiting:
        complain(f"{waiting:,} wait for another person's approval: see 'hashmatch bank pending {bank.name}'")
    return code
