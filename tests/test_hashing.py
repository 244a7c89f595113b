"""Kinds: images to hashes, hashes from outside, and kinds of other distributions."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import imagehash
import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import InvalidField
from hashmatch.hashing import KINDS, BytesKind, FrameKind, ceilings, check, check_kinds, hash_frame, hash_image
from hashmatch.types import PDQ, Frame, Hash, Orientation
from tests.pdq_oracle import Pixels, reference

KNOWN = "known: pdq, phash, dhash, ahash, md5, sha256"


def frame(pixels: Pixels) -> Frame:
    return Frame(pixels, "image/png", pixels.shape[1], pixels.shape[0])


def test_frames_in_colour_are_bgr(photos: dict[str, Pixels]) -> None:
    hashes, quality = reference(photos["astronaut"])
    bgr = frame(np.ascontiguousarray(photos["astronaut"][:, :, ::-1]))
    got = hash_frame(bgr)
    assert got == tuple(Hash(PDQ, row.tobytes(), quality) for row in hashes)
    assert len(got) == len(Orientation)
    picture = Image.fromarray(photos["astronaut"])
    assert hash_frame(bgr, "phash")[0] == Hash.from_hex("phash", str(imagehash.phash(picture)))
    assert hash_frame(bgr, "dhash")[0] == Hash.from_hex("dhash", str(imagehash.dhash(picture)))
    assert hash_frame(bgr, "ahash")[0] == Hash.from_hex("ahash", str(imagehash.average_hash(picture)))


def test_frames_of_luma(photos: dict[str, Pixels]) -> None:
    luma = np.ascontiguousarray(photos["camera"][:, :, 0])
    hashes, quality = reference(luma)
    assert hash_frame(frame(luma)) == tuple(Hash(PDQ, row.tobytes(), quality) for row in hashes)


def test_frames_too_small_for_pdq_have_no_quality() -> None:
    assert set(hash_frame(frame(np.full((4, 90), 255, np.uint8)))) == {Hash(PDQ, bytes(32), 0)}


@pytest.mark.parametrize("name", ["md5", "sha256"])
def test_hashes_of_bytes_are_one_for_a_file(name: str) -> None:
    data = bytes(range(256))
    expected = Hash(name, hashlib.new(name, data).digest())
    picture = frame(np.zeros((9, 9), np.uint8))
    assert hash_image(data, picture, name) == (expected,)
    assert hash_frame(picture, name) == ()


def test_kinds_are_consistent_and_read_only(photos: dict[str, Pixels]) -> None:
    assert f"known: {', '.join(KINDS)}" == KNOWN
    for name, kind in KINDS.items():
        assert kind.name == name
        assert 0 <= kind.default_threshold < kind.bits
        hashes = hash_image(b"data", frame(photos["coffee"]), name)
        assert len(hashes) == (8 if isinstance(kind, FrameKind) else 1)
        for value in hashes:
            assert check(value) is value
            assert (value.quality is not None) == kind.has_quality
    with pytest.raises(TypeError):
        KINDS["other"] = KINDS[PDQ]  # type: ignore[index]  # that it cannot be assigned is what is tested


def test_no_kind_but_pdq_is_reached_as_far_as_a_bank_says() -> None:
    assert ceilings().keys() == KINDS.keys() - {PDQ}
    exact = {name for name, ceiling in ceilings().items() if ceiling == 0}
    assert exact == {name for name, kind in KINDS.items() if isinstance(kind, BytesKind)}


@pytest.mark.parametrize("quality", [None, 0, 50, 100])
def test_a_good_hash_passes(quality: int | None) -> None:
    value = Hash(PDQ, bytes(range(32)), quality)
    assert check(value) is value


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        (Hash("blake", bytes(32)), "kind", f"unknown kind 'blake'; {KNOWN}"),
        (Hash("", bytes(32)), "kind", f"unknown kind ''; {KNOWN}"),
        (Hash(PDQ, bytes(31)), "bits", "pdq has 256 bits, not 248"),
        (Hash(PDQ, b""), "bits", "pdq has 256 bits, not 0"),
        (Hash("phash", bytes(32)), "bits", "phash has 64 bits, not 256"),
        (Hash("md5", bytes(32)), "bits", "md5 has 128 bits, not 256"),
        (Hash("md5", bytes(16), 100), "quality", "md5 has no quality, but 100 was given"),
        (Hash(PDQ, bytes(32), -1), "quality", "must be 0 to 100, not -1"),
        (Hash(PDQ, bytes(32), 101), "quality", "must be 0 to 100, not 101"),
    ],
)
def test_a_bad_hash_says_what_was_expected_and_where(value: Hash, field: str, expected: str) -> None:
    for path in ("hash", "entries[7].hash"):
        with pytest.raises(InvalidField, match=re.escape(f"{path}.{field}: {expected}")) as caught:
            check(value, path)
        assert caught.value.details["field"] == f"{path}.{field}"


def test_kinds_asked_for_are_known_and_each_there_once() -> None:
    assert check_kinds(()) == (PDQ,)
    assert check_kinds(["sha256", "phash", "sha256"]) == ("sha256", "phash")
    with pytest.raises(InvalidField, match=re.escape(f"options.kinds[1]: unknown kind 'sift'; {KNOWN}")):
        check_kinds([PDQ, "sift"], "options.kinds")


PLUGIN = """
    from hashmatch.hashing import BytesKind, FrameKind
    from hashmatch.types import Hash

    print("loaded")
    SUM = BytesKind(name="sum16", bits=16, default_threshold=0,
                    hash_bytes=lambda data: Hash("sum16", (sum(data) % 2**16).to_bytes(2)))
    CLASH = BytesKind(name="pdq", bits=16, default_threshold=0, hash_bytes=SUM.hash_bytes)
    ODD = BytesKind(name="odd", bits=15, default_threshold=0, hash_bytes=SUM.hash_bytes)
    FAR = BytesKind(name="far", bits=16, default_threshold=16, hash_bytes=SUM.hash_bytes)
    SHOUTED = BytesKind(name="SUM", bits=16, default_threshold=0, hash_bytes=SUM.hash_bytes)
    NUMBER = 7

    def of_bytes(made, has_quality=False):
        return BytesKind(name="unfit", bits=16, default_threshold=0, has_quality=has_quality, hash_bytes=lambda _: made)

    ONE = FrameKind(name="unfit", bits=16, default_threshold=0, hash_frame=lambda _: (Hash("unfit", bytes(2)),))
    SHORT = of_bytes(Hash("unfit", bytes(1)))
    OTHER = of_bytes(Hash("other", bytes(2)))
    BLIND = of_bytes(Hash("unfit", bytes(2)), has_quality=True)
    SEEING = of_bytes(Hash("unfit", bytes(2), 50))
