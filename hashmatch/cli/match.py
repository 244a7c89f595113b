"""`hashmatch match` and `hashmatch lookup`: verdicts on files and on hashes."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.text import Text

from hashmatch.cli.common import AsJson, Code, connect
from hashmatch.cli.inputs import Files, Kind, Kinds, expand, parse_hash, read
from hashmatch.cli.objects import decision_object, emit, error_object
from hashmatch.cli.output import NOT_SCANNED, bars, print_table, verdict_text
from hashmatch.cli.videos import (
    AllFrames,
    Every,
    Keyframes,
    bar,
    is_video,
    video_cells,
    video_decision_object,
    video_options,
)
from hashmatch.errors import HashmatchError, MediaError, Overloaded
from hashmatch.types import PDQ, Decision, MatchOptions, Verdict, VideoDecision, VideoOptions

if TYPE_CHECKING:
    from rich.progress import Progress

    from hashmatch.client import Client

Banks = Annotated[
    list[str] | None, typer.Option("--bank", metavar="NAME", help="Look into this bank only; may be repeated.")
]
OriginalOrientationOnly = Annotated[
    bool, typer.Option("--original-orientation-only", help="Do not look for rotated and mirrored copies.")
]
WholeImageOnly = Annotated[
    bool, typer.Option("--whole-image-only", help="Do not look for what is within a border or letterbox bars.")
]
Approximate = Annotated[
    bool,
    typer.Option("--approximate", help="Let large JPEGs be decoded at a part of their size: faster, a few bits off."),
]

_Answer: TypeAlias = Decision | VideoDecision | HashmatchError
_Outcome: TypeAlias = tuple[str, _Answer]

_COLUMNS = ("verdict", "bank", "#distance", "orientation", "view", "content", "#matches")
_CODES = {Verdict.ALLOW: Code.DONE, Verdict.REVIEW: Code.REVIEW, Verdict.BLOCK: Code.BLOCK}
_HASHES_A_CALL = 4096


def match(  # noqa: PLR0913, PLR0917 - one parameter for each option
    context: typer.Context,
    files: Files,
    bank: Banks = None,
    original_orientation_only: OriginalOrientationOnly = False,
    whole_image_only: WholeImageOnly = False,
    kind: Kinds = None,
    approximate: Approximate = False,
    every: Every = 1.0,
    keyframes: Keyframes = False,
    all_frames: AllFrames = False,
    as_json: AsJson = False,
) -> None:
    """Ask a server for its verdict on images, animations and videos.

    Exits with 0 where every verdict is ALLOW, 10 where the gravest is REVIEW,
    20 where it is BLOCK, and 3 more where some file could not be scanned.

    Example: hashmatch match upload.jpg
    """
    names = expand(files)
    video = video_options(names, every, keyframes, all_frames, kind or ())
    with connect(context) as client:
        _check_banks(client, bank)
        options = MatchOptions(
            banks=tuple(bank or ()),
            all_orientations=not original_orientation_only,
            all_views=not whole_image_only,
            kinds=tuple(kind or ()),
            approximate=approximate,
        )
        code = _report("file", _answers(client, names, options, video, as_json), as_json)
    raise typer.Exit(code)


def lookup(
    context: typer.Context,
    hashes: Annotated[list[str], typer.Argument(metavar="HEX", help="Hashes in hexadecimal digits: 64 for PDQ.")],
    bank: Banks = None,
    kind: Kind = PDQ,
    as_json: AsJson = False,
) -> None:
    """Ask a server for its verdict on hashes computed elsewhere.

    Exits as match does.

    Example: hashmatch lookup $(hashmatch hash photo.jpg | cut -d' ' -f1)
    """
    queries = [parse_hash(text, kind=kind) for text in hashes]
    with connect(context) as client:
        _check_banks(client, bank)
        options = MatchOptions(banks=tuple(bank or ()))
        batches = (queries[at : at + _HASHES_A_CALL] for at in range(0, len(queries), _HASHES_A_CALL))
        decisions = (decision for batch in batches for decision in client.lookup_hashes(batch, options))
        code = _report("query", zip(hashes, decisions, strict=True), as_json)
    raise typer.Exit(code)


def _check_banks(client: "Client", banks: Iterable[str] | None) -> None:
    """Raise NotFound for a bank that does not exist, once and not for every file."""
    for name in banks or ():
        client.get_bank(name)


def _answers(
    client: "Client", names: Sequence[str], options: MatchOptions, video: VideoOptions, as_json: bool
) -> Iterator[_Outcome]:
    """Yield each name with what became of it, in order; images travel together, each video by itself."""
    with bars(as_json) as shown:
        task = shown.add_task("matching", total=len(names))
        for moving, group in groupby(names, key=is_video):
            some = list(group)
            answers = (
                ((name, _match_video(client, name, options, video, shown)) for name in some)
                if moving
                else _scan(client, some, options)
            )
            for answer in answers:
                shown.advance(task)
                yield answer


def _match_video(
    client: "Client", name: str, options: MatchOptions, video: VideoOptions, shown: "Progress"
) -> VideoDecision | HashmatchError:
    try:
        with bar(shown, name) as reached:
            return client.match_video(name, options, video, on_progress=reached)
    except (MediaError, Overloaded) as error:
        return error
    except OSError as error:
        return MediaError(f"cannot be read: {error.strerror}")


def _scan(client: "Client", names: Sequence[str], options: MatchOptions) -> Iterator[_Outcome]:
    """Yield each name with what became of it, in order; what cannot be read is not sent."""
    maximum = client.status().max_media_bytes
    drawn: deque[tuple[str, MediaError | None]] = deque()

    def readable() -> Iterator[tuple[str, bytes]]:
        for number, name in enumerate(names):
            try:
                data = read(name, maximum)
            except MediaError as error:
                drawn.append((name, error))
            else:
                drawn.append((name, None))
                yield str(number), data

    for _, outcome in client.match_many(readable(), options):
        yield from _unread(drawn)
        yield drawn.popleft()[0], outcome
    yield from _unread(drawn)


def _unread(drawn: deque[tuple[str, MediaError | None]]) -> Iterator[_Outcome]:
    while drawn and (error := drawn[0][1]) is not None:
        yield drawn.popleft()[0], error


def _report(subject: str, outcomes: Iterable[_Outcome], as_json: bool) -> int:
    """Print the outcomes and return the exit code they amount to."""
    rows: list[list[object]] = []
    tally: Counter[str] = Counter()
    for name, outcome in outcomes:
        tally[NOT_SCANNED if isinstance(outcome, HashmatchError) else outcome.verdict] += 1
        if as_json:
            emit({subject: name, **_object(outcome)})
        else:
            rows.append([name, *_cells(outcome)])
    if not as_json:
        counts = ", ".join(f"{tally[key]} {key}" for key in (*Verdict, NOT_SCANNED) if tally[key])
        print_table((subject, *_COLUMNS), rows, f"{tally.total()} in all: {counts}")
    gravest = max((code for verdict, code in _CODES.items() if tally[verdict]), default=Code.DONE)
    return gravest + (Code.NOT_SCANNED if tally[NOT_SCANNED] else 0)


def _object(outcome: _Answer) -> dict[str, Any]:
    if isinstance(outcome, HashmatchError):
        return {"error": error_object(outcome)}
    if isinstance(outcome, VideoDecision):
        return video_decision_object(outcome)
    return decision_object(outcome)


def _cells(outcome: _Answer) -> list[str | Text]:
    if isinstance(outcome, HashmatchError):
        return [verdict_text(NOT_SCANNED), "", "", "", "", f"{outcome} ({outcome.reason})"]
    if isinstance(outcome, VideoDecision):
        return video_cells(outcome)
    if not outcome.matches:
        skipped = ", ".join(outcome.banks_not_compared)
        return [verdict_text(outcome.verdict), "", "", "", "", f"quality too low for {skipped}" if skipped else ""]
    nearest = outcome.matches[0]
    content = nearest.provenance.content_id or f"entry {nearest.entry_id}"
    return [
        verdict_text(outcome.verdict),
        nearest.bank,
        str(nearest.distance),
        nearest.orientation,
        nearest.view,
        content,
        str(outcome.total_matches),
    ]
