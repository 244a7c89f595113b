"""`hash`, `match` and `lookup` on real files, against a real server."""

from pathlib import Path

import cv2
import numpy as np
import pdqhash
import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.photos import colour_photos
from tests.command import Ended, called, hashmatch

PHOTOS = colour_photos()
BANKS = {"blocked": ("BLOCK", "astronaut"), "reviewed": ("REVIEW", "coffee"), "good": ("ALLOW", "chelsea")}


@pytest.fixture(scope="module")
def address(server: ServerProcess) -> str:
    """Of a server with one photograph in each of three banks."""
    for bank, (action, photo) in BANKS.items():
        assert called("--server", server.address, "bank", "create", bank, "--action", action).code == 0
        assert called("--server", server.address, "bank", "add", bank, PHOTOS[photo]).code == 0
    return server.address


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("text") / "notes.txt"
    file.write_text("not an image")
    return file


def reference_hash(path: Path) -> tuple[str, int]:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    bits, quality = pdqhash.compute(pixels)
    return np.packbits(bits).tobytes().hex(), quality


def match(address: str, *arguments: object, data: bytes = b"") -> Ended:
    return called("--server", address, "match", *arguments, data=data)


def test_hash_agrees_with_the_reference() -> None:
    names = ("astronaut", "coffee", "chelsea")
    found = hashmatch("hash", "--json", *(PHOTOS[name] for name in names))
    assert found.code == 0
    for name, line in zip(names, found.objects, strict=True):
        digits, quality = reference_hash(PHOTOS[name])
        assert line["file"] == str(PHOTOS[name])
        assert line["hash"] == {"kind": "pdq", "hex": digits, "quality": quality}
        assert (line["media_type"], line["width"] > 0, line["height"] > 0) == ("image/png", True, True)


def test_hash_for_people_and_from_standard_input(text: Path) -> None:
    digits, quality = reference_hash(PHOTOS["coffee"])
    found = hashmatch("hash", "-", text, data=PHOTOS["coffee"].read_bytes())
    assert found.code == 3
    assert found.out == f"{digits} {quality} -\n"
    assert found.err.startswith(f"hashmatch: {text}: ")
    assert found.err.endswith("(UNSUPPORTED_MEDIA)\n")


