"""Decoding at a part of the size: of which files, and that the hashes say so to the very end."""

import cv2
import numpy as np
import pytest
from PIL import Image

from hashmatch import hashing
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.errors import ApproximateHash, CorruptMedia
from hashmatch.media import decode
from hashmatch.media.jpeg import REDUCTIONS, most_reduction, read
from hashmatch.sandbox import Job, Pool
from hashmatch.sandbox.image import pack, unpack
from hashmatch.sandbox.in_process import InProcess
from hashmatch.sandbox.line import Malformed
from hashmatch.settings import MediaLimits
from hashmatch.types import PDQ, Bank, Hash, MatchOptions, NewEntry, NewMedia
from tests.media_files import Pixels, encoded, saved

LIMITS = MediaLimits()


def picture(photos: dict[str, Pixels], width: int, height: int, name: str = "china") -> Pixels:
    """A photograph in BGR of that size."""
    resized = cv2.resize(photos[name], (width, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(resized[:, :, ::-1]).astype(np.uint8)


def distance(a: Hash, b: Hash) -> int:
    return (int.from_bytes(a.bits, "big") ^ int.from_bytes(b.bits, "big")).bit_count()


def progressive(pixels: Pixels) -> bytes:
    """A JPEG that the core leaves to OpenCV; of a plain one it decodes the whole rather than a half or a quarter."""
    return encoded(".jpg", pixels, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)


def test_the_shorter_side_decides(photos: dict[str, Pixels]) -> None:
    sides = [767, *(side + step for side, _ in reversed(REDUCTIONS) for step in (0, 1))]
    for side, reduction in zip(sides, [1, 2, 2, 4, 4, 8, 8], strict=True):
        pixels = picture(photos, side + 100, side)[:, :, 1]
        jpeg, plain = progressive(pixels), encoded(".jpg", pixels)
        frame = decode(jpeg, LIMITS, reduced=True)
        assert (frame.reduction, frame.width, frame.height) == (reduction, side + 100, side)
        assert frame.pixels.shape == (-(-side // reduction), -(-(side + 100) // reduction))
        assert decode(jpeg, LIMITS).reduction == decode(plain, LIMITS).reduction == 1
        assert decode(plain, LIMITS, reduced=True).reduction in ({8} if reduction == 8 else {1, reduction})


def test_every_usual_jpeg_is_reduced_and_others_are_not(photos: dict[str, Pixels]) -> None:
    pixels = picture(photos, 1000, 800)
    rgb = Image.fromarray(pixels[:, :, ::-1])
    usual = [saved(rgb, "JPEG", progressive=True, subsampling=subsampling) for subsampling in (0, 1, 2)]
    usual.append(saved(rgb.convert("L"), "JPEG", progressive=True))
    plain = saved(rgb, "JPEG", subsampling=0)
    luma_sampled_least = plain.replace(b"\x01\x11\x00\x02\x11\x01", b"\x01\x11\x00\x02\x22\x01", 1)
    assert luma_sampled_least != plain
    others = [saved(rgb.convert("CMYK"), "JPEG"), encoded(".png", pixels), encoded(".webp", pixels)]
    assert [decode(data, LIMITS, reduced=True).reduction for data in usual] == [2] * 4
    assert [decode(data, LIMITS, reduced=True).reduction for data in others] == [1] * 3
    assert most_reduction(read(luma_sampled_least, LIMITS)) == 1


def test_damage_is_an_error_at_every_size(photos: dict[str, Pixels]) -> None:
    jpeg = encoded(".jpg", picture(photos, 1000, 800))
    with pytest.raises(CorruptMedia):
        decode(jpeg[:-2000], LIMITS, reduced=True)


def test_hashes_say_that_they_are_approximate(photos: dict[str, Pixels]) -> None:
    jpeg, hasher = progressive(picture(photos, 1100, 900)), InProcess(LIMITS)
    exact, near = (hasher.hash_image(jpeg, Job(approximate=approximate)) for approximate in (False, True))
    assert not any(value.approximate for value in exact.hashes)
    assert all(value.approximate for value in near.hashes)
    assert (near.width, near.height, len(near.hashes)) == (1100, 900, 8)
    for value, other in zip(near.hashes, exact.hashes, strict=True):
        assert distance(value, other) <= 4


def test_kinds_that_need_all_pixels_get_them(photos: dict[str, Pixels]) -> None:
    jpeg, hasher = progressive(picture(photos, 1100, 900)), InProcess(LIMITS)
    kinds = (PDQ, "phash", "md5")
    assert hasher.hash_image(jpeg, Job(kinds, approximate=True)) == hasher.hash_image(jpeg, Job(kinds))
    assert hasher.hash_image(jpeg, Job((PDQ, "md5"), approximate=True)).hashes[0].approximate


def test_what_is_within_a_border_is_hashed_exactly(photos: dict[str, Pixels]) -> None:
    bordered = cv2.copyMakeBorder(picture(photos, 1100, 900), 90, 90, 37, 37, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    jpeg, hasher = progressive(bordered.astype(np.uint8)), InProcess(LIMITS)
    found = hasher.hash_image(jpeg, Job(all_views=True, approximate=True))
    assert found.inner
    assert found == hasher.hash_image(jpeg, Job(all_views=True))
    assert hasher.hash_image(jpeg, Job(approximate=True)).hashes[0].approximate


def test_a_sandbox_says_so_too_and_only_where_it_was_asked(photos: dict[str, Pixels]) -> None:
    jpeg, hasher, job = progressive(picture(photos, 1100, 900)), InProcess(LIMITS), Job((PDQ, "md5"), True, True)
    near = hasher.hash_image(jpeg, job)
    with Pool(LIMITS, 1) as pool:
        assert pool.hash_image(jpeg, job) == near
        assert not any(value.approximate for value in pool.hash_image(jpeg, Job()).hashes)
    assert unpack(pack(near), job, LIMITS) == near
    with pytest.raises(Malformed, match="not asked for"):
        unpack(pack(near), Job((PDQ, "md5"), True), LIMITS)


def test_an_approximate_hash_is_no_entry() -> None:
    value = Hash(PDQ, bytes(32), 100, approximate=True)
    assert hashing.check(value) == value
    with pytest.raises(ApproximateHash, match="entries: the hash is approximate"):
        hashing.check_exact(value, "entries")


def test_through_a_server_it_is_found_labelled_and_never_banked(
    server: ServerProcess, photos: dict[str, Pixels]
) -> None:
    jpeg = progressive(picture(photos, 1600, 1300))
    with Client(server.address) as client:
        client.create_bank(Bank("reduced"))
        client.match_image(jpeg, MatchOptions(approximate=True))  # what is remembered of it must not be banked either
        (entry,), revision = client.add_entries("reduced", [NewMedia(jpeg)])
        assert entry.hash == InProcess(LIMITS).hash_image(jpeg, Job()).hashes[0]
        found = client.match_image(jpeg, MatchOptions(min_revision=revision, approximate=True))
        assert found.hash.approximate
        assert found.matches[0].query_hash.approximate
        assert not found.matches[0].entry_hash.approximate
        assert found.matches[0].distance <= 4
        assert not client.match_image(jpeg).hash.approximate
        near = client.hash_image(jpeg, approximate=True).hashes[0]
        assert near == found.hash
        assert client.lookup_hashes([near])[0].matches
        with pytest.raises(ApproximateHash) as refused:
            client.add_entries("reduced", [NewEntry(near)])
        assert refused.value.details["field"] == "entries[0].hash"
        assert client.get_bank("reduced")[1] == 1
