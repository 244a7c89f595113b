import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from hashmatch import backfill
from hashmatch.backfill import ScanOptions, Watch
from hashmatch.backfill.rows import SCHEMA
from hashmatch.engine import Engine
from hashmatch.errors import AlreadyExists, ConfigurationError, NotFound
from hashmatch.follower import Follower
from hashmatch.sandbox.in_process import InProcess
from hashmatch.settings import MediaLimits
from hashmatch.store import Store
from hashmatch.types import LOCAL, Action, Bank, Hash, MatchOptions, NewEntry, NewMedia, Provenance
from tests.backfill_media import jpeg, picture, write_folder
from tests.command import COMMAND, environment
from tests.media_files import encoded

LIMITS = MediaLimits(max_media_bytes=100_000)


def options(**said: object) -> ScanOptions:
    return ScanOptions(**{"part_items": 10, "workers": 2, "limits": LIMITS, **said})  # type: ignore[arg-type]


def rows(out: Path) -> pa.Table:
    """All rows of a job in their order."""
    files = sorted((out / "rows").glob("part-*.parquet"))
    return pa.concat_tables([pq.read_table(file).replace_schema_metadata(None) for file in files]).unify_dictionaries()


def scanned(source: Path, out: Path, **said: object) -> list[dict[str, object]]:
    return [row for table in backfill.scan(str(source), str(out), options(**said)) for row in table.to_pylist()]


@pytest.fixture
def banked(tmp_path: Path) -> Iterator[tuple[Engine, str]]:
    """An engine over some of the pictures and many unrelated hashes, and its database's URL."""
    url = f"sqlite:///{tmp_path / 'data' / 'hashmatch.db'}"
    with Store.open(url) as store:
        follower = Follower(store)
        follower.start()
        engine = Engine(store, follower, InProcess(LIMITS), LIMITS)
        store.create_bank(Bank("bad", action=Action.BLOCK))
        store.create_bank(Bank("odd", action=Action.REVIEW, minimum_quality=100))
        bits = random.Random(1)
        store.add_entries("odd", [NewEntry(Hash("pdq", bits.randbytes(32), 100)) for _ in range(300)])
        for bank, number in (("bad", 3), ("bad", 5), ("odd", 5)):
            _, revision = engine.add_entries(bank, [NewMedia(jpeg(number), Provenance(f"known-{number}"))], LOCAL)
        while engine.revision < revision:
            time.sleep(0.01)
        yield engine, url
        follower.stop()


def mixed_folder(folder: Path) -> None:
    """Pictures, turned ones among them, and what cannot be scanned."""
    write_folder(folder, 30)
    turned = picture(3)[::-1].T
    (folder / "turned.jpg").write_bytes(encoded(".jpg", turned))
    (folder / "small.png").write_bytes(encoded(".png", picture(1)[:3, :3]))
    (folder / "empty.jpg").touch()
    (folder / "text.txt").write_text("words")
    (folder / "cut.jpg").write_bytes(jpeg(9)[:300])
    (folder / "large.jpg").write_bytes(jpeg(9) + bytes(100_000))
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    (folder / "skipped.bak").write_bytes(jpeg(8))


