"""`hashmatch bank` against a real server."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.common import Code
from hashmatch.cli.photos import colour_photos
from tests.command import Ended, called

PHOTOS = colour_photos()


class Banks:
    """`hashmatch bank` of one server."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __call__(self, *arguments: object, data: bytes = b"") -> Ended:
        return called("--server", self._address, "bank", *arguments, data=data)


@pytest.fixture(scope="module")
def bank(server: ServerProcess) -> Banks:
    return Banks(server.address)


def test_create_shows_defaults_and_choices(bank: Banks) -> None:
    plain = bank("create", "plain", "--json").object
    assert plain.pop("revision") > 0
    defaults = {"description": "", "action": "REVIEW", "threshold": 31, "minimum_quality": 50, "enabled": True}
    shares = {"video_query_share": 50, "video_known_share": 50}
    depth = {"kinds": [], "matching_enabled_ratio": 1.0, "disabled_until": None}
    depth |= {"approval": "NONE", "review_hours": 24, "growth_limit": 100}
    depth |= {"false_share": 0.6, "false_reports": 3, "false_reporters": 2}
    assert plain == {"bank": "plain", **defaults, **shares, **depth}
    choices = (
        "--video-query-share",
        80,
        "--video-known-share",
        0,
        "--action",
        "block",
        "--threshold",
        20,
        "--minimum-quality",
        0,
        "--description",
        "d",
        "--disabled",
        "--kind-threshold",
        "phash=6",
        "--kind-minimum-quality",
        "pdq=70",
        "--matching-enabled-ratio",
        0.25,
        "--disabled-until",
        "2030-01-02T03:04:05",
        "--approval",
        "after",
        "--review-hours",
        12,
        "--growth-limit",
        0,
        "--false-share",
        0.75,
        "--false-reports",
        5,
        "--false-reporters",
        1,
    )
    chosen = bank("create", "chosen", *choices, "--json").object
    assert chosen.pop("revision") > 0
    expected = {"description": "d", "action": "BLOCK", "threshold": 20, "minimum_quality": 0, "enabled": False}
    assert chosen == {"bank": "chosen", **expected, "video_query_share": 80, "video_known_share": 0} | {
        "kinds": [
            {"kind": "phash", "threshold": 6, "minimum_quality": None},
            {"kind": "pdq", "threshold": None, "minimum_quality": 70},
        ],
        "matching_enabled_ratio": 0.25,
        "disabled_until": "2030-01-02T03:04:05+00:00",
        "approval": "AFTER",
        "review_hours": 12,
        "growth_limit": 0,
        "false_share": 0.75,
        "false_reports": 5,
        "false_reporters": 1,
    }
    listed = {line["bank"]: line for line in bank("list", "--json").objects}
    assert listed["chosen"] == chosen
    assert "plain" in bank("list").out


