"""Videos on the command line: hashed here, made known and matched there, and in vPDQ's text format."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hashmatch.cli.child import ServerProcess
from tests.command import called, hashmatch
from tests.video_files import Pixels, animated, encoded, scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photos: dict[str, Pixels]) -> Path:
    made = tmp_path_factory.mktemp("videos")
    clip = [*scene(photos["astronaut"], 30), *scene(photos["chelsea"], 30)]
    (made / "clip.mp4").write_bytes(encoded(clip))
    (made / "copy.webm").write_bytes(encoded(clip, "libvpx", "webm"))
    (made / "other.avi").write_bytes(encoded(scene(photos["rocket"], 20), "mpeg4", "avi"))
    (made / "sticker.gif").write_bytes(animated(clip[::10], "GIF", 500))
    data = encoded(clip, "libvpx", "webm")
    (made / "cut.webm").write_bytes(data[: len(data) // 2])
    cv2.imwrite(str(made / "still.png"), np.ascontiguousarray(clip[0][:, :, ::-1]))
    return made


def test_hash_prints_each_frame_and_its_second(folder: Path) -> None:
    done = called("hash", folder / "clip.mp4", folder / "still.png")
    lines = [line.split() for line in done.out.splitlines()]
    assert (done.code, len(lines)) == (0, 7)
    assert [float(line[-1]) for line in lines[:6]] == [0, 1, 2, 3, 4, 5]
    assert lines[6][0] == lines[0][0] or len(lines[6]) == 3
    *frames, scan = called("hash", "--every", "0.5", "--json", folder / "clip.mp4").objects
    assert [frame["shown"]["start"] for frame in frames] == [at / 2 for at in range(12)]
    assert (scan["frames_scanned"], scan["complete"], scan["media_type"]) == (12, True, "video/mp4")
    cut = called("hash", "--all-frames", folder / "cut.webm")
    assert (cut.code, "not looked at to its end (DAMAGED)" in cut.err) == (3, True)
    assert called("hash", "--all-frames", "--keyframes", folder / "clip.mp4").code == 2
    assert called("hash", "--kind", "pdq", "--kind", "phash", folder / "clip.mp4").code == 2


def test_known_videos_match(server: ServerProcess, folder: Path) -> None:
    assert called("--server", server.address, "bank", "create", "films", "--action", "BLOCK").code == 0
    added = called("--server", server.address, "bank", "add", "films", folder / "clip.mp4", folder / "still.png")
    assert added.code == 0
    assert "added 6 frames of " in added.out
    assert "added 1 to films" in added.out
    names = [folder / name for name in ("copy.webm", "other.avi", "sticker.gif", "cut.webm", "still.png", "gone.mp4")]
    found = called("--server", server.address, "match", "--json", *names)
    copy, other, sticker, cut, still, gone = found.objects
    assert found.code == 23
    assert (copy["verdict"], copy["videos"][0]["provenance"]["content_id"]) == ("BLOCK", "clip.mp4")
    assert copy["videos"][0]["passages"][0]["query"] == {"start": 0.0, "end": 5.0}
    assert (other["verdict"], other["complete"], other["videos"]) == ("ALLOW", True, [])
    assert (sticker["verdict"], sticker["media_type"], sticker["frames_scanned"]) == ("BLOCK", "image/gif", 6)
    assert (cut["complete"], cut["incomplete"]) == (False, "DAMAGED")
    assert (still["verdict"], still["media_type"]) == ("BLOCK", "image/png")
    assert gone["error"]["reason"] == "MEDIA_NOT_SCANNED"
    table = called("--server", server.address, "match", folder / "copy.webm", folder / "other.avi")
    assert table.code == 20
    assert "clip.mp4 at 0:00.0-0:05.0" in table.out
    damaged = called("--server", server.address, "match", folder / "cut.webm")
    assert "not looked at to its end" in damaged.out


def test_vpdq_text_goes_out_and_in(server: ServerProcess, folder: Path, tmp_path: Path) -> None:
    text = called("hash", "--vpdq", "--all-frames", folder / "clip.mp4").out
    lines = [line.split(",") for line in text.splitlines()]
    assert [int(line[0]) for line in lines] == list(range(60))
    assert [float(line[3]) for line in lines] == pytest.approx([at / 10 for at in range(60)])
    listed = tmp_path / "clip.txt"
    listed.write_text(text)
    assert called("--server", server.address, "bank", "create", "lists", "--action", "REVIEW").code == 0
    add = ("--server", server.address, "bank", "add", "lists", "--vpdq", listed)
    added = called(*add, "--content-id", "clip", "--json")
    assert (added.object["frames"], added.object["content_id"]) == (60, "clip")
    found = called("--server", server.address, "match", "--bank", "lists", "--json", folder / "copy.webm").object
    assert (found["verdict"], found["videos"][0]["known_compared"]) == ("REVIEW", 60)
    for wrong in ("", "1,2,3\n", "0,100,abcd,0.0\n", f"0,101,{'0' * 64},0.0\n", f"0,1,{'0' * 64},inf\n", "é"):
        listed.write_text(wrong)
        refused = called(*add)
        assert (refused.code, refused.out) == (3, "")


@pytest.mark.parametrize("command", ["hash", "match"])
def test_help_teaches_videos(command: str) -> None:
    assert "--keyframes" in hashmatch(command, "--help", COLUMNS="200").out
