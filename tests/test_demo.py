"""The demo from end to end, as a newcomer runs it."""

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from hashmatch.cli import alterations
from hashmatch.cli.photos import colour_photos
from hashmatch.errors import ConfigurationError
from tests.command import hashmatch


def test_the_demo_catches_what_it_shows(tmp_path: Path) -> None:
    ended = hashmatch("demo", "--json", TMPDIR=str(tmp_path))
    assert (ended.code, ended.err) == (0, "")
    assert list(tmp_path.iterdir()) == []
    by_change = defaultdict(list)
    for row in ended.objects:
        by_change[row["done"]].append(row)
    copies = {change.description for change in alterations.survivable()}
    assert set(by_change) == copies | {"unknown photo", alterations.beyond().description}
    for change in copies:
        assert all(row["matches"][0]["provenance"]["content_id"] in row["file"] for row in by_change[change])
        assert {row["verdict"] for row in by_change[change]} == {"BLOCK", "REVIEW", "ALLOW"}
    assert {row["matches"][0]["orientation"] for row in by_change["mirrored"]} == {"FLIP_Y"}
    assert {row["matches"][0]["orientation"] for row in by_change["rotated by 180°"]} == {"ROTATE_180"}
    assert {row["matches"][0]["view"] for row in by_change["letterboxed"]} == {"WITHOUT_BORDER"}
    assert all(row["matches"] == [] for row in by_change["unknown photo"])
    assert all(row["milliseconds"] > 0 for row in ended.objects)
    assert [row["judged"] for row in by_change[alterations.beyond().description]] == [False]


def test_the_demo_for_people(tmp_path: Path) -> None:
    ended = hashmatch("demo", TMPDIR=str(tmp_path))
    assert (ended.code, ended.err) == (0, "")
    assert "44 of 44 altered copies caught, 9 of 9 unknown photos passed" in ended.out
    assert "\x1b" not in ended.out
    last = ended.out.splitlines()[-1]
    assert last.startswith("Go on: ")
    assert "bank create known-bad" in last


@pytest.mark.parametrize("change", [*alterations.survivable(), alterations.beyond()], ids=lambda each: each.description)
def test_every_alteration_alters(change: alterations.Alteration) -> None:
    original = alterations.load(colour_photos()["coffee"])
    before = original.copy()
    data = change.apply(original)
    assert np.array_equal(original, before)
    altered = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert altered is not None
    unaltered = altered.shape == original.shape and np.array_equal(altered, original)
    assert unaltered == (change.description == "PNG")


def test_what_is_cut_off_is_what_is_said() -> None:
    original = alterations.load(colour_photos()["coffee"])
    altered = cv2.imdecode(np.frombuffer(alterations.beyond().apply(original), np.uint8), cv2.IMREAD_COLOR)
    assert altered is not None
    assert altered.shape[:2] == tuple(round(side * 0.6) for side in original.shape[:2])


def test_missing_photographs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashmatch.cli.photos.find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'hashmatch\[demo\]'"):
        colour_photos()
