"""Videos of a backfill: what is written of them agrees with the engine's answers, wherever they are read from."""

import shutil
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pyarrow as pa
import pytest

from hashmatch import backfill
from hashmatch.backfill import RescanOptions, ScanOptions, Wanted
from hashmatch.backfill.reading import read
from hashmatch.engine import Engine
from hashmatch.errors import MediaTooLarge
from hashmatch.follower import Follower
from hashmatch.sandbox.in_process import InProcess
from hashmatch.settings import MediaLimits
from hashmatch.store import Store
from hashmatch.types import (
    LOCAL,
    SECOND,
    Action,
    Bank,
    MatchOptions,
    NewEntry,
    NewMedia,
    Provenance,
    Selection,
    VideoDecision,
    VideoOptions,
)
from hashmatch.video_engine import VideoCall
from tests.backfill_media import jpeg
from tests.command import called
from tests.video_files import Pixels, animated, encoded, scene

SMALL = MediaLimits(max_media_bytes=20_000)
"""Smaller than the films, which are within a limit of their own."""


class Corpus(NamedTuple):
    """A folder of films and a picture, and an engine whose banks know some of what they show."""

    media: Path
    url: str
    engine: Engine


def png(picture: Pixels) -> bytes:
    done, data = cv2.imencode(".png", picture[:, :, ::-1])
    assert done
    return data.tobytes()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, photos: dict[str, Pixels]) -> Iterator[Corpus]:
    folder = tmp_path_factory.mktemp("corpus")
    media = folder / "media"
    media.mkdir()
    known, other = ([*scene(photos[name], 30, (320, 240))] for name in ("astronaut", "rocket"))
    hidden = [*scene(photos["chelsea"], 20, (320, 240)), other[7], *scene(photos["chelsea"], 15, (320, 240))]
    (media / "1-known.mp4").write_bytes(encoded(known))
    (media / "2-hidden.webm").write_bytes(encoded(hidden, "libvpx", "webm"))
    (media / "3-cut.webm").write_bytes((media / "2-hidden.webm").read_bytes()[:30_000])
    (media / "4-sticker.gif").write_bytes(animated([hidden[at][::4, ::4] for at in (0, 20, 30)], "GIF", 500))
    (media / "5-picture.jpg").write_bytes(jpeg(1))
    (media / "6-broken.mp4").write_bytes((media / "1-known.mp4").read_bytes()[:200])
    url = f"sqlite:///{folder / 'hashmatch.db'}"
    with Store.open(url) as store:
        follower = Follower(store)
        follower.start()
        engine = Engine(store, follower, InProcess(MediaLimits()), MediaLimits())
        store.create_bank(Bank("films", action=Action.BLOCK))
        store.create_bank(Bank("pictures", action=Action.REVIEW))
        with (media / "1-known.mp4").open("rb") as file:
            frames = engine.hash_video(file.fileno(), VideoOptions(), VideoCall()).frames
        store.add_entries("films", [NewEntry(each.hash, Provenance("film"), each.shown) for each in frames])
        engine.add_entries("pictures", [NewMedia(png(other[7]), Provenance("still"))], LOCAL)
        while engine.revision < store.head():
            time.sleep(0.01)
        yield Corpus(media, url, engine)
        follower.stop()


