"""A worker hashes a video as an unsealed process would, tells of damage, and is given up at once."""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hashmatch.errors import CorruptMedia, MediaError, MediaTooLarge
from hashmatch.sandbox import Loss, Pool, Stop, Stopped, VideoJob
from hashmatch.sandbox.in_process import InProcess
from hashmatch.settings import MediaLimits
from hashmatch.types import Incomplete, Scan, SeenFrame, Selection, VideoOptions
from tests.video_files import Pixels, animated, encoded, film, scene

LIMITS = MediaLimits()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(LIMITS, 1) as made:
        yield made


@pytest.fixture(scope="module")
def photo(photos: dict[str, Pixels]) -> Pixels:
    return photos["astronaut"]


def hashed(hasher: Pool | InProcess, path: Path, job: VideoJob) -> tuple[Scan, list[SeenFrame]]:
    frames: list[SeenFrame] = []

    def take(seen: Sequence[SeenFrame]) -> bool:
        frames.extend(seen)
        return True

    file = os.open(path, os.O_RDONLY)
    try:
        return hasher.hash_video(file, job, take), frames
    finally:
        os.close(file)


@pytest.mark.parametrize(
    ("codec", "container"),
    [
        ("libx264", "mp4"),
        ("libx265", "mp4"),
        ("libvpx", "webm"),
        ("libvpx-vp9", "webm"),
        ("libsvtav1", "mp4"),
        ("mpeg4", "avi"),
        ("GIF", ""),
        ("WEBP", ""),
        ("AVIF", ""),
    ],
)
def test_the_seal_changes_nothing(codec: str, container: str, tmp_path: Path, photo: Pixels, pool: Pool) -> None:
    pictures = list(scene(photo, 40 if container else 8))
    path = tmp_path / "video"
    path.write_bytes(encoded(pictures, codec, container) if container else animated(pictures, codec))
    for selection in Selection:
        for kind in ("pdq", "phash"):
            job = VideoJob(VideoOptions(selection, 500_000, kind), all_views=True)
            assert hashed(pool, path, job) == hashed(InProcess(LIMITS), path, job)
    assert not pool.losses


def test_dull_frames_are_hashed_as_unsealed_too(tmp_path: Path, photo: Pixels, pool: Pool) -> None:
    path = tmp_path / "video"
    path.write_bytes(encoded([picture // 40 + 100 for picture in scene(photo, 6)]))
    job = VideoJob(VideoOptions(Selection.ALL))
    scan, frames = hashed(pool, path, job)
    assert (scan, frames) == hashed(InProcess(LIMITS), path, job)
    assert [(frame.hashes[0].quality or 0) < 80 for frame in frames] == [True] * 6


def test_borders_are_looked_within(tmp_path: Path, photo: Pixels, pool: Pool) -> None:
    boxed = []
    for picture in scene(photo, 3):
        frame = picture.copy()
        frame[:20] = frame[-20:] = 0
        boxed.append(frame)
    path = tmp_path / "video"
    path.write_bytes(encoded(boxed))
    scan, frames = hashed(pool, path, VideoJob(VideoOptions(Selection.ALL), all_views=True))
    assert (scan.frames_scanned, scan.complete) == (3, True)
    assert all(len(frame.inner) == 8 for frame in frames)


def test_what_is_no_video_is_an_error(tmp_path: Path, photo: Pixels, pool: Pool) -> None:
    path = tmp_path / "video"
    data = encoded(scene(photo, 10))
    for content in (b"", b"no video", data[: len(data) // 2], b"\x1aE\xdf\xa3" + bytes(100)):
        path.write_bytes(content)
        with pytest.raises(MediaError):
            hashed(pool, path, VideoJob())
    path.write_bytes(data)
    with (
        Pool(MediaLimits(max_video_bytes=len(data) - 1), 1) as small,
        pytest.raises(MediaTooLarge, match="max_video_bytes"),
    ):
        hashed(small, path, VideoJob())


def test_a_damaged_end_is_incomplete(tmp_path: Path, photo: Pixels, pool: Pool) -> None:
    path = tmp_path / "video"
    data = encoded(scene(photo, 30), "libvpx", "webm")
    path.write_bytes(data[: len(data) * 2 // 3])
    try:
        scan, frames = hashed(pool, path, VideoJob(VideoOptions(Selection.ALL)))
    except CorruptMedia:
        pytest.fail("what is left of it can be seen")
    assert scan.incomplete is Incomplete.DAMAGED
    assert 0 < scan.frames_scanned == len(frames) < 30
    assert scan.scanned_until == frames[-1].time


def test_whoever_wants_no_more_gets_no_more(tmp_path: Path, photo: Pixels) -> None:
    path = tmp_path / "video"
    path.write_bytes(encoded(scene(photo, 200)))
    file = os.open(path, os.O_RDONLY)
    for hasher in (InProcess(LIMITS), Pool(LIMITS, 1)):
        scan = hasher.hash_video(file, VideoJob(VideoOptions(Selection.ALL)), lambda _: False)
        assert scan.incomplete is Incomplete.STOPPED
        assert 0 < scan.frames_scanned < 200
        if isinstance(hasher, Pool):
            assert hasher.losses == {Loss.LEFT: 1}
            hasher.close()
    os.close(file)


def test_a_job_is_given_up_while_it_is_at_work(tmp_path: Path, photos: dict[str, Pixels], pool: Pool) -> None:
    path = tmp_path / "video"
    path.write_bytes(encoded(film(list(photos.values()), 60)))
    stop, begun, thrown = Stop(), threading.Event(), threading.Event()

    def take(_: object) -> bool:
        begun.set()
        return thrown.wait(60)

    file = os.open(path, os.O_RDONLY)

    def leave() -> None:
        begun.wait(60)
        stop.throw()
        thrown.set()

    thrower = threading.Thread(target=leave)
    thrower.start()
    with pytest.raises(Stopped):
        pool.hash_video(file, VideoJob(VideoOptions(Selection.ALL), stop=stop), take)
    thrower.join()
    assert pool.losses == {Loss.LEFT: 1}
    with pytest.raises(Stopped):
        pool.hash_video(file, VideoJob(stop=stop), take)
    scan = pool.hash_video(file, VideoJob(), take)
    assert (scan.frames_scanned, scan.complete) == (60, True)
    os.close(file)