class TestRows:
    def test_agree_with_the_engine_one_by_one(self, tmp_path: Path, banked: tuple[Engine, str]) -> None:
        engine, url = banked
        source = tmp_path / "media"
        write_folder(source, 40)
        (source / "turned.jpg").write_bytes(encoded(".jpg", picture(3)[::-1].T))
        match = MatchOptions(kinds=("pdq", "sha256", "phash"))
        found = scanned(source, tmp_path / "out", banks=url, match=match)
        by_location: dict[object, list[dict[str, object]]] = {}
        for row in found:
            by_location.setdefault(row["location"], []).append(row)
        assert len(by_location) == 41
        for location, some in by_location.items():
            decision = engine.match_image(Path(str(location)).read_bytes(), match)
            image = engine.hash_image(Path(str(location)).read_bytes(), match.kinds)
            assert [Hash(r["kind"], r["hash"], r["quality"]) for r in some] == list(image.originals)  # type: ignore[arg-type]
            assert {row["verdict"] for row in some} == {decision.verdict}
            assert {row["revision"] for row in some} == {decision.revision}
            told = [
                (m["bank"], m["entry"], m["distance"], m["orientation"], m["entry_content_id"])
                for row in some
                for m in row["matches"]  # type: ignore[attr-defined]
            ]
            matches = decision.matches
            assert told == [(m.bank, m.entry_id, m.distance, m.orientation, m.provenance.content_id) for m in matches]
        verdicts = Counter(str(some[0]["verdict"]) for some in by_location.values())
        assert verdicts == {"ALLOW": 38, "BLOCK": 3}

    def test_a_turned_copy_has_the_same_canonical_hash(self, tmp_path: Path) -> None:
        (tmp_path / "media").mkdir()
        turned = picture(3)
        for number, pixels in enumerate((turned, turned[::-1], turned.T, turned[::-1, ::-1])):
            (tmp_path / "media" / f"{number}.png").write_bytes(encoded(".png", pixels))
        found = scanned(tmp_path / "media", tmp_path / "out")
        assert len({row["canonical"] for row in found}) == 1
        assert len({row["hash"] for row in found}) == 4

    def test_every_item_is_accounted_for(self, tmp_path: Path) -> None:
        mixed_folder(tmp_path / "media")
        found = scanned(tmp_path / "media", tmp_path / "out", exclude=("*.bak",))
        status = Counter((str(row["status"]), row["reason"]) for row in found)
        assert status == {
            ("SCANNED", None): 32,
            ("SKIPPED", "EXCLUDED"): 1,
            ("FAILED", "EMPTY_MEDIA"): 1,
            ("FAILED", "UNSUPPORTED_MEDIA"): 1,
            ("FAILED", "CORRUPT_MEDIA"): 1,
            ("FAILED", "MEDIA_TOO_LARGE"): 1,
            ("FAILED", "UNREADABLE_MEDIA"): 1,
        }
        report = backfill.report(backfill.open_folder(str(tmp_path / "out"))).to_object()
        assert report["complete"]
        assert (report["found"], report["scanned"], report["failed"], report["skipped"]) == (38, 32, 5, 1)
        assert report["found"] == report["scanned"] + report["failed"] + report["skipped"] + report["pending"]
        assert report["failed_by_reason"]["CORRUPT_MEDIA"] == 1

    def test_the_files_are_plain_parquet(self, tmp_path: Path) -> None:
        mixed_folder(tmp_path / "media")
        tables = list(backfill.scan(str(tmp_path / "media"), str(tmp_path / "out"), options()))
        assert all(table.schema == SCHEMA for table in tables)
        stored = ds.dataset(tmp_path / "out" / "rows").to_table()
        assert stored.num_rows == sum(table.num_rows for table in tables) == 38

    def test_without_a_folder_it_only_yields(self, tmp_path: Path) -> None:
        mixed_folder(tmp_path / "media")
        tables = list(backfill.scan(str(tmp_path / "media"), options=options()))
        assert [table.num_rows for table in tables] == [10, 10, 10, 8]

    def test_archives_are_scanned_as_folders_are(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "media", 25)
        (tmp_path / "tars").mkdir()
        for name, flags in (("a.tar", "-cf"), ("b.tgz", "-czf")):
            subprocess.run(["tar", flags, tmp_path / "tars" / name, "-C", tmp_path / "media", "."], check=True)
        plain = scanned(tmp_path / "media", tmp_path / "1")
        packed = scanned(tmp_path / "tars", tmp_path / "2")
        assert sorted(bytes(row["hash"]) for row in packed) == sorted(  # type: ignore[call-overload]
            2 * [bytes(row["hash"]) for row in plain]  # type: ignore[call-overload]
        )

    def test_an_unknown_bank_is_an_error_before_anything_is_written(
        self, tmp_path: Path, banked: tuple[Engine, str]
    ) -> None:
        write_folder(tmp_path / "media", 3)
        with pytest.raises(NotFound, match="none"):
            scanned(tmp_path / "media", tmp_path / "out", banks=banked[1], match=MatchOptions(banks=("none",)))
        assert not (tmp_path / "out").exists()


