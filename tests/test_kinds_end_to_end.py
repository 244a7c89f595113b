"""Several kinds of hashes of one upload: through the server, both clients and the command."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pytest
from PIL import Image

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.photos import colour_photos
from hashmatch.client import AsyncClient, Client
from hashmatch.errors import InvalidField
from hashmatch.types import Action, Bank, Hash, MatchOptions, NewEntry, NewMedia, Orientation, Verdict
from tests.command import called

COFFEE = colour_photos()["coffee"]
KINDS = ("phash", "dhash", "ahash", "md5", "sha256", "pdq")


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.address) as made:
        yield made


@pytest.fixture(scope="module")
def picture() -> bytes:
    return COFFEE.read_bytes()


@pytest.fixture(scope="module")
def revision(client: Client, picture: bytes) -> int:
    """Of two banks that know the picture by a kind an entry, one of them with the widest threshold there is."""
    media = [NewMedia(picture, kind=kind) for kind in KINDS]
    for name, threshold in (("usual", 31), ("wide", 64)):
        client.create_bank(Bank(name, action=Action.BLOCK, threshold=threshold))
        entries, revision = client.add_entries(name, media)
        assert [entry.hash.kind for entry in entries] == list(KINDS)
    return revision


def smaller(picture: bytes) -> bytes:
    """A copy in another size and format, turned by 180 degrees."""
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    copy = cv2.rotate(cv2.resize(pixels, (300, 200)), cv2.ROTATE_180)
    return cv2.imencode(".jpg", copy)[1].tobytes()


def test_an_image_is_hashed_by_every_kind_that_is_asked_for(client: Client, picture: bytes) -> None:
    with Image.open(COFFEE) as opened:
        expected = {
            "phash": str(imagehash.phash(opened)),
            "dhash": str(imagehash.dhash(opened)),
            "ahash": str(imagehash.average_hash(opened)),
            "md5": hashlib.md5(picture).hexdigest(),
            "sha256": hashlib.sha256(picture).hexdigest(),
        }
    hashes = client.hash_image(picture, tuple(expected)).hashes
    kinds = [kind for kind in expected for _ in range(1 if kind in {"md5", "sha256"} else len(Orientation))]
    assert [value.kind for value in hashes] == kinds
    first = {value.kind: value.hex for value in reversed(hashes)}
    assert first == expected
    assert {value.quality for value in hashes} == {None}
    assert {value.kind for value in client.hash_image(picture).hashes} == {"pdq"}


def test_only_the_kinds_that_are_asked_for_are_looked_up(client: Client, picture: bytes, revision: int) -> None:
    options = MatchOptions(banks=("usual",), min_revision=revision)
    assert [match.entry_hash.kind for match in client.match_image(picture, options).matches] == ["pdq"]
    options = MatchOptions(banks=("usual",), min_revision=revision, kinds=("sha256", "phash"))
    found = client.match_image(picture, options)
    assert found.hash == Hash("sha256", hashlib.sha256(picture).digest())
    assert {match.entry_hash.kind for match in found.matches} == {"sha256", "phash"}
    assert {match.distance for match in found.matches} == {0}
    assert {match.orientation for match in found.matches} == {Orientation.ORIGINAL}


def test_an_altered_copy_is_found_by_perceptual_kinds_within_their_own_distances(
    client: Client, picture: bytes, revision: int
) -> None:
    found = client.match_image(smaller(picture), MatchOptions(min_revision=revision, kinds=KINDS))
    assert found.verdict is Verdict.BLOCK
    assert found.hash.kind == "phash"
    assert found.total_matches == len(found.matches) == 8
    assert {match.orientation for match in found.matches} == {Orientation.ROTATE_180}
    ceilings = {"phash": 8, "dhash": 4, "ahash": 3}
    for match in found.matches:
        bank = 31 if match.bank == "usual" else 64
        assert match.threshold == ceilings.get(match.entry_hash.kind, bank)
        assert match.query_hash.kind == match.entry_hash.kind
        assert match.distance <= match.threshold
    distances = [match.distance for match in found.matches]
    assert distances == sorted(distances)


def test_the_nearest_of_all_kinds_are_returned_and_all_are_counted(
    client: Client, picture: bytes, revision: int
) -> None:
    options = MatchOptions(min_revision=revision, kinds=KINDS, max_matches=3)
    found = client.match_image(picture, options)
    assert (found.total_matches, len(found.matches)) == (12, 3)
    assert [match.entry_id for match in found.matches] == sorted(match.entry_id for match in found.matches)


def test_a_wide_bank_has_no_matches_by_kinds_that_are_as_far_apart_as_chance(client: Client, revision: int) -> None:
    """31 of 64 bits are what unrelated hashes differ by, and within 64 lies every one."""
    assert revision
    random = np.random.default_rng(3)
    unrelated = [Hash("phash", random.bytes(8)) for _ in range(200)] + [Hash("md5", random.bytes(16))] * 200
    answers = client.lookup_hashes(unrelated)
    assert [answer.total_matches for answer in answers] == [0] * 400


def test_hashes_are_looked_up_among_those_of_their_kind(client: Client) -> None:
    zero = [Hash("phash", bytes(8)), Hash("dhash", bytes(8)), Hash("md5", bytes(16)), Hash("sha256", bytes(32))]
    client.create_bank(Bank("zero"))
    entries, revision = client.add_entries("zero", [NewEntry(value) for value in zero])
    answers = client.lookup_hashes(zero, MatchOptions(banks=("zero",), min_revision=revision))
    assert [[match.entry_id for match in answer.matches] for answer in answers] == [[entry.id] for entry in entries]
    near = Hash("md5", bytes(15) + b"\1")
    assert client.lookup_hashes([near], MatchOptions(banks=("zero",)))[0].total_matches == 0


def test_kinds_there_are_not_are_refused_by_field(client: Client, picture: bytes) -> None:
    with pytest.raises(InvalidField) as caught:
        client.hash_image(picture, ["pdq", "sift"])
    assert caught.value.details["field"] == "kinds[1]"
    with pytest.raises(InvalidField) as caught:
        client.match_image(picture, MatchOptions(kinds=("sift",)))
    assert caught.value.details["field"] == "options.kinds[0]"


async def test_the_asynchronous_client_asks_for_kinds_too(server: ServerProcess, picture: bytes) -> None:
    async with AsyncClient(server.address) as client:
        image = await client.hash_image(picture, ["md5"])
    assert image.hashes == (Hash("md5", hashlib.md5(picture).digest()),)


def test_status_counts_the_entries_of_each_kind(client: Client, revision: int) -> None:
    client.match_image(COFFEE.read_bytes(), MatchOptions(min_revision=revision))
    assert client.status().entries.keys() >= set(KINDS)


def test_the_command_hashes_by_kind(picture: bytes, tmp_path: Path) -> None:
    for_people = called("hash", "--kind", "md5", "--kind", "pdq", COFFEE)
    assert for_people.code == 0
    digests = [line.split(" ")[0] for line in for_people.out.splitlines()]
    assert digests[0] == hashlib.md5(picture).hexdigest()
    assert for_people.out.splitlines()[0] == f"{digests[0]}   - {COFFEE}"
    assert len(digests[1]) == 64
    lines = called("hash", "--json", "--kind", "sha256", "--kind", "phash", COFFEE).objects
    assert [line["hash"]["kind"] for line in lines] == ["sha256", "phash"]
    assert lines[0]["hash"] == {"kind": "sha256", "hex": hashlib.sha256(picture).hexdigest(), "quality": None}
    unknown = called("hash", "--kind", "sift", COFFEE)
    assert unknown.code == 2
    assert "unknown kind 'sift'" in unknown.err


def test_the_command_adds_and_looks_up_by_kind(server: ServerProcess, picture: bytes) -> None:
    ask = ("--server", server.address)
    assert called(*ask, "bank", "create", "lists").code == 0
    assert called(*ask, "bank", "add", "lists", "--kind", "sha256", COFFEE).code == 0
    assert called(*ask, "bank", "add", "lists", "--kind", "md5", "--hash", hashlib.md5(picture).hexdigest()).code == 0
    for kind in ("md5", "sha256"):
        found = called(*ask, "match", "--json", "--bank", "lists", "--kind", kind, COFFEE)
        assert (found.code, found.object["verdict"]) == (10, "REVIEW")
        assert [match["entry_hash"]["kind"] for match in found.object["matches"]] == [kind]
        digits = hashlib.new(kind, picture).hexdigest()
        assert called(*ask, "lookup", "--bank", "lists", "--kind", kind, digits).code == 10
    assert called(*ask, "match", "--bank", "lists", COFFEE).code == 0
    assert called(*ask, "lookup", "--kind", "md5", "0" * 64).code == 2
    assert called(*ask, "bank", "add", "lists", "--kind", "md5", "--quality", 5, "--hash", "0" * 32).code == 2