def by_name(tables: Iterator[pa.Table] | list[pa.Table]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        for row in table.to_pylist():
            found.setdefault(row["location"].partition("::")[0].rpartition("/")[2], []).append(row)
    return found


def options(corpus: Corpus, **said: Any) -> ScanOptions:
    return ScanOptions(**{"banks": corpus.url, "workers": 2, "part_items": 4, "limits": SMALL, **said})


def engine_s(corpus: Corpus, name: str, video: VideoOptions) -> tuple[VideoDecision, list[tuple[Any, ...]]]:
    with (corpus.media / name).open("rb") as file:
        decision = corpus.engine.match_video(file.fileno(), MatchOptions(), video, VideoCall())
        hashed = corpus.engine.hash_video(file.fileno(), video, VideoCall())
    return decision, [(each.shown.start, each.shown.end, each.count, each.hash.bits) for each in hashed.frames]


@pytest.mark.parametrize("video", [VideoOptions(), VideoOptions(Selection.ALL), VideoOptions(interval=SECOND // 2)])
def test_rows_agree_with_the_engine(corpus: Corpus, video: VideoOptions) -> None:
    found = by_name(backfill.scan(str(corpus.media), options=options(corpus, video=video)))
    for name in ("1-known.mp4", "2-hidden.webm", "3-cut.webm", "4-sticker.gif"):
        decision, frames = engine_s(corpus, name, video)
        head, *rest = found[name]
        assert (head["status"], head["verdict"], head["revision"]) == ("SCANNED", decision.verdict, decision.revision)
        scan = decision.scan
        assert (head["media_type"], head["width"], head["height"]) == (
            scan.info.media_type,
            scan.info.width,
            scan.info.height,
        )
        assert (head["duration_us"], head["frames_scanned"], head["scanned_until_us"], head["incomplete"]) == (
            scan.info.duration,
            scan.frames_scanned,
            scan.scanned_until,
            scan.incomplete,
        )
        assert head["hash"] is None
        assert [(each["bank"], each["entry"], each["shown_us"]) for each in head["matches"]] == [
            (each.match.bank, each.match.entry_id, each.shown.start) for each in decision.images
        ]
        assert [
            (each["bank"], each["content_id"], each["counts"], each["query_frames"]) for each in head["videos"]
        ] == [(each.bank, each.provenance.content_id, each.counts, each.query_frames) for each in decision.videos]
        assert head["total_matches"] == decision.total_images + decision.total_videos
        assert [(row["frame_us"], row["frame_end_us"], row["frame_count"], row["hash"]) for row in rest] == frames
        assert {(row["verdict"], row["matches"], row["kind"], row["status"]) for row in rest} <= {
            (None, None, "pdq", "SCANNED")
        }
    (picture,), (broken,) = found["5-picture.jpg"], found["6-broken.mp4"]
    assert (picture["status"], picture["frame_us"], picture["videos"]) == ("SCANNED", None, None)
    assert (broken["status"], broken["reason"]) == ("FAILED", "CORRUPT_MEDIA")
    assert found["1-known.mp4"][0]["verdict"] == "BLOCK"
    assert found["1-known.mp4"][0]["videos"][0]["passages"][0]["query_us"] == 0
    assert found["2-hidden.webm"][0]["matches"][0]["shown_us"] == 2 * SECOND


def test_the_report_adds_up_and_says_what_was_not_looked_at(corpus: Corpus, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    list(backfill.scan(str(corpus.media), out, options(corpus)))
    counts = backfill.report(backfill.open_folder(out)).counts
    assert (counts.found, counts.scanned, counts.failed.total(), counts.incomplete) == (6, 5, 1, 1)
    assert counts.verdicts.total() == 5
    assert counts.banks["films"] == 1
    told = called("backfill", "report", out)
    assert told.code == 3
    assert "1 not looked at to the end" in told.out


def test_nothing_is_looked_up_without_banks(corpus: Corpus) -> None:
    head, *frames = by_name(backfill.scan(str(corpus.media / "1-known.mp4"), options=options(corpus, banks="")))[
        "1-known.mp4"
    ]
    assert (head["verdict"], head["videos"], head["frames_scanned"]) == (None, None, len(frames))


def test_each_kind_of_pixels_has_its_rows(corpus: Corpus) -> None:
    match = MatchOptions(kinds=("pdq", "sha256", "phash"))
    rows = by_name(backfill.scan(str(corpus.media / "1-known.mp4"), options=options(corpus, match=match)))
    heads = [row for row in rows["1-known.mp4"] if row["hash"] is None]
    assert [(row["kind"], row["verdict"]) for row in heads] == [("pdq", "BLOCK"), ("phash", "BLOCK")]
    assert {row["kind"] for row in rows["1-known.mp4"]} == {"pdq", "phash"}
    only = MatchOptions(kinds=("sha256",))
    (row,) = by_name(backfill.scan(str(corpus.media / "1-known.mp4"), options=options(corpus, match=only)))[
        "1-known.mp4"
    ]
    assert (row["status"], row["reason"]) == ("FAILED", "UNSUPPORTED_MEDIA")


def test_archives_and_urls_give_the_same(corpus: Corpus, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "t.tar", "w") as tar, zipfile.ZipFile(tmp_path / "t.zip", "w") as packed:
        for path in sorted(corpus.media.iterdir()):
            tar.add(path, path.name)
            packed.write(path, path.name)
    plain = by_name(backfill.scan(str(corpus.media), options=options(corpus)))
    where = {"location": None, "item": None}
    expected = {name: [row | where for row in rows] for name, rows in plain.items()}
    for source in (tmp_path / "t.tar", tmp_path / "t.zip"):
        found = by_name(backfill.scan(str(source), options=options(corpus)))
        assert {name: [row | where for row in rows] for name, rows in found.items()} == expected


def test_limits_are_those_of_videos(corpus: Corpus, tmp_path: Path) -> None:
    limits = MediaLimits(max_media_bytes=20_000, max_video_bytes=30_000)
    shutil.copy(corpus.media / "2-hidden.webm", tmp_path / "large.webm")
    assert (tmp_path / "large.webm").stat().st_size > 30_000
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as packed:
        packed.write(tmp_path / "large.webm", "large.webm")
    with pytest.raises(MediaTooLarge, match="max_video_bytes"):
        read(str(tmp_path / "large.webm"), None, limits)
    (rows,) = by_name(backfill.scan(str(tmp_path), options=options(corpus, limits=limits))).values()
    assert [(row["status"], row["reason"]) for row in rows] == 2 * [("FAILED", "MEDIA_TOO_LARGE")]


def test_frames_are_found_again_by_a_rescan(corpus: Corpus, tmp_path: Path) -> None:
    list(backfill.scan(str(corpus.media), str(tmp_path / "log"), options(corpus, banks="")))
    asked = RescanOptions(corpus.url, Wanted(banks=("films", "pictures")))
    found = by_name(backfill.rescan([str(tmp_path / "log")], options=asked))
    known = found["1-known.mp4"]
    assert [row["frame_us"] for row in known] == [0, SECOND, 2 * SECOND]
    assert [row["matches"][0]["entry_us"] for row in known] == [0, SECOND, 2 * SECOND]
    assert [row["frame_us"] for row in found["2-hidden.webm"]] == [2 * SECOND]
    assert {row["matches"][0]["entry_content_id"] for row in found["2-hidden.webm"]} == {"still"}
