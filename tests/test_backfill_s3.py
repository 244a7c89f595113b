import io
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest

from tests.backfill_media import jpeg
from tests.command import Ended, called, hashmatch
from tests.s3_server import s3_server

OBJECTS = 10_050
TIMEOUTS = {"config_kwargs": {"read_timeout": 2, "connect_timeout": 5}}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("bucket")
    names = [f"{number % 3}/{number:03}.jpg" for number in range(30)]
    names += ["3/fail-1.jpg", "3/fail-2.jpg", "3/slow.jpg", "4/broken.jpg", "4/denied.jpg"]
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(jpeg(number))
    with tarfile.open(folder / "packed.tar", "w") as archive:
        for number in range(100, 110):
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = len(jpeg(number))
            archive.addfile(info, io.BytesIO(jpeg(number)))
    (folder / "list.csv").write_text("location,content_id\n0/000.jpg,first\ns3://media/files/1/001.jpg,second\n")
    with s3_server(folder, OBJECTS) as environment:
        yield environment


@pytest.fixture
def s3(bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's environment leads to the bucket."""
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(fsspec.config.conf, "s3", TIMEOUTS)


def scan(source: str, out: object, *options: object) -> Ended:
    return called("backfill", "scan", source, "--out", out, "--hash-only", "--json", "--nice", 0, *options)


def test_faults_are_outlived_and_told(s3: None, tmp_path: Path) -> None:
    done = scan("s3://media/files/", tmp_path / "out", "--exclude", "*.csv")
    assert done.code == 3, done.err
    found = done.object
    assert (found["found"], found["scanned"], found["skipped"]) == (30 + 5 + 10 + 1, 30 + 3 + 10, 1)
    assert found["failed_by_reason"] == {"UNREADABLE_MEDIA": 2}
    rows = pq.read_table(tmp_path / "out" / "rows" / "part-00000000.parquet").to_pylist()
    failed = {row["location"]: row["error"] for row in rows if row["status"] == "FAILED"}
    assert failed.keys() == {"s3://media/files/4/broken.jpg", "s3://media/files/4/denied.jpg"}
    locations = {row["location"] for row in rows}
    assert "tar://105.jpg::s3://media/files/packed.tar" in locations
    assert "s3://media/files/0/000.jpg" in locations


def test_results_can_be_kept_there_too(s3: None, tmp_path: Path) -> None:
    options = ("--part-items", 4, "--exclude", "*/[34]/*", "--exclude", "*.tar", "--exclude", "*.csv")
    here = scan("s3://media/files", tmp_path / "out", *options)
    there = scan("s3://media/files", "s3://media/out/scan", *options)
    assert here.code == there.code == 0, there.err
    assert here.object == there.object
    assert called("backfill", "report", "s3://media/out/scan", "--json").object == there.object
    again = scan("s3://media/files", "s3://media/out/scan", *options)
    assert again.object == there.object
    rows = [row for path in (tmp_path / "out" / "rows").iterdir() for row in pq.read_table(path).to_pylist()]
    digits = next(row["hash"].hex() for row in rows if row["location"].endswith("/0/000.jpg"))
    seen = called("backfill", "rescan", "s3://media/out/scan", "--hash", digits, "--nice", 0)
    assert [row["location"] for row in seen.objects] == ["s3://media/files/0/000.jpg"]


def test_a_manifest_there(s3: None, tmp_path: Path) -> None:
    assert scan("s3://media/files/list.csv", tmp_path / "out").code == 0
    rows = pq.read_table(tmp_path / "out" / "rows" / "part-00000000.parquet").to_pylist()
    assert [(row["content_id"], row["location"]) for row in rows] == [
        ("first", "s3://media/files/0/000.jpg"),
        ("second", "s3://media/files/1/001.jpg"),
    ]


def test_a_listing_of_many_pages(s3: None, tmp_path: Path) -> None:
    done = scan("s3://media/many", tmp_path / "out", "--exclude", "*/many/0[01]*")
    assert done.code == 0, done.err
    assert (done.object["found"], done.object["skipped"]) == (OBJECTS, OBJECTS)
    rows = [pq.read_table(path) for path in sorted((tmp_path / "out" / "rows").glob("*.parquet"))]
    names = [name for table in rows for name in table["location"].to_pylist()]
    assert names == [f"s3://media/many/{number:06}" for number in range(OBJECTS)]
    assert Counter(names).most_common(1)[0][1] == 1


def test_credentials_come_from_the_environment_alone(bucket: dict[str, str], tmp_path: Path) -> None:
    nothing = {name: value for name, value in bucket.items() if "KEY" not in name} | {"HOME": str(tmp_path)}
    command = ("backfill", "scan", "s3://media/files", "--out", tmp_path / "out", "--hash-only")
    refused = hashmatch(*command, data=b"", **nothing)
    assert refused.code == 2
    assert "credentials" in refused.err


@pytest.mark.parametrize("secret_in", ["source", "out", "log"])
def test_credentials_in_a_url_are_written_nowhere(s3: None, tmp_path: Path, secret_in: str) -> None:
    url = "s3://testing:testing-secret@media/files"
    if secret_in == "log":
        done = called("backfill", "rescan", url, "--hash", "00" * 32, "--out", tmp_path / "out", "--nice", 0)
    else:
        done = scan(*((url, tmp_path / "out") if secret_in == "source" else (str(tmp_path), url)))
    assert done.code == 2
    assert "environment" in done.err
    assert "testing-secret" not in done.err
    assert not (tmp_path / "out").exists()


def test_a_bucket_that_is_not_there(s3: None, tmp_path: Path) -> None:
    missing = scan("s3://no-such-bucket/files", tmp_path / "out")
    assert missing.code == 2
    assert "no-such-bucket" in missing.err
