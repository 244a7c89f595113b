import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pyarrow.parquet as pq
import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.client import AsyncClient, Client
from hashmatch.errors import InvalidField, MediaError
from hashmatch.types import SECOND, LumaPlane, MatchOptions
from tests.backfill_media import jpeg
from tests.command import called
from tests.servers import running_server
from tests.video_files import Pixels, encoded, scene


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Path]]:
    """A server, and the folder of its log, which is written every moment."""
    folder = tmp_path_factory.mktemp("kept")
    log = folder / "log"
    with running_server(folder / "data", HASHMATCH_HASH_LOG=str(log), HASHMATCH_HASH_LOG_SECONDS="0.2") as server:
        yield server, log


def rows_of(log: Path, content_ids: set[str]) -> list[dict[str, Any]]:
    """All rows of items with those names, once there are some of each."""
    for _ in range(300):
        rows = [row for file in sorted(log.glob("date=*/*.parquet")) for row in pq.read_table(file).to_pylist()]
        if content_ids <= {row["content_id"] for row in rows}:
            return [row for row in rows if row["content_id"] in content_ids]
        time.sleep(0.1)
    raise AssertionError(content_ids)


def test_frames_of_videos_with_a_content_id_are_kept(
    kept: tuple[ServerProcess, Path], tmp_path: Path, photos: dict[str, Pixels]
) -> None:
    server, log = kept
    clip = [*scene(photos["astronaut"], 20), *scene(photos["chelsea"], 20)]
    path = tmp_path / "clip.mp4"
    path.write_bytes(encoded(clip))
    still = tmp_path / "still.png"
    still.write_bytes(cv2.imencode(".png", clip[0][:, :, ::-1])[1].tobytes())
    with Client(server.address) as client:
        hashed = client.hash_video(path, content_id="hashed")
        client.match_video(path, content_id="matched")
        client.match_video(path)
        client.match_video(still, content_id="still")
        frames: list[tuple[int, bytes | LumaPlane]] = [(2 * at * SECOND, still.read_bytes()) for at in range(8)]
        client.match_frames([*frames, (20 * SECOND, jpeg(1))], content_id="frames")
        with pytest.raises(InvalidField, match="content_id"):
            client.match_video(path, content_id="x" * 257)
        with pytest.raises(InvalidField, match="content_id"):
            client.match_frames(frames, content_id="x" * 257)
    names = {"hashed", "matched", "still", "frames"}
    rows = rows_of(log, names)
    by_name = {name: [row for row in rows if row["content_id"] == name] for name in names}
    expected = [(frame.shown.start, frame.hash.bits, frame.hash.quality) for frame in hashed.frames]
    assert len(expected) == 4
    for name in ("hashed", "matched"):
        assert [(row["frame_us"], row["hash"], row["quality"]) for row in by_name[name]] == expected
    assert [row["frame_us"] for row in by_name["still"]] == [0]
    assert [row["frame_us"] for row in by_name["frames"]] == [0, 12 * SECOND, 20 * SECOND]  # a run lasts 10 s at most
    seen = called("backfill", "rescan", log, "--hash", expected[2][1].hex(), "--threshold", 0)
    assert sorted((row["content_id"], row["frame_us"]) for row in seen.objects if row["content_id"] != "frames") == [
        ("hashed", 2 * SECOND),
        ("matched", 2 * SECOND),
    ]


async def test_uploads_with_a_content_id_are_kept_and_found_again(kept: tuple[ServerProcess, Path]) -> None:
    server, log = kept
    with Client(server.address) as client:
        decision = client.match_image(jpeg(1), content_id="single")
        client.match_image(jpeg(2))
        client.match_image(jpeg(3), MatchOptions(kinds=("sha256", "pdq")), content_id="two kinds")
        with pytest.raises(MediaError):
            client.match_image(b"no image", content_id="broken")
        with pytest.raises(InvalidField, match="content_id"):
            client.match_image(jpeg(1), content_id="x" * 257)
        list(client.match_many((f"stream-{number}", jpeg(number)) for number in range(4)))
        list(client.match_many([(f"kept-{number}", jpeg(number)) for number in range(4)], log_keys=True))
        async with AsyncClient(server.address) as other:
            await other.match_image(jpeg(5), content_id="async")
            async for _ in other.match_many([("kept-async", jpeg(6))], log_keys=True):
                pass
    names = {"async", "single", "two kinds", "kept-async", *(f"kept-{number}" for number in range(4))}
    rows = rows_of(log, names)
    assert sorted((row["content_id"], row["kind"]) for row in rows) == [
        ("async", "pdq"),
        *((f"kept-{number}", "pdq") for number in range(4)),
        ("kept-async", "pdq"),
        ("single", "pdq"),
        ("two kinds", "pdq"),
        ("two kinds", "sha256"),
    ]
    seen = called("backfill", "rescan", log, "--hash", decision.hash.hex, "--threshold", 0, "--nice", 0)
    assert sorted(row["content_id"] for row in seen.objects if row["frame_us"] is None) == ["kept-1", "single"]


def test_off_by_default(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server, Client(server.address) as client:
        client.match_image(jpeg(1), content_id="single")
    assert list(tmp_path.rglob("*.parquet")) == []
