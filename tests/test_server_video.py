"""Videos over a socket: clips and pictures that were hidden are found, and what was not looked at is told."""

import asyncio
import contextlib
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest

from hashmatch import errors
from hashmatch.cli.child import ServerProcess
from hashmatch.client import AsyncClient, Client
from hashmatch.types import (
    SECOND,
    Action,
    Bank,
    Incomplete,
    LumaPlane,
    MatchOptions,
    NewMedia,
    Provenance,
    ScanProgress,
    Selection,
    Verdict,
    VideoDecision,
    VideoOptions,
)
from hashmatch.v1 import match_pb2, match_pb2_grpc, types_pb2, video_pb2
from tests.command import COMMAND
from tests.servers import running_server
from tests.video_files import Pixels, animated, encoded, film, scene

MINUTES = 10


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.address, timeout=30) as connected:
        yield connected


@pytest.fixture(scope="module")
def clip(photos: dict[str, Pixels]) -> list[Pixels]:
    """10 seconds that are in no other film here."""
    return list(scene(photos["astronaut"], 50)) + list(scene(photos["chelsea"], 50))


@pytest.fixture(scope="module")
def others(photos: dict[str, Pixels]) -> list[Pixels]:
    return [photo for name, photo in sorted(photos.items()) if name not in {"astronaut", "chelsea", "rocket"}]


@pytest.fixture(scope="module")
def long_film(others: list[Pixels]) -> list[Pixels]:
    """10 minutes at 5 frames a second."""
    return list(film(others, 60 * MINUTES, rate=5, size=(128, 96)))


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def small(picture: Pixels) -> Pixels:
    return cv2.resize(picture, (128, 96), interpolation=cv2.INTER_AREA).astype(np.uint8)


def known(client: Client, name: str, path: Path, action: Action = Action.BLOCK) -> MatchOptions:
    """Options that look into a new bank of that one video."""
    client.create_bank(Bank(name, action=action))
    _, revision = client.add_video(name, path, Provenance("known"))
    return MatchOptions(banks=(name,), min_revision=revision)


def test_a_clip_in_a_long_video_is_found_with_both_times(
    client: Client, tmp_path: Path, clip: list[Pixels], long_film: list[Pixels]
) -> None:
    options = known(client, "clips", saved(tmp_path / "clip.mp4", encoded(clip, rate=10)))
    query = [*long_film[:1650], *(small(picture) for picture in clip[::2]), *long_film[1650:]]
    found = client.match_video(saved(tmp_path / "long.webm", encoded(query, "libvpx", "webm", rate=5)), options)
    assert found.scan.complete
    assert found.scan.frames_scanned == 60 * MINUTES + 10
    (video,) = found.videos
    assert (found.verdict, video.counts, video.bank, video.provenance.content_id) == (
        Verdict.BLOCK,
        True,
        "clips",
        "known",
    )
    passage = max(video.passages, key=lambda each: each.frames)
    for time, expected in zip(
        (passage.query.start, passage.query.end, passage.known.start, passage.known.end), (330, 339, 0, 9), strict=True
    ):
        assert abs(time / SECOND - expected) <= 1


def test_a_clip_of_a_long_known_video_is_found(client: Client, tmp_path: Path, long_film: list[Pixels]) -> None:
    options = known(client, "films", saved(tmp_path / "film.mp4", encoded(long_film, rate=5)))
    cut = long_film[5 * 404 : 5 * 414]
    found = client.match_video(saved(tmp_path / "cut.webm", encoded(cut, "libvpx-vp9", "webm", rate=5)), options)
    (video,) = found.videos
    assert (found.verdict, video.counts) == (Verdict.BLOCK, True)
    passage = max(video.passages, key=lambda each: each.frames)
    assert abs(passage.known.start / SECOND - 404) <= 1
    assert abs(passage.known.end / SECOND - 413) <= 1
    assert (passage.query.start, passage.query.end) == (0, 9 * SECOND)


def test_a_known_picture_shown_for_a_second_is_found(
    client: Client, tmp_path: Path, photos: dict[str, Pixels], long_film: list[Pixels]
) -> None:
    client.create_bank(Bank("pictures", action=Action.BLOCK))
    done, png = cv2.imencode(".png", photos["rocket"][:, :, ::-1])
    assert done
    _, revision = client.add_entries("pictures", [NewMedia(png.tobytes(), Provenance("rocket"))])
    query = [*long_film]
    query[1837:1842] = [small(photos["rocket"])] * 5
    path = saved(tmp_path / "long.mp4", encoded(query, rate=5))
    options = MatchOptions(banks=("pictures",), min_revision=revision)
    found = client.match_video(path, options)
    (image,) = found.images
    assert (found.verdict, image.match.provenance.content_id, found.videos) == (Verdict.BLOCK, "rocket", ())
    assert abs(image.shown.start - 368 * SECOND) <= SECOND // 2
    stopped = client.match_video(path, options, VideoOptions(stop_at_block=True))
    assert (stopped.verdict, stopped.scan.incomplete) == (Verdict.BLOCK, Incomplete.STOPPED)
    assert 368 < stopped.scan.frames_scanned < 600
    by_keyframe = client.match_video(path, options, VideoOptions(Selection.KEYFRAMES))
    assert by_keyframe.scan.complete
    assert by_keyframe.scan.frames_scanned < 600


