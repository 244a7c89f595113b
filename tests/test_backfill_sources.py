import csv
import gzip
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hashmatch.backfill.archives import contents
from hashmatch.backfill.item import EXCLUDED, Item
from hashmatch.backfill.reading import Content, read
from hashmatch.backfill.sources import Source
from hashmatch.backfill.storage import local_path
from hashmatch.errors import ConfigurationError, EmptyMedia, MediaError, MediaTooLarge
from hashmatch.settings import MediaLimits
from tests.backfill_media import jpeg, write_folder


def listed(source: object, **said: object) -> list[Item]:
    return list(Source(str(source), **said).items())  # type: ignore[arg-type]


def names(items: list[Item]) -> list[str]:
    return [Path(item.location).name for item in items]


class TestFolder:
    def test_lists_all_files_but_hidden_ones_in_a_stable_order(self, tmp_path: Path) -> None:
        for name in ("b.jpg", "a.jpg", "z/1.jpg", "c/2.jpg", ".hidden.jpg", ".git/x.jpg", "c/.y.jpg"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"12345")
        items = listed(tmp_path)
        assert names(items) == ["a.jpg", "b.jpg", "2.jpg", "1.jpg"]
        assert {item.size for item in items} == {5}
        assert listed(tmp_path) == items

    def test_leaves_out_the_folder_it_writes_to(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "rows.parquet").touch()
        (tmp_path / "a.jpg").touch()
        assert names(list(Source(str(tmp_path)).items(tmp_path / "out"))) == ["a.jpg"]

    def test_a_name_that_is_no_text_is_found_again(self, tmp_path: Path) -> None:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff%41 .jpg"))
        path.write_bytes(b"media")
        (item,) = listed(tmp_path)
        item.location.encode()
        assert local_path(item.location) == path
        assert read(item.location, None, limited(10)) == b"media"

    def test_broken_links_are_found_and_pipes_and_loops_are_not(self, tmp_path: Path) -> None:
        (tmp_path / "broken.jpg").symlink_to(tmp_path / "gone")
        (tmp_path / "loop").symlink_to(tmp_path)
        os.mkfifo(tmp_path / "pipe.jpg")
        (item,) = listed(tmp_path)
        with pytest.raises(MediaError, match="No such file"):
            read(item.location, item.size, limited(10))

    def test_a_glob_and_a_file(self, tmp_path: Path) -> None:
        write_folder(tmp_path, 5)
        assert names(listed(tmp_path / "*" / "0000[1-3].jpg")) == ["00001.jpg", "00002.jpg", "00003.jpg"]
        assert names(listed(tmp_path / "**" / "*1.jpg")) == ["00001.jpg"]
        assert names(listed(tmp_path / "1" / "00001.jpg")) == ["00001.jpg"]

    @pytest.mark.parametrize("source", ["missing", "missing*", "memory://nowhere", "file:///nowhere/at/all"])
    def test_nothing_there(self, tmp_path: Path, source: str) -> None:
        with pytest.raises(ConfigurationError, match="nothing at"):
            listed(source if "://" in source else tmp_path / source)

    def test_excluded_items_are_found_and_say_so(self, tmp_path: Path) -> None:
        write_folder(tmp_path, 4)
        found = {Path(item.location).name: item.reason for item in listed(tmp_path, exclude=("*/0000[12].jpg",))}
        assert found == {"00000.jpg": "", "00001.jpg": EXCLUDED, "00002.jpg": EXCLUDED, "00003.jpg": ""}


class TestRead:
    def test_limits(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"12345")
        assert read(str(path), None, limited(5)) == b"12345"
        with pytest.raises(MediaTooLarge):
            read(str(path), None, limited(4))
        path.write_bytes(b"")
        with pytest.raises(EmptyMedia):
            read(str(path), None, limited(4))

    def test_what_is_no_file_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for name in (str(tmp_path / "pipe"), str(tmp_path), "/dev/zero", "a\0b", "x" * 5000):
            with pytest.raises(MediaError, match="cannot be read"):
                read(name, None, limited(100))

    def test_credentials_in_a_url_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="environment") as caught:
            read("s3://key:secret@bucket/a.jpg", None, limited(100))
        assert "secret" not in str(caught.value)


ROWS = [("one.jpg", "id-1"), ("/abs/two.jpg", ""), ("s3://bucket/three.jpg", "id-3")]


