"""`hashmatch hash`: the hashes of files, computed here."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hashmatch.cli.common import AsJson, Code, configured
from hashmatch.cli.inputs import Files, Kinds, Sandboxed, check_kinds, expand, read
from hashmatch.cli.objects import emit, error_object, hash_object
from hashmatch.cli.output import bars, complain, printable
from hashmatch.cli.videos import (
    AllFrames,
    Every,
    Keyframes,
    Vpdq,
    bar,
    frame_object,
    is_video,
    scan_object,
    video_options,
    vpdq_line,
)
from hashmatch.errors import MediaError
from hashmatch.types import SECOND, HashedImage, Sandbox, ScanProgress, SeenFrame, VideoInfo, VideoOptions

if TYPE_CHECKING:
    from hashmatch.sandbox import Pool
    from hashmatch.videos.runs import Run


def hash_files(  # noqa: PLR0913, PLR0917 - one parameter for each option
    files: Files,
    kind: Kinds = None,
    every: Every = 1.0,
    keyframes: Keyframes = False,
    all_frames: AllFrames = False,
    vpdq: Vpdq = False,
    as_json: AsJson = False,
    sandbox: Sandboxed = Sandbox.ON,
) -> None:
    """Print the hash and quality of images and of videos' frames, by PDQ unless told otherwise; no server is asked.

    A line holds the hash, the quality (0 to 100, or - where the kind has none) and the file's name; of a video, too,
    the second at which a frame is shown, and near-identical frames in a row are one line.

    Example: hashmatch hash photo.jpg
    """
    from hashmatch.sandbox import Job, Pool
    from hashmatch.settings import MediaLimits

    limits = configured(MediaLimits)
    kinds = check_kinds(kind or ())
    names = expand(files)
    video = video_options(names, every, keyframes, all_frames, kind or (), keep_repeats=vpdq)
    job, code = Job(kinds), Code.DONE
    with Pool(limits, 1, sandbox) as pool:
        for name in names:
            try:
                if is_video(name):
                    code = max(code, _hash_video(pool, name, video, vpdq=vpdq, as_json=as_json))
                else:
                    _print(name, pool.hash_image(read(name, limits.max_media_bytes), job), as_json=as_json)
            except MediaError as error:
                code = Code.NOT_SCANNED
                if as_json:
                    emit({"file": name, "error": error_object(error)})
                else:
                    complain(f"{name}: {error} ({error.reason})")
    raise typer.Exit(code)


def _print(name: str, image: HashedImage, *, as_json: bool) -> None:
    for value in image.originals:
        if as_json:
            found = {"media_type": image.media_type, "width": image.width, "height": image.height}
            emit({"file": name, "hash": hash_object(value), **found})
        else:
            typer.echo(f"{value.hex} {'-' if value.quality is None else value.quality:>3} {printable(name)}")


def _hash_video(pool: "Pool", name: str, options: VideoOptions, *, vpdq: bool, as_json: bool) -> Code:
    """Print the frames as they come; NOT_SCANNED where some of the video was not looked at."""
    from hashmatch.sandbox import VideoJob
    from hashmatch.videos import Runs

    runs, numbers = Runs(keep_repeats=options.keep_repeats), count()

    def show(over: "Sequence[Run]") -> None:
        for run in over:
            frame = run.hashed
            if as_json:
                emit({"file": name, **frame_object(frame)})
            elif vpdq:
                typer.echo(vpdq_line(next(numbers), frame))
            else:
                quality = "-" if frame.hash.quality is None else frame.hash.quality
                typer.echo(f"{frame.hash.hex} {quality:>3} {printable(name)} {frame.shown.start / SECOND:.3f}")

    with Path(name).open("rb") as file, bars(streaming=True) as shown, bar(shown, name) as reached:
        infos: list[VideoInfo] = []

        def take(frames: Sequence[SeenFrame]) -> bool:
            show(runs.add(frames))
            reached(ScanProgress(infos[0].duration, frames[-1].time))
            return True

        scan = pool.hash_video(file.fileno(), VideoJob(options, told=infos.append), take)
        show(runs.end())
    if as_json:
        emit({"file": name, **scan_object(scan)})
    if not scan.complete:
        complain(f"{name}: not looked at to its end ({scan.incomplete})")
    return Code.DONE if scan.complete else Code.NOT_SCANNED