class TestResume:
    def test_goes_on_where_it_ended(self, tmp_path: Path) -> None:
        mixed_folder(tmp_path / "media")
        whole = scanned(tmp_path / "media", tmp_path / "whole")
        some = backfill.scan(str(tmp_path / "media"), str(tmp_path / "out"), options())
        first = next(some).to_pylist() + next(some).to_pylist()
        some.close()
        rest = scanned(tmp_path / "media", tmp_path / "out")
        assert first + rest == whole
        assert scanned(tmp_path / "media", tmp_path / "out") == []
        assert rows(tmp_path / "out").equals(rows(tmp_path / "whole"))

    def test_sees_the_listing_it_began_with(self, tmp_path: Path) -> None:
        paths = write_folder(tmp_path / "media", 25)
        some = backfill.scan(str(tmp_path / "media"), str(tmp_path / "out"), options())
        next(some)
        some.close()
        (tmp_path / "media" / "0" / "00000a.jpg").write_bytes(jpeg(99))
        paths[-1].unlink()
        scanned(tmp_path / "media", tmp_path / "out")
        found = rows(tmp_path / "out")
        assert found["location"].to_pylist() == [str(path) for path in paths]
        assert found["status"].to_pylist() == 24 * ["SCANNED"] + ["FAILED"]

    def test_another_job_is_refused(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "media", 3)
        scanned(tmp_path / "media", tmp_path / "out")
        with pytest.raises(AlreadyExists, match="kinds"):
            scanned(tmp_path / "media", tmp_path / "out", match=MatchOptions(kinds=("phash",)))
        assert scanned(tmp_path / "media", tmp_path / "out", workers=1, part_items=3, bytes_a_second=1e9) == []

    def test_a_damaged_part_is_told_and_can_be_made_anew(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "media", 25)
        before = scanned(tmp_path / "media", tmp_path / "out")
        part = tmp_path / "out" / "rows" / "part-00000001.parquet"
        part.write_bytes(part.read_bytes()[:-10])
        with pytest.raises(ConfigurationError, match=r"part-00000001.parquet is damaged .*delete it"):
            scanned(tmp_path / "media", tmp_path / "out")
        part.unlink()
        assert scanned(tmp_path / "media", tmp_path / "out") == before[10:20]

    def test_failures_are_tried_again(self, tmp_path: Path) -> None:
        mixed_folder(tmp_path / "media")
        scanned(tmp_path / "media", tmp_path / "out")
        (tmp_path / "media" / "cut.jpg").write_bytes(jpeg(9))
        (tmp_path / "media" / "nowhere").write_bytes(jpeg(10))
        kinds = MatchOptions(kinds=("pdq",))
        for _ in range(2):
            list(backfill.retry_failed(str(tmp_path / "media"), str(tmp_path / "out"), options()))
            again = rows(tmp_path / "out").to_pylist()
            (tmp_path / "media" / "nowhere").rename(tmp_path / "nowhere")
            fresh = [
                row
                for table in backfill.scan(str(tmp_path / "media"), options=options(match=kinds, exclude=()))
                for row in table.to_pylist()
            ]
            (tmp_path / "nowhere").rename(tmp_path / "media" / "nowhere")
            gone = next(at for at, row in enumerate(fresh) if row["location"].endswith("gone.jpg"))
            assert again[:gone] + again[gone + 1 :] == fresh[:gone] + fresh[gone + 1 :]
            assert again[gone]["status"] == "SCANNED"
        counts = backfill.report(backfill.open_folder(str(tmp_path / "out"))).counts
        assert (counts.found, counts.scanned, counts.skipped, counts.failed.total()) == (38, 35, 0, 3)
        assert counts.read == sum(row["size"] or 0 for row in again)

    def test_nothing_recorded_is_nothing_to_try_again(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "media", 3)
        with pytest.raises(ConfigurationError, match="no scan"):
            list(backfill.retry_failed(str(tmp_path / "media"), str(tmp_path / "out"), options()))