class TestManifest:
    def written(self, folder: Path, form: str) -> Path:
        path = folder / f"list.{form}"
        if form.startswith("csv"):
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerows([("content_id", "where", "other"), *((known, at, "x") for at, known in ROWS)])
            data = text.getvalue().encode()
        elif form == "parquet":
            columns = zip(*ROWS, strict=True)
            pq.write_table(pa.table(dict(zip(("where", "content_id"), columns, strict=True))), path)
            return path
        else:
            data = b"\n".join(json.dumps({"where": at, "content_id": known}).encode() for at, known in ROWS) + b"\n\n"
        path.write_bytes(gzip.compress(data) if form.endswith(".gz") else data)
        return path

    @pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl", "ndjson.gz", "parquet"])
    def test_names_what_to_scan(self, tmp_path: Path, form: str) -> None:
        items = listed(self.written(tmp_path, form), column="where")
        assert [item.location for item in items] == [str(tmp_path / "one.jpg"), "/abs/two.jpg", "s3://bucket/three.jpg"]
        assert [item.content_id for item in items] == ["id-1", "", "id-3"]

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_says_which_columns_there_are(self, tmp_path: Path, form: str) -> None:
        with pytest.raises(ConfigurationError, match=r"no column 'location', but .*where"):
            listed(self.written(tmp_path, form))

    def test_rows_without_a_location_are_failed_items(self, tmp_path: Path) -> None:
        path = tmp_path / "list.jsonl"
        lines = [{"location": "a.jpg"}, {"x": 1}, {"location": 7}, [1], {"location": " "}, {"location": "\ud800"}]
        path.write_text("\n".join(map(json.dumps, lines)))
        items = listed(path)
        assert [bool(item.reason) for item in items] == [False, True, True, True, True, True]
        assert items[2].reason.startswith("BAD_ROW: row 3")

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("a.csv", b"location\n\xff\xfe\n"),
            ("a.csv", b"location\n" + b"x" * 200_000),
            ("a.jsonl", b"{"),
            ("a.jsonl", b"x" * 2_000_000),
            ("a.csv.gz", b"no gzip"),
            ("a.csv.gz", gzip.compress(b"location\na\n", mtime=0)[:-9]),
            ("a.parquet", b"no parquet"),
            ("a.csv", b""),
        ],
    )
    def test_one_that_cannot_be_read_is_an_error(self, tmp_path: Path, name: str, data: bytes) -> None:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigurationError, match=r"a\.(csv|jsonl|parquet)"):
            listed(tmp_path / name)


FILES = {"a/1.jpg": jpeg(1), "2.jpg": jpeg(2), "deep/er/3.jpg": jpeg(3), "empty.jpg": b""}


def tarred(path: Path, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("a")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("a")
        for name, data in FILES.items():
            archive.writestr(name, data)
    return path


def limited(most: int) -> MediaLimits:
    return MediaLimits(max_media_bytes=most, max_video_bytes=2**20)


def taken(items: list[Item], maximum: int = 10_000) -> list[Content]:
    return [content for _, content in contents(items[0].archive, items, limited(maximum))]


class TestArchives:
    @pytest.fixture(params=["t.tar", "t.tar.gz", "t.tar.bz2", "t.tar.xz", "t.zip"])
    def archive(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        path = tmp_path / request.param
        return zipped(path) if path.suffix == ".zip" else tarred(path, f"w:{path.suffix[1:].replace('tar', '')}")

    def test_stand_for_their_files(self, archive: Path) -> None:
        items = listed(archive)
        scheme = "zip" if archive.suffix == ".zip" else "tar"
        assert [item.location for item in items] == [f"{scheme}://{name}::{archive}" for name in FILES]
        assert [item.size for item in items] == [len(data) for data in FILES.values()]
        *media, empty = taken(items)
        assert media == list(FILES.values())[:-1]
        assert isinstance(empty, EmptyMedia)

    def test_some_items_in_their_order(self, archive: Path) -> None:
        items = listed(archive)
        assert taken([items[1], items[2]]) == [FILES["2.jpg"], FILES["deep/er/3.jpg"]]

    def test_large_members_are_not_read(self, archive: Path) -> None:
        assert all(isinstance(content, MediaTooLarge) for content in taken(listed(archive)[:-1], maximum=10))

    def test_one_in_a_folder(self, archive: Path) -> None:
        (archive.parent / "a.jpg").write_bytes(jpeg(0))
        assert len(listed(archive.parent)) == 1 + len(FILES)

    def test_what_is_damaged_costs_itself(self, archive: Path) -> None:
        data = archive.read_bytes()
        archive.write_bytes(data[: len(data) // 2])
        items = listed(archive)
        assert items[-1].reason.startswith("CORRUPT_ARCHIVE: ")
        assert items[-1].location == str(archive)

    def test_one_that_changed_since_it_was_listed(self, archive: Path) -> None:
        items = listed(archive)
        archive.write_bytes(b"something else entirely" * 100)
        found = taken(items)
        assert len(found) == len(items)
        assert all(isinstance(content, MediaError) for content in found)
        archive.unlink()
        assert all(isinstance(content, MediaError) for content in taken(items))

    def test_damage_within_a_zip_costs_one_file(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "t.zip")
        items = listed(path)
        data = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            at = archive.infolist()[1].header_offset
        data[at + 60 : at + 90] = bytes(30)
        path.write_bytes(data)
        assert [isinstance(content, bytes) for content in taken(items)] == [False, True, True, False]

    def test_a_zip_bomb_is_read_up_to_the_limit(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros.jpg", bytes(50_000_000))
        assert path.stat().st_size < 100_000
        (found,) = taken(listed(path))
        assert isinstance(found, MediaTooLarge)