def boxed(picture: Pixels) -> Pixels:
    frame = np.zeros((160, 160, 3), np.uint8)
    frame[20:140] = cv2.resize(picture, (160, 120))
    return frame


def marked(picture: Pixels) -> Pixels:
    return cv2.putText(picture.copy(), "overlay", (5, 110), cv2.FONT_HERSHEY_PLAIN, 1, (255, 255, 255)).astype(np.uint8)


ALTERED: dict[str, Any] = {
    "re-encoded": lambda pictures: encoded(pictures, "libx265", options={"crf": "35"}),
    "smaller": lambda pictures: encoded([cv2.resize(picture, (96, 72)) for picture in pictures]),
    "mirrored": lambda pictures: encoded([np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]),
    "letterboxed": lambda pictures: encoded(list(map(boxed, pictures))),
    "overlaid": lambda pictures: encoded(list(map(marked, pictures))),
    "faster": lambda pictures: encoded(pictures, rate=13),
    "cut": lambda pictures: encoded(pictures[20:80]),
    "GIF": lambda pictures: animated(pictures[::10], "GIF", 1000),
}


@pytest.fixture(scope="module")
def altered(client: Client, tmp_path_factory: pytest.TempPathFactory, clip: list[Pixels]) -> MatchOptions:
    return known(client, "altered", saved(tmp_path_factory.mktemp("known") / "clip.mp4", encoded(clip, rate=10)))


@pytest.mark.parametrize("how", ALTERED)
def test_altered_copies_are_found(
    how: str, client: Client, altered: MatchOptions, tmp_path: Path, clip: list[Pixels]
) -> None:
    # At another speed no two frames are of the same moment, unless there are many.
    options = VideoOptions(interval=100_000 if how == "faster" else SECOND)
    found = client.match_video(saved(tmp_path / "query", ALTERED[how](clip)), altered, options)
    (video,) = found.videos
    assert video.counts, (video.query_frames, video.query_compared, video.known_frames, video.known_compared)
    assert found.verdict is Verdict.BLOCK


def test_a_sticker_with_one_bad_frame_is_found(
    client: Client, tmp_path: Path, clip: list[Pixels], photos: dict[str, Pixels]
) -> None:
    client.create_bank(Bank("stickers", action=Action.BLOCK))
    bad = next(scene(photos["rocket"], 1))
    done, png = cv2.imencode(".png", bad[:, :, ::-1])
    assert done
    _, revision = client.add_entries("stickers", [NewMedia(png.tobytes())])
    frames = clip[:20]
    frames[13] = bad
    for kind in ("GIF", "WEBP", "AVIF"):
        path = saved(tmp_path / kind, animated(frames, kind, 40))
        found = client.match_video(path, MatchOptions(banks=("stickers",), min_revision=revision))
        (image,) = found.images
        assert (found.verdict, image.shown.start, found.scan.frames_scanned) == (Verdict.BLOCK, 13 * 40_000, 20)


def test_frames_decoded_elsewhere_are_a_video(client: Client, altered: MatchOptions, clip: list[Pixels]) -> None:
    luma = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in clip[::10]]
    frames: list[tuple[int, bytes | LumaPlane]] = []
    for second, plane in enumerate(luma):
        png = cv2.imencode(".png", plane)[1].tobytes()
        frames.append((second * SECOND, png if second % 2 else LumaPlane(160, 120, plane.tobytes())))
    found = client.match_frames(frames, altered)
    (video,) = found.videos
    assert (found.verdict, video.query_frames, found.scan.frames_scanned) == (Verdict.BLOCK, 10, 10)
    for wrong, field in (
        ([(1, frames[0][1]), (0, frames[0][1])], "frames[1].time_us"),
        ([(0, LumaPlane(3, 3, b"1"))], "frames[0].luma.samples"),
        ([(0, b"no image")], "frames[0]"),
        ([], "frame"),
    ):
        with pytest.raises(errors.InvalidInput) as caught:
            client.match_frames(wrong, altered)
        assert caught.value.details["field"] == field
    stopped = client.match_frames(frames * 1, altered, VideoOptions(stop_at_block=True))
    assert stopped.verdict is Verdict.BLOCK


async def test_the_asynchronous_client_says_the_same(
    server: ServerProcess, client: Client, altered: MatchOptions, tmp_path: Path, clip: list[Pixels]
) -> None:
    path = saved(tmp_path / "clip.mp4", encoded(clip))
    picture = cv2.imencode(".png", clip[0])[1].tobytes()
    async with AsyncClient(server.address, timeout=30) as other:
        assert await other.match_video(path, altered) == client.match_video(path, altered)
        assert await other.hash_video(path) == client.hash_video(path)
        assert await other.match_frames([(0, picture)], altered) == client.match_frames([(0, picture)], altered)
        await other.create_bank(Bank("again"))
        hashed, revision = await other.add_video("again", path, Provenance("again"))
        assert revision > 0
        assert len([entry async for entry in other.list_entries("again")]) == len(hashed.frames)
        with pytest.raises(errors.InvalidField):
            await other.add_video("again", path, Provenance())


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory, long_film: list[Pixels]) -> Path:
    """So long that every frame of it takes seconds."""
    return saved(tmp_path_factory.mktemp("long") / "long.mp4", encoded(long_film, rate=5))