def test_update_changes_what_is_named(bank: Banks) -> None:
    before = bank("create", "changing", "--threshold", "10", "--description", "old", "--json").object
    after = bank("update", "changing", "--action", "BLOCK", "--description", "", "--json").object
    assert after["revision"] > before["revision"]
    assert after == {**before, "action": "BLOCK", "description": "", "revision": after["revision"]}
    shown = bank("update", "changing", "--disabled")
    assert shown.code == 0
    assert "disabled" in shown.out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("show", "nowhere"), "NOT_FOUND"),
        (("update", "nowhere", "--threshold", "3"), "NOT_FOUND"),
        (("delete", "nowhere", "--yes"), "NOT_FOUND"),
        (("add", "nowhere", PHOTOS["coffee"]), "NOT_FOUND"),
        (("remove", "nowhere", "1"), "NOT_FOUND"),
        (("create", "Not A Name"), "INVALID_FIELD"),
        (("create", "taken"), "ALREADY_EXISTS"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_refusals_are_5_and_one_line(bank: Banks, arguments: tuple[object, ...], reason: str) -> None:
    if "taken" in arguments:
        bank("create", "taken")
    ended = bank(*arguments)
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("hashmatch: ")
    assert ended.err.endswith(f"({reason})\n")
    assert ended.err.count("\n") == 1


def test_a_folder_with_a_bad_file_in_it(bank: Banks, tmp_path: Path) -> None:
    pixels = cv2.imread(str(PHOTOS["astronaut"]))
    assert pixels is not None
    for number in range(40):
        cv2.imwrite(str(tmp_path / f"{number:02}.jpg"), np.roll(pixels, 10 * number, axis=1)[::2, ::2])
    (tmp_path / "07.jpg").write_text("no image")
    (tmp_path / "35.jpg").write_bytes((tmp_path / "34.jpg").read_bytes()[:2000])
    bank("create", "folder")
    added = bank(
        "add", "folder", tmp_path, "--source", "hotline", "--label", "a", "--label", "b", "--note", "n", "--json"
    )
    assert added.code == 3
    good = [f"{number:02}.jpg" for number in range(40) if number not in {7, 35}]
    refused = {line["file"]: line["error"] for line in added.objects if "error" in line}
    assert {Path(file).name: error["reason"] for file, error in refused.items()} == {
        "07.jpg": "UNSUPPORTED_MEDIA",
        "35.jpg": "CORRUPT_MEDIA",
    }
    assert not any("entries[" in error["message"] for error in refused.values())
    policy, *entries = bank("show", "folder", "--entries", "--json").objects
    assert policy["entry_count"] == len(good) == len(entries)
    assert [entry["provenance"]["content_id"] for entry in entries] == good
    assert all(entry["provenance"]["source"] == "hotline" for entry in entries)
    assert all(entry["provenance"]["labels"] == ["a", "b"] for entry in entries)
    told = [{key: value for key, value in line.items() if key != "file"} for line in added.objects if "entry" in line]
    assert told == entries


def test_batches_stay_small(bank: Banks, tmp_path: Path) -> None:
    """Some 30 MB, of which no call carries more than 8 unless one file does."""
    noise = np.random.default_rng(1).integers(0, 256, (1000, 1000, 3), np.uint8)
    for number in range(10):
        cv2.imwrite(str(tmp_path / f"{number}.bmp"), noise)
    bank("create", "heavy")
    added = bank("add", "heavy", tmp_path, "--json")
    assert added.code == 0
    assert len(added.objects) == 10
    assert len({line["revision"] for line in added.objects}) == 5


def test_hashes_and_files_together(bank: Banks) -> None:
    bank("create", "mixed")
    digits = "0f" * 32
    hashes = ("--hash", digits, "--hash", "f0" * 32, "--quality", 77, "--content-id", "case 9")
    added = bank("add", "mixed", *hashes, "-", "--json", data=PHOTOS["coffee"].read_bytes())
    assert added.code == 0
    assert [line["file"] for line in added.objects] == [digits, "f0" * 32, "-"]
    assert [line["hash"]["quality"] for line in added.objects] == [77, 77, 100]
    assert {line["provenance"]["content_id"] for line in added.objects} == {"case 9"}
    assert bank("add", "mixed", "--hash", digits).out.startswith("added 1 to mixed (revision ")
    assert "quality" not in bank("add", "mixed", "--hash", digits).err


def test_an_entry_that_can_never_match_is_told(bank: Banks, tmp_path: Path) -> None:
    flat = tmp_path / "flat.png"
    cv2.imwrite(str(flat), np.full((200, 200), 128, np.uint8))
    bank("create", "strict")
    ended = bank("add", "strict", flat, PHOTOS["coffee"])
    assert ended.code == 0
    assert ended.err == (
        f"hashmatch: warning: {flat}: quality 0 is below the bank's minimum of 50, so this entry never matches\n"
    )
    assert ended.out.startswith("added 2 to strict")


def test_remove_and_delete(bank: Banks) -> None:
    bank("create", "going")
    hashes = [digit * 64 for digit in "123"]
    first, second, third = bank("add", "going", *(f"--hash={digits}" for digits in hashes), "--json").objects
    assert bank("remove", "going", first["entry"], 10**9).code == 5
    removed = bank("remove", "going", first["entry"], third["entry"], "--json").object
    assert removed["removed"] == [first["entry"], third["entry"]]
    policy, left = bank("show", "going", "--entries", "--json").objects
    assert (policy["entry_count"], left["entry"]) == (1, second["entry"])
    shown = bank("show", "going", "--entries").out
    assert hashes[1] in shown
    assert hashes[0] not in shown
    unasked = bank("delete", "going")
    assert unasked.code == 2
    assert "--yes" in unasked.err
    assert bank("delete", "going", "--yes", "--json").object["revision"] > removed["revision"]
    assert bank("show", "going").code == 5


def test_policies_of_kinds_are_changed_one_by_one(bank: Banks) -> None:
    bank("create", "kinds", "--kind-threshold", "phash=6", "--kind-threshold", "pdq=40")
    options = ("--kind-threshold", "phash=none", "--kind-minimum-quality", "pdq=80", "--disabled-until", "2h")
    changed = bank("update", "kinds", *options, "--json").object
    assert changed["kinds"] == [{"kind": "pdq", "threshold": 40, "minimum_quality": 80}]
    shown = bank("show", "kinds").out
    assert "threshold 40, minimum quality 80" in shown
    assert "not before" in shown
    assert bank("update", "kinds", "--disabled-until", "none", "--json").object["disabled_until"] is None
    for wrong in ("--kind-threshold=nokind=3", "--kind-threshold=phash=17", "--kind-threshold=md5=33"):
        refused = bank("update", "kinds", wrong)
        assert refused.code == Code.REFUSED
        assert "bank.kinds[1]" in refused.err
    for wrong in ("--kind-threshold=phash", "--kind-threshold=pdq=65", "--disabled-until=soon", "--threshold=65"):
        assert bank("update", "kinds", wrong).code == Code.USAGE


def test_entries_are_removed_restored_and_listed_by_content(bank: Banks) -> None:
    bank("create", "kept")
    said = ("--programme", "trusted", "--reported", "2024-02-29", "--expires", "30d", "--content-id", "item")
    added = bank("add", "kept", "--hash", "ab" * 32, "--hash", "cd" * 32, *said, "--json").objects
    assert {line["provenance"]["programme"] for line in added} == {"trusted"}
    assert {line["provenance"]["reported"] for line in added} == {"2024-02-29T00:00:00+00:00"}
    assert all(line["expires"] for line in added)
    first, second = (line["entry"] for line in added)
    bank("remove", "kept", first, "--reason", "a landscape")
    listed = bank("show", "kept", "--state", "removed", "--json").objects
    assert [(line["entry"], line["removal_reason"]) for line in listed[1:]] == [(first, "a landscape")]
    assert "a landscape" in bank("show", "kept", "--state", "REMOVED").out
    assert bank("restore", "kept", first).code == Code.DONE
    assert bank("restore", "kept", first).code == Code.REFUSED
    shown = bank("show", "kept", "--content-id", "item", "--json").objects
    assert [line["entry"] for line in shown[1:]] == [first, second]
    assert bank("remove", "kept", "--content-id", "item").code == Code.DONE
    assert bank("show", "kept", "--json").object["entry_count"] == 0
    for wrong in ((), (first, "--content-id", "item")):
        assert bank("remove", "kept", *wrong).code == Code.USAGE