def test_it_is_watched(tmp_path: Path) -> None:
    write_folder(tmp_path / "media", 25)
    listed: list[int] = []
    began: list[backfill.Report] = []
    batches: list[int] = []
    watch = Watch(listed.append, began.append, lambda counts: batches.append(counts.found))
    list(backfill.scan(str(tmp_path / "media"), str(tmp_path / "out"), options(), watch))
    assert listed == [10, 20, 25]
    assert (began[0].found, began[0].parts_done) == (25, 0)
    assert sum(batches) == 25


def test_an_estimate_writes_nothing(tmp_path: Path) -> None:
    mixed_folder(tmp_path / "media")
    before = sorted(tmp_path.rglob("*"))
    found = backfill.estimate(str(tmp_path / "media"), options(), sample=20)
    assert (found.found, found.sample.found) == (38, 20)
    assert found.seconds > 0
    assert found.bytes > 0
    assert sorted(tmp_path.rglob("*")) == before


def test_bandwidth_is_limited(tmp_path: Path) -> None:
    paths = write_folder(tmp_path / "media", 10)
    size = sum(path.stat().st_size for path in paths)
    began = time.monotonic()
    list(backfill.scan(str(tmp_path / "media"), options=options(bytes_a_second=size)))
    assert time.monotonic() - began >= 0.8


def killed_again_and_again(source: Path, out: Path, times: int, part_items: int, chance: random.Random) -> int:
    """Run a scan so many times, each killed soon after it has made a part durable; how often it was alive then."""
    command = [*COMMAND, "backfill", "scan", str(source), "--out", str(out), "--hash-only"]
    command += ["--part-items", str(part_items), "--nice", "0"]
    finished: dict[str, tuple[int, int]] = {}
    killed = 0
    for _ in range(times):
        with subprocess.Popen(
            command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            while process.poll() is None and parts(out).keys() <= finished.keys():
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        now = parts(out)
        assert finished.items() <= now.items(), "a part that was done was done again"
        finished = now
    return killed


def parts(out: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each part that is done."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (out / "rows").glob("part-*")}


def check_kills(folder: Path, files: int, times: int, part_items: int, seed: int) -> None:
    write_folder(folder / "media", files)
    for number in range(0, files, 100):
        (folder / "media" / f"bad-{number}.jpg").write_bytes(jpeg(number)[: 200 + number % 100])
    undisturbed = options(part_items=part_items, limits=MediaLimits(), workers=2)
    list(backfill.scan(str(folder / "media"), str(folder / "whole"), undisturbed))
    killed = killed_again_and_again(folder / "media", folder / "out", times, part_items, random.Random(seed))
    assert killed >= times * 0.8
    done = subprocess.run(
        [*COMMAND, "backfill", "scan", folder / "media", "--out", folder / "out", "--hash-only", "--json"],
        env=environment(),
        capture_output=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["complete"]
    assert report["found"] == report["scanned"] + report["failed"] == files + -(-files // 100)
    assert done.returncode == (3 if report["failed"] else 0)
    assert rows(folder / "out").equals(rows(folder / "whole"))
    assert parts(folder / "out").keys() == parts(folder / "whole").keys()


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, files=1500, times=4, part_items=50, seed=int(time.time()))


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_kill_9_a_hundred_times_loses_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, files=20_000, times=100, part_items=50, seed=int(time.time()))