async def test_a_caller_is_told_how_far_the_scan_has_come(
    server: ServerProcess, client: Client, long_file: Path
) -> None:
    told: list[ScanProgress] = []
    every = VideoOptions(Selection.ALL)
    found = client.match_video(long_file, video=every, on_progress=told.append)
    assert told
    assert {each.duration for each in told} == {60 * MINUTES * SECOND}
    assert all(0 <= each.scanned_until <= found.scan.scanned_until for each in told)
    more: list[ScanProgress] = []
    async with AsyncClient(server.address, timeout=30) as other:
        assert (await other.hash_video(long_file, every, on_progress=more.append)).scan == found.scan
    assert [each.scanned_until for each in more] == sorted(each.scanned_until for each in more)
    assert more


def on_a_terminal(*command: str) -> bytes:
    """What a command writes to standard error where that is a terminal, and standard output is none."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # the terminal is gone with the process
        while part := os.read(ours, 2**16):
            said += part
    os.close(ours)
    process.wait()
    return said


def test_the_command_line_shows_it_by_time(server: ServerProcess, client: Client, long_file: Path) -> None:
    client.create_bank(Bank("shown"))
    for command in (["bank", "add", "shown"], ["match", "--bank", "shown"]):
        said = on_a_terminal(*COMMAND, "--server", server.address, *command, "--all-frames", str(long_file))
        assert re.search(rb"[1-9]\d*/600", said), said


def test_repeats_are_counted_or_kept(client: Client, tmp_path: Path, clip: list[Pixels]) -> None:
    path = saved(tmp_path / "still.mp4", encoded([clip[0]] * 30 + [clip[60]] * 10))
    runs = client.hash_video(path, VideoOptions(Selection.ALL))
    assert [(frame.count, frame.shown.start, frame.shown.end) for frame in runs.frames] == [
        (30, 0, 2_900_000),
        (10, 3_000_000, 3_900_000),
    ]
    each = client.hash_video(path, VideoOptions(Selection.ALL, keep_repeats=True))
    assert [frame.count for frame in each.frames] == [1] * 40
    assert each.scan == runs.scan


def start(size: int, **video: Any) -> match_pb2.MatchVideoRequest:
    begin = match_pb2.MatchVideoStart(upload=video_pb2.Upload(size=size), video=video_pb2.VideoOptions(**video))
    return match_pb2.MatchVideoRequest(start=begin)


def chunk(data: bytes) -> match_pb2.MatchVideoRequest:
    return match_pb2.MatchVideoRequest(chunk=data)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "start"),
        ([chunk(b"x")], "start"),
        ([start(0)], "start.upload.size"),
        ([start(2**40), chunk(b"x")], "max_video_bytes"),
        ([start(3), chunk(b"xx")], "2 bytes came of the 3"),
        ([start(3), chunk(b"xxxx")], "more bytes than the 3"),
        ([start(3), start(3)], "all messages but the first are chunks"),
        ([start(3, kind="md5"), chunk(b"xxx")], "md5 does not hash pixels"),
        ([start(3, kind="?"), chunk(b"xxx")], "unknown kind"),
        ([start(3, interval_us=-1), chunk(b"xxx")], "video.interval_us"),
        ([start(3), chunk(b"xxx")], "no supported image"),
    ],
)
def test_what_cannot_be_scanned_is_an_error(server: ServerProcess, parts: list[Any], words: str) -> None:
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
        list(match_pb2_grpc.MatchServiceStub(channel).MatchVideo(iter(parts)))
    failure: Any = caught.value
    assert failure.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in failure.details()


def test_other_options_are_checked_first(server: ServerProcess) -> None:
    wrong = match_pb2.MatchVideoStart(options=types_pb2.MatchOptions(max_matches=2000))
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
        list(match_pb2_grpc.MatchServiceStub(channel).MatchVideo(iter([match_pb2.MatchVideoRequest(start=wrong)])))
    failure: Any = caught.value
    assert "options.max_matches" in failure.details()


def test_a_caller_who_goes_away_frees_the_worker(tmp_path: Path, others: list[Pixels]) -> None:
    path = saved(tmp_path / "long.mp4", encoded(film(others, 120)))
    with (
        running_server(tmp_path / "data", HASHMATCH_WORKERS="1") as server,
        Client(server.address, timeout=30) as client,
    ):

        async def leave() -> None:
            async with AsyncClient(server.address) as hasty:
                call = asyncio.create_task(hasty.match_video(path, video=VideoOptions(Selection.ALL)))
                await asyncio.sleep(0.25)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call

        asyncio.run(leave())
        found: VideoDecision = client.match_video(saved(tmp_path / "one.mp4", encoded(film(others, 4))))
        assert found.scan.complete