def test_hash_says_why_a_file_was_not_scanned(tmp_path: Path, text: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    missing = tmp_path / "missing.jpg"
    found = called("hash", "--json", empty, text, missing)
    assert found.code == 3
    reasons = [line["error"]["reason"] for line in found.objects]
    assert reasons == ["EMPTY_MEDIA", "UNSUPPORTED_MEDIA", "MEDIA_NOT_SCANNED"]
    assert all("hash" not in line for line in found.objects)


@pytest.mark.parametrize(
    ("photos", "verdicts", "code"),
    [
        (("rocket",), ("ALLOW",), 0),
        (("chelsea",), ("ALLOW",), 0),
        (("rocket", "coffee"), ("ALLOW", "REVIEW"), 10),
        (("astronaut", "coffee", "rocket"), ("BLOCK", "REVIEW", "ALLOW"), 20),
    ],
)
def test_the_exit_code_is_the_gravest_verdict(
    address: str, photos: tuple[str, ...], verdicts: tuple[str, ...], code: int
) -> None:
    found = hashmatch("--server", address, "match", "--json", *(PHOTOS[name] for name in photos))
    assert found.code == code
    assert tuple(line["verdict"] for line in found.objects) == verdicts
    assert found.err == ""


@pytest.mark.parametrize(("photo", "code"), [("rocket", 3), ("coffee", 13), ("astronaut", 23)])
def test_what_was_not_scanned_adds_3(address: str, text: Path, photo: str, code: int) -> None:
    found = match(address, "--json", text, PHOTOS[photo], "/nowhere/x.jpg")
    assert found.code == code
    first, second, third = found.objects
    assert first["error"]["reason"] == "UNSUPPORTED_MEDIA"
    assert "verdict" not in first
    assert second["file"] == str(PHOTOS[photo])
    assert "verdict" in second
    assert third["error"]["reason"] == "MEDIA_NOT_SCANNED"
    assert "No such file" in third["error"]["message"]


def test_a_match_is_explained(address: str) -> None:
    line = match(address, "--json", PHOTOS["astronaut"]).object
    digits, quality = reference_hash(PHOTOS["astronaut"])
    known = {"kind": "pdq", "hex": digits, "quality": quality}
    assert line["hash"] == known
    assert (line["total_matches"], line["banks_not_compared"], line["media_type"]) == (1, [], "image/png")
    assert line["revision"] >= 2 * len(BANKS)
    (found,) = line["matches"]
    assert found.pop("entry") > 0
    assert found == {
        "bank": "blocked",
        "action": "BLOCK",
        "distance": 0,
        "threshold": 31,
        "orientation": "ORIGINAL",
        "view": "WHOLE",
        "entry_hash": known,
        "query_hash": known,
        "provenance": {
            "content_id": "astronaut.png",
            "source": "",
            "labels": [],
            "note": "",
            "programme": "",
            "reported": None,
        },
    }


def test_mirrored_copies_and_how_not_to_look_for_them(address: str) -> None:
    pixels = cv2.imread(str(PHOTOS["astronaut"]))
    assert pixels is not None
    mirrored = cv2.imencode(".png", pixels[:, ::-1])[1].tobytes()
    found = match(address, "--json", "-", data=mirrored)
    assert found.code == 20
    assert found.object["file"] == "-"
    assert found.object["matches"][0]["orientation"] == "FLIP_Y"
    assert match(address, "--json", "--original-orientation-only", "-", data=mirrored).code == 0


def test_copies_within_a_border_and_how_not_to_look_for_them(address: str) -> None:
    pixels = cv2.imread(str(PHOTOS["astronaut"]))
    assert pixels is not None
    bordered = cv2.copyMakeBorder(pixels, 60, 60, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    data = cv2.imencode(".png", bordered)[1].tobytes()
    found = match(address, "--json", "-", data=data)
    assert found.code == 20
    assert found.object["matches"][0]["view"] == "WITHOUT_BORDER"
    assert "WITHOUT_BORDER" in match(address, "-", data=data).out
    assert match(address, "--json", "--whole-image-only", "-", data=data).code == 0


def test_only_the_named_banks(address: str) -> None:
    photos = (PHOTOS["astronaut"], PHOTOS["coffee"])
    found = match(address, "--json", "--bank", "reviewed", "--bank", "good", *photos)
    assert [line["verdict"] for line in found.objects] == ["ALLOW", "REVIEW"]
    refused = match(address, "--bank", "nowhere", *photos)
    assert (refused.code, refused.out) == (5, "")
    assert refused.err.endswith("(NOT_FOUND)\n")
    assert refused.err.count("\n") == 1


def test_a_folder_larger_than_the_pipeline(address: str, tmp_path: Path) -> None:
    pixels = cv2.imread(str(PHOTOS["astronaut"]))
    assert pixels is not None
    for number in range(70):
        path = tmp_path / f"{number:02}.jpg"
        if number % 10 == 3:
            path.write_bytes(b"\xff\xd8 not really")
        else:
            cv2.imwrite(str(path), cv2.resize(pixels, (256 + number, 256 + number)))
    found = match(address, "--json", tmp_path)
    assert found.code == 23
    assert [line["file"] for line in found.objects] == [str(tmp_path / f"{number:02}.jpg") for number in range(70)]
    assert ["error" in line for line in found.objects] == [number % 10 == 3 for number in range(70)]
    assert {line["matches"][0]["bank"] for line in found.objects if "matches" in line} == {"blocked"}


def test_the_table(address: str, text: Path) -> None:
    found = match(address, PHOTOS["astronaut"], PHOTOS["rocket"], text)
    assert found.code == 23
    assert all(word in found.out for word in ("BLOCK", "blocked", "ORIGINAL", "astronaut.png", "NOT SCANNED"))
    assert "UNSUPPORTED_MEDIA" in found.out
    assert found.out.endswith("3 in all: 1 ALLOW, 1 BLOCK, 1 NOT SCANNED\n")


def test_too_large_is_told_without_sending(address: str, tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(2**30)
    found = match(address, "--json", path)
    assert found.code == 3
    limit = str(32 * 2**20)
    assert found.object["error"]["reason"] == "MEDIA_TOO_LARGE"
    assert found.object["error"]["details"] == {"limit": "max_media_bytes", "maximum": limit, "actual": str(2**30)}


def test_lookup(address: str) -> None:
    near = bytearray.fromhex(reference_hash(PHOTOS["coffee"])[0])
    near[0] ^= 0b111
    found = called("--server", address, "lookup", "--json", near.hex(), "0" * 64)
    assert found.code == 10
    first, second = found.objects
    assert (first["query"], first["verdict"], first["matches"][0]["distance"]) == (near.hex(), "REVIEW", 3)
    assert (second["verdict"], second["matches"]) == ("ALLOW", [])
    assert called("--server", address, "lookup", "--bank", "good", near.hex()).code == 0