"""


def install(folder: Path, distribution: str, entry_points: str) -> None:
    """Put a distribution where Python finds it, as an installer would."""
    about = folder / f"{distribution}-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(f"[hashmatch.kinds]\n{entry_points}\n")
    (folder / "sums.py").write_text(dedent(PLUGIN))


def run(folder: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_kind_of_another_distribution_is_loaded_once_when_kinds_are_first_asked_for(tmp_path: Path) -> None:
    install(tmp_path, "acme-kinds", "sum16 = sums:SUM")
    code = """
        from hashmatch import hashing
        from hashmatch.types import Frame, Hash
        import numpy as np
        print("imported")
        frame = Frame(np.zeros((9, 9), np.uint8), "image/png", 9, 9)
        print(hashing.hash_image(bytes([1, 2, 255]), frame, "sum16")[0].hex)
        print(hashing.check(Hash("sum16", bytes(2))).kind, list(hashing.KINDS)[-1])
    """
    assert run(tmp_path, code).split("\n") == ["imported", "loaded", "0102", "sum16 sum16", ""]


@pytest.mark.parametrize(
    ("entry_point", "why"),
    [
        ("pdq = sums:CLASH", "another kind has that name"),
        ("sum32 = sums:SUM", "calls itself 'sum16'"),
        ("SUM = sums:SHOUTED", "a name is 1 to 32 of a-z, 0-9 and hyphen"),
        ("odd = sums:ODD", "has 15 bits; it must be a multiple of 8 from 8 to 2,048"),
        ("far = sums:FAR", "has a default threshold of 16 of 16 bits"),
        ("seven = sums:NUMBER", "is of type int, not FrameKind or BytesKind"),
        ("gone = sums:GONE", "cannot be loaded: AttributeError: module 'sums' has no attribute 'GONE'"),
        ("gone = nothing:GONE", "cannot be loaded: ModuleNotFoundError: No module named 'nothing'"),
    ],
)
def test_a_broken_kind_names_its_distribution(tmp_path: Path, entry_point: str, why: str) -> None:
    install(tmp_path, "acme-kinds", entry_point)
    code = """
        from hashmatch import errors, hashing
        for _ in range(2):
            try:
                hashing.KINDS["pdq"]
            except errors.ConfigurationError as error:
                print(error)
    """
    name, _, value = entry_point.partition(" = ")
    says = [line for line in run(tmp_path, code).split("\n") if line not in {"loaded", ""}]
    assert says == [f"the kind {name!r} of acme-kinds 1.2 ({value}): {why}"] * 2


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("ONE", "made 1 hashes of a picture, not 8"),
        ("SHORT", "made a hash that is none: hash.bits: unfit has 16 bits, not 8"),
        ("OTHER", "made a hash of the kind 'other'"),
        ("BLIND", "made a hash without its quality"),
        ("SEEING", "made a hash that is none: hash.quality: unfit has no quality, but 50 was given"),
    ],
)
def test_no_hashing_starts_with_a_kind_that_makes_other_hashes_than_it_says(
    tmp_path: Path, kind: str, why: str
) -> None:
    install(tmp_path, "acme-kinds", f"unfit = sums:{kind}")
    code = """
        from hashmatch import errors
        from hashmatch.sandbox.warm import warm
        try:
            warm()
        except errors.ConfigurationError as error:
            print(error)
    """
    assert run(tmp_path, code) == f"loaded\nthe kind 'unfit' {why}\n"


def test_two_distributions_with_a_kind_of_one_name_clash(tmp_path: Path) -> None:
    install(tmp_path, "acme-kinds", "sum16 = sums:SUM")
    install(tmp_path, "zebra-kinds", "sum16 = sums:SUM")
    code = """
        from hashmatch import errors, hashing
        try:
            len(hashing.KINDS)
        except errors.ConfigurationError as error:
            print(error)
    """
    assert "zebra-kinds 1.2 (sums:SUM): another kind has that name" in run(tmp_path, code)
