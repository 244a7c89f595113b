"""What commands do with videos: telling them from images, their options, their progress, and vPDQ's text files."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress
from rich.text import Text

from hashmatch.cli.inputs import STANDARD_INPUT
from hashmatch.cli.objects import hash_object, match_object, provenance_object, range_object
from hashmatch.cli.output import printable, verdict_text
from hashmatch.errors import MediaError
from hashmatch.types import (
    PDQ,
    SECOND,
    HashedFrame,
    NewEntry,
    Provenance,
    Scan,
    ScanProgress,
    Selection,
    TimeRange,
    VideoDecision,
    VideoOptions,
)

Every = Annotated[
    float, typer.Option("--every", min=0.001, metavar="SECONDS", help="Of a video: how far apart frames are looked at.")
]
Keyframes = Annotated[bool, typer.Option("--keyframes", help="Of a video: look at the frames that are stored whole.")]
AllFrames = Annotated[bool, typer.Option("--all-frames", help="Of a video: look at every frame.")]
Vpdq = Annotated[bool, typer.Option("--vpdq", help="Of a video: vPDQ's text format, frame,quality,hash,seconds.")]

_GRAPHIC_CONTROL: Final = b"\x21\xf9\x04"
"""What precedes each frame of an animated GIF."""
_MOST_FRAMES: Final = 1_000_000


def video_options(
    names: Sequence[str],
    every: float,
    keyframes: bool,
    all_frames: bool,
    kinds: Sequence[str],
    *,
    keep_repeats: bool = False,
) -> VideoOptions:
    """What the flags say; a usage error where they say two things, or name several kinds and a file is a video."""
    if keyframes and all_frames:
        raise typer.BadParameter("--keyframes and --all-frames exclude each other")
    if len(kinds) > 1 and any(is_video(name) for name in names):
        raise typer.BadParameter("a video is hashed by one kind", param_hint="--kind")
    selection = Selection.KEYFRAMES if keyframes else Selection.ALL if all_frames else Selection.INTERVAL
    kind = kinds[0] if kinds else PDQ
    return VideoOptions(selection, max(1, round(every * SECOND)), kind, keep_repeats=keep_repeats)


def is_video(name: str) -> bool:
    """Whether a file is a video or an animated image; what cannot be read is not."""
    from hashmatch.media.container import HEAD, is_moving

    if name == STANDARD_INPUT:
        return False
    try:
        with Path(name).open("rb") as file:
            head = file.read(HEAD)
            if head[:4] == b"GIF8":
                return (head + file.read(2**25)).count(_GRAPHIC_CONTROL) > 1
    except OSError:
        return False
    return is_moving(head)


@contextmanager
def bar(shown: Progress, name: str) -> Iterator[Callable[[ScanProgress], None]]:
    """A bar of a video's seconds, and what to tell it how many of them were looked at."""
    task = shown.add_task(printable(name), total=None)

    def reached(progress: ScanProgress) -> None:
        total = None if progress.duration is None else progress.duration / SECOND
        shown.update(task, total=total, completed=progress.scanned_until / SECOND)

    try:
        yield reached
    finally:
        shown.remove_task(task)


def vpdq_line(number: int, frame: HashedFrame) -> str:
    """A line of vPDQ's text format; the number counts the frames that were looked at."""
    return f"{number},{frame.hash.quality},{frame.hash.hex},{frame.shown.start / SECOND:.3f}"


def read_vpdq(name: str, provenance: Provenance) -> list[NewEntry]:
    """The frames of one video from vPDQ's text format; raises MediaError naming the line that is none."""
    from hashmatch.lists import BEGINNING, Format, Unsaid
    from hashmatch.lists.reading import read_rows

    entries = []
    try:
        with Path(name).open("rb") as stream:
            for row in read_rows(stream, Format.VPDQ, Unsaid(PDQ, content_id=provenance.content_id), BEGINNING):
                if isinstance(row.entry, str):
                    raise MediaError(f"line {row.line}: {row.entry}")
                entries.append(replace(row.entry, provenance=provenance))
                if len(entries) > _MOST_FRAMES:
                    raise MediaError(f"more than {_MOST_FRAMES:,} frames")
    except OSError as error:
        raise MediaError(f"cannot be read: {error.strerror}") from error
    if not entries:
        raise MediaError("there are no frames")
    return entries


def scan_object(scan: Scan) -> dict[str, Any]:
    return {
        "media_type": scan.info.media_type,
        "width": scan.info.width,
        "height": scan.info.height,
        "duration": None if scan.info.duration is None else scan.info.duration / SECOND,
        "frames_scanned": scan.frames_scanned,
        "scanned_until": scan.scanned_until / SECOND,
        "complete": scan.complete,
        "incomplete": scan.incomplete,
    }


def frame_object(frame: HashedFrame) -> dict[str, Any]:
    return {"shown": range_object(frame.shown), "count": frame.count, "hash": hash_object(frame.hash)}


def video_decision_object(found: VideoDecision) -> dict[str, Any]:
    images = [
        {**match_object(each.match), "shown": range_object(each.shown), "frames": each.frames} for each in found.images
    ]
    videos = [
        {
            "bank": each.bank,
            "action": each.action,
            "provenance": provenance_object(each.provenance),
            "counts": each.counts,
            "query_frames": each.query_frames,
            "query_compared": each.query_compared,
            "known_frames": each.known_frames,
            "known_compared": each.known_compared,
            "distance": each.distance,
            "passages": [
                {"query": range_object(part.query), "known": range_object(part.known), "frames": part.frames}
                for part in each.passages
            ],
        }
        for each in found.videos
    ]
    return {
        "verdict": found.verdict,
        "images": images,
        "total_images": found.total_images,
        "videos": videos,
        "total_videos": found.total_videos,
        "low_quality_frames": found.low_quality_frames,
        "banks_not_compared": list(found.banks_not_compared),
        "revision": found.revision,
        **scan_object(found.scan),
    }


def video_cells(found: VideoDecision) -> list[str | Text]:
    """Verdict, bank, distance, orientation, view, content with its time in the query, and how much matched."""
    partial = "" if found.scan.complete else f"; not looked at to its end ({found.scan.incomplete})"
    total = str(found.total_images + found.total_videos)
    verdict = verdict_text(found.verdict)
    for video in found.videos[:1]:
        if video.counts or not found.images:
            at = ", ".join(_span(part.query) for part in video.passages[:3])
            content = f"{video.provenance.content_id} at {at}{partial}"
            return [verdict, video.bank, str(video.distance), "", "", content, total]
    for image in found.images[:1]:
        match = image.match
        content = f"{match.provenance.content_id or f'entry {match.entry_id}'} at {_span(image.shown)}{partial}"
        return [verdict, match.bank, str(match.distance), match.orientation, match.view, content, total]
    skipped = ", ".join(found.banks_not_compared)
    words = f"quality too low for {skipped}" if skipped else ""
    return [verdict, "", "", "", "", (words + partial).removeprefix("; "), ""]


def _span(shown: TimeRange) -> str:
    first, last = (f"{time // SECOND // 60}:{time / SECOND % 60:04.1f}" for time in (shown.start, shown.end))
    return first if first == last else f"{first}-{last}"
