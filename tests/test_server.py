"""A real server over a real socket: every call, and every way a call can fail."""

import threading
import time
from collections.abc import Callable, Iterator

import cv2
import grpc
import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from numpy.typing import NDArray

from hashmatch import hashing, media
from hashmatch.cli.child import ServerProcess
from hashmatch.settings import MediaLimits
from hashmatch.v1 import (
    bank_pb2,
    hash_pb2,
    match_pb2,
    status_pb2,
    types_pb2,
)
from tests.media_files import of_rgb
from tests.servers import Stubs, refused, running_server

Photos = dict[str, NDArray[np.uint8]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def stubs(server: ServerProcess) -> Iterator[Stubs]:
    made = Stubs(server.address)
    yield made
    made.channel.close()


@pytest.fixture
def bank(stubs: Stubs, request: pytest.FixtureRequest) -> Iterator[str]:
    """The resource name of an empty BLOCK bank of the test's own."""
    name = "banks/" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[:60].strip("-")
    made = types_pb2.Bank(name=name, action=types_pb2.ACTION_BLOCK)
    stubs.bank.CreateBank(bank_pb2.CreateBankRequest(bank=made))
    yield name
    stubs.bank.DeleteBank(bank_pb2.DeleteBankRequest(name=name))


def add_media(stubs: Stubs, bank: str, *items: bytes) -> bank_pb2.AddEntriesResponse:
    entries = [
        bank_pb2.NewEntry(media=item, provenance=types_pb2.Provenance(content_id=f"item-{at}", labels=["a", "b"]))
        for at, item in enumerate(items)
    ]
    return stubs.bank.AddEntries(bank_pb2.AddEntriesRequest(parent=bank, entries=entries))


def test_an_altered_copy_is_caught_and_explained(stubs: Stubs, bank: str, photos: Photos) -> None:
    added = add_media(stubs, bank, of_rgb(photos["chelsea"], ".png"))
    turned = np.ascontiguousarray(np.rot90(photos["chelsea"]))
    answer = stubs.match.MatchImage(
        match_pb2.MatchImageRequest(
            media=of_rgb(turned, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 40),
            options=types_pb2.MatchOptions(min_revision=added.revision),
        )
    )
    assert answer.media_type == "image/jpeg"
    assert (answer.width, answer.height) == (turned.shape[1], turned.shape[0])
    assert answer.result.verdict == types_pb2.VERDICT_BLOCK
    assert answer.result.revision >= added.revision
    (match,) = answer.result.matches
    assert match.entry == added.entries[0].name
    assert match.bank == bank
    assert match.action == types_pb2.ACTION_BLOCK
    assert match.threshold == 31
    assert match.orientation == types_pb2.ORIENTATION_ROTATE_270
    assert match.view == types_pb2.VIEW_WHOLE
    assert match.entry_hash == added.entries[0].hash
    bits = [int.from_bytes(value.bits) for value in (match.entry_hash, match.query_hash)]
    assert match.distance == (bits[0] ^ bits[1]).bit_count() <= 31
    assert list(match.provenance.labels) == ["a", "b"]


@pytest.mark.parametrize(
    "sides", [(80, 80, 0, 0), (0, 0, 120, 120), (30, 30, 30, 30)], ids=["bars", "pillars", "border"]
)
def test_a_copy_within_a_border_is_caught(
    stubs: Stubs, bank: str, photos: Photos, sides: tuple[int, int, int, int]
) -> None:
    added = add_media(stubs, bank, of_rgb(photos["chelsea"], ".png"))
    top, bottom, left, right = sides
    mirrored = np.ascontiguousarray(photos["chelsea"][:, ::-1])
    bordered = cv2.copyMakeBorder(mirrored, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    media = of_rgb(bordered.astype(np.uint8), ".jpg", cv2.IMWRITE_JPEG_QUALITY, 60)
    options = types_pb2.MatchOptions(min_revision=added.revision)
    answer = stubs.match.MatchImage(match_pb2.MatchImageRequest(media=media, options=options))
    assert answer.result.verdict == types_pb2.VERDICT_BLOCK
    (match,) = answer.result.matches
    assert match.view == types_pb2.VIEW_WITHOUT_BORDER
    assert match.orientation == types_pb2.ORIENTATION_FLIP_Y
    assert match.query_hash != answer.result.hash
    assert (answer.width, answer.height) == bordered.shape[1::-1]
    options.whole_image_only = True
    answer = stubs.match.MatchImage(match_pb2.MatchImageRequest(media=media, options=options))
    assert answer.result.verdict == types_pb2.VERDICT_ALLOW
    assert len(answer.result.matches) == answer.result.total_matches == 0


def test_an_entry_that_both_views_find_counts_once_at_its_nearest(stubs: Stubs, bank: str, photos: Photos) -> None:
    photo = photos["chelsea"]
    thin = cv2.copyMakeBorder(photo, 3, 3, 4, 4, cv2.BORDER_CONSTANT, value=(0, 0, 0)).astype(np.uint8)
    added = add_media(stubs, bank, of_rgb(photo, ".png"), of_rgb(thin, ".png"))
    options = types_pb2.MatchOptions(min_revision=added.revision)
    answer = stubs.match.MatchImage(match_pb2.MatchImageRequest(media=of_rgb(thin, ".png"), options=options))
    views = {match.entry: (match.distance, match.view) for match in answer.result.matches}
    assert views == {
        added.entries[0].name: (0, types_pb2.VIEW_WITHOUT_BORDER),
        added.entries[1].name: (0, types_pb2.VIEW_WHOLE),
    }
    assert answer.result.total_matches == 2


def test_without_orientations_a_turned_copy_is_another_picture(stubs: Stubs, bank: str, photos: Photos) -> None:
    added = add_media(stubs, bank, of_rgb(photos["chelsea"], ".png"))
    options = types_pb2.MatchOptions(min_revision=added.revision, original_orientation_only=True)
    turned = of_rgb(np.ascontiguousarray(np.rot90(photos["chelsea"])))
    answer = stubs.match.MatchImage(match_pb2.MatchImageRequest(media=turned, options=options))
    assert answer.result.verdict == types_pb2.VERDICT_ALLOW
    assert not answer.result.matches


def test_known_good_content_is_reported_and_not_blocked(stubs: Stubs, bank: str, photos: Photos) -> None:
    good = types_pb2.Bank(name="banks/known-good", action=types_pb2.ACTION_ALLOW)
    stubs.bank.CreateBank(bank_pb2.CreateBankRequest(bank=good))
    picture = of_rgb(photos["coffee"])
    add_media(stubs, bank, picture)
    added = add_media(stubs, good.name, picture)
    request = match_pb2.MatchImageRequest(media=picture)
    request.options.min_revision = added.revision
    both = stubs.match.MatchImage(request).result
    assert both.verdict == types_pb2.VERDICT_ALLOW
    assert {match.bank for match in both.matches} == {bank, good.name}
    request.options.banks.append(bank)
    assert stubs.match.MatchImage(request).result.verdict == types_pb2.VERDICT_BLOCK
    stubs.bank.DeleteBank(bank_pb2.DeleteBankRequest(name=good.name))


def test_a_featureless_image_was_not_compared_and_says_so(stubs: Stubs, bank: str) -> None:
    flat = of_rgb(np.full((64, 64, 3), 127, np.uint8), ".png")
    added = add_media(stubs, bank, flat)
    request = match_pb2.MatchImageRequest(media=flat)
    request.options.min_revision = added.revision
    result = stubs.match.MatchImage(request).result
    assert result.hash.quality < 50
    assert list(result.banks_not_compared) == [bank]
    assert result.verdict == types_pb2.VERDICT_ALLOW


PNG_40_000 = bytes.fromhex("89504e470d0a1a0a0000000d4948445200009c4000009c400802000000") + bytes(4)

UNREADABLE: dict[str, tuple[Callable[[Photos], bytes], str]] = {
    "empty": (lambda _: b"", "EMPTY_MEDIA"),
    "text": (lambda _: b"to whom it may concern\n" * 9, "UNSUPPORTED_MEDIA"),
    "truncated": (lambda photos: of_rgb(photos["rocket"])[:-3000], "CORRUPT_MEDIA"),
    "40,000 x 40,000": (lambda _: PNG_40_000, "MEDIA_TOO_LARGE"),
    "50 MB": (lambda _: b"\xff\xd8\xff\xe0" + bytes(50_000_000), "MEDIA_TOO_LARGE"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_media_have_a_reason_and_harm_nobody(stubs: Stubs, photos: Photos, name: str) -> None:
    make, reason = UNREADABLE[name]
    data = make(photos)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, reason):
        stubs.match.MatchImage(match_pb2.MatchImageRequest(media=data), timeout=60)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, reason):
        stubs.hash.HashImage(hash_pb2.HashImageRequest(media=data), timeout=60)
    (item,) = stubs.match.MatchStream(
        iter([match_pb2.MatchStreamRequest(key="k", image=match_pb2.MatchImageRequest(media=data))]), timeout=60
    )
    assert (item.key, item.error.reason) == ("k", reason)
    good = match_pb2.MatchImageRequest(media=of_rgb(photos["rocket"]))
    assert stubs.match.MatchImage(good, timeout=60).result.hash.quality == 100


def test_a_query_that_cannot_be_is_refused_by_field(stubs: Stubs) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    with refused(invalid, "INVALID_FIELD", "options.banks[0]"):
        stubs.match.MatchImage(match_pb2.MatchImageRequest(options=types_pb2.MatchOptions(banks=["x"])))
    with refused(invalid, "INVALID_FIELD", "hashes"):
        stubs.match.LookupHashes(match_pb2.LookupHashesRequest())
    with refused(invalid, "INVALID_FIELD", "hashes"):
        stubs.match.LookupHashes(match_pb2.LookupHashesRequest(hashes=[types_pb2.Hash()] * 4097))
    with refused(invalid, "INVALID_FIELD", "hashes[1].bits"):
        good = types_pb2.Hash(kind="pdq", bits=bytes(32))
        stubs.match.LookupHashes(match_pb2.LookupHashesRequest(hashes=[good, types_pb2.Hash(kind="pdq", bits=b"1")]))
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        options = types_pb2.MatchOptions(banks=["banks/nowhere"])
        stubs.match.LookupHashes(match_pb2.LookupHashesRequest(hashes=[good], options=options))


def test_a_revision_that_does_not_come_is_said_before_the_deadline(stubs: Stubs, photos: Photos) -> None:
    request = match_pb2.MatchImageRequest(media=of_rgb(photos["rocket"]))
    request.options.min_revision = 10**9
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "REVISION_NOT_REACHED"):
        stubs.match.MatchImage(request, timeout=1)


def test_a_stream_is_answered_in_order_and_outlives_bad_items(stubs: Stubs, bank: str, photos: Photos) -> None:
    added = add_media(stubs, bank, of_rgb(photos["chelsea"]))
    options = types_pb2.MatchOptions(min_revision=added.revision, banks=[bank])
    bodies = [of_rgb(photos["chelsea"]), b"junk", of_rgb(photos["rocket"]), b""] * 20
    requests = (
        match_pb2.MatchStreamRequest(key=str(at), image=match_pb2.MatchImageRequest(media=body, options=options))
        for at, body in enumerate(bodies)
    )
    answers = list(stubs.match.MatchStream(requests))
    assert [answer.key for answer in answers] == [str(at) for at in range(len(bodies))]
    outcomes = [answer.error.reason or types_pb2.Verdict.Name(answer.image.result.verdict) for answer in answers]
    assert outcomes == ["VERDICT_BLOCK", "UNSUPPORTED_MEDIA", "VERDICT_ALLOW", "EMPTY_MEDIA"] * 20


def test_a_stream_answers_each_item_before_the_next_is_sent(stubs: Stubs, photos: Photos) -> None:
    image = match_pb2.MatchImageRequest(media=of_rgb(photos["rocket"]))
    answered = threading.Semaphore(0)

    def one_at_a_time() -> Iterator[match_pb2.MatchStreamRequest]:
        for key in "abc":
            yield match_pb2.MatchStreamRequest(key=key, image=image)
            assert answered.acquire(timeout=10)

    keys = []
    for answer in stubs.match.MatchStream(one_at_a_time(), timeout=30):
        keys.append(answer.key)
        answered.release()
    assert keys == ["a", "b", "c"]


def test_a_key_that_is_too_long_costs_its_item_alone(stubs: Stubs, photos: Photos) -> None:
    image = match_pb2.MatchImageRequest(media=of_rgb(photos["rocket"]))
    requests = [match_pb2.MatchStreamRequest(key=key, image=image) for key in ("k" * 257, "k" * 256)]
    first, second = stubs.match.MatchStream(iter(requests))
    assert first.error.reason == "INVALID_FIELD"
    assert second.image.result.hash.quality == 100


def test_a_message_that_is_none_costs_its_item_alone(server: ServerProcess, photos: Photos) -> None:
    image = match_pb2.MatchImageRequest(media=of_rgb(photos["rocket"]))
    good = match_pb2.MatchStreamRequest(key="good", image=image).SerializeToString()
    with grpc.insecure_channel(server.address) as channel:
        stream = channel.stream_stream(
            "/hashmatch.v1.MatchService/MatchStream", None, match_pb2.MatchStreamResponse.FromString
        )
        first, second = stream(iter((b"\xff" * 40, good)), timeout=30)
    assert (first.key, first.error.reason) == ("", "INVALID_INPUT")
    assert (second.key, second.image.result.hash.quality) == ("good", 100)


def test_lookups_answer_each_hash_at_its_distance(stubs: Stubs, bank: str) -> None:
    known = types_pb2.Hash(kind="pdq", bits=bytes(32), quality=100)
    added = stubs.bank.AddEntries(bank_pb2.AddEntriesRequest(parent=bank, entries=[bank_pb2.NewEntry(hash=known)] * 3))
    queries = [((1 << distance) - 1).to_bytes(32) for distance in (0, 31, 32)]
    answer = stubs.match.LookupHashes(
        match_pb2.LookupHashesRequest(
            hashes=[types_pb2.Hash(kind="pdq", bits=bits) for bits in queries],
            options=types_pb2.MatchOptions(min_revision=added.revision, banks=[bank], max_matches=2),
        )
    )
    assert [result.total_matches for result in answer.results] == [3, 3, 0]
    assert [[match.distance for match in result.matches] for result in answer.results] == [[0, 0], [31, 31], []]
    assert {result.revision for result in answer.results} == {answer.results[0].revision}


def test_hashes_are_those_of_the_library(stubs: Stubs, photos: Photos) -> None:
    data = of_rgb(photos["coffee"], ".png")
    answer = stubs.hash.HashImage(hash_pb2.HashImageRequest(media=data))
    local = hashing.hash_frame(media.decode(data, MediaLimits()))
    assert [item.hash.bits for item in answer.hashes] == [value.bits for value in local]
    assert [item.orientation for item in answer.hashes] == list(range(1, 9))
    assert answer.media_type == "image/png"


def test_a_bank_from_beginning_to_end(stubs: Stubs) -> None:
    name = "banks/from-beginning-to-end"
    made = stubs.bank.CreateBank(bank_pb2.CreateBankRequest(bank=types_pb2.Bank(name=name, description="first")))
    assert made.bank.action == types_pb2.ACTION_REVIEW
    assert (made.bank.threshold, made.bank.minimum_quality, made.bank.enabled) == (31, 50, True)
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"):
        stubs.bank.CreateBank(bank_pb2.CreateBankRequest(bank=types_pb2.Bank(name=name)))
    changed = stubs.bank.UpdateBank(
        bank_pb2.UpdateBankRequest(
            bank=types_pb2.Bank(name=name, threshold=0, description="ignored", enabled=False),
            update_mask=FieldMask(paths=["threshold", "enabled"]),
        )
    )
    assert changed.revision > made.revision
    got = stubs.bank.GetBank(bank_pb2.GetBankRequest(name=name))
    assert got.bank == changed.bank
    assert (got.bank.threshold, got.bank.enabled, got.bank.description) == (0, False, "first")
    stubs.bank.DeleteBank(bank_pb2.DeleteBankRequest(name=name))
    for call in (
        lambda: stubs.bank.GetBank(bank_pb2.GetBankRequest(name=name)),
        lambda: stubs.bank.DeleteBank(bank_pb2.DeleteBankRequest(name=name)),
        lambda: stubs.bank.ListEntries(bank_pb2.ListEntriesRequest(parent=name)),
        lambda: stubs.bank.GetEntry(bank_pb2.GetEntryRequest(name=f"{name}/entries/1")),
        lambda: stubs.bank.RemoveEntries(bank_pb2.RemoveEntriesRequest(parent=name, names=[f"{name}/entries/1"])),
        lambda: add_media(stubs, name, PIXEL),
    ):
        with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
            call()


PIXEL = of_rgb(np.zeros((8, 8, 3), np.uint8), ".png")


@pytest.mark.parametrize(
    ("bank", "field"),
    [
        (types_pb2.Bank(name="banks/Upper"), "bank.name"),
        (types_pb2.Bank(name="upper"), "bank.name"),
        (types_pb2.Bank(name="banks/" + "a" * 64), "bank.name"),
        (types_pb2.Bank(name="banks/a", threshold=65), "bank.threshold"),
        (types_pb2.Bank(name="banks/a", minimum_quality=101), "bank.minimum_quality"),
        (types_pb2.Bank(name="banks/a", description="d" * 1025), "bank.description"),
    ],
)
def test_a_bank_that_cannot_be_is_refused_by_field(stubs: Stubs, bank: types_pb2.Bank, field: str) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", field):
        stubs.bank.CreateBank(bank_pb2.CreateBankRequest(bank=bank))


@pytest.mark.parametrize("paths", [[], ["name"], ["threshold", "nonsense"]])
def test_an_update_names_what_it_changes(stubs: Stubs, bank: str, paths: list[str]) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "update_mask"):
        stubs.bank.UpdateBank(
            bank_pb2.UpdateBankRequest(bank=types_pb2.Bank(name=bank), update_mask=FieldMask(paths=paths))
        )


def test_banks_and_entries_are_listed_page_by_page(stubs: Stubs, bank: str) -> None:
    names = [f"banks/page-{at}" for at in range(5)]
    for name in names:
        stubs.bank.CreateBank(bank_pb2.CreateBankRequest(bank=types_pb2.Bank(name=name)))
    seen: list[str] = []
    token = ""
    while True:
        page = stubs.bank.ListBanks(bank_pb2.ListBanksRequest(page_size=2, page_token=token))
        assert len(page.banks) <= 2
        seen += [item.name for item in page.banks]
        if not (token := page.next_page_token):
            break
    assert seen == sorted({*names, bank, *seen})
    assert set(names) < set(seen)
    added = add_media(stubs, bank, *[PIXEL] * 5)
    listed: list[types_pb2.Entry] = []
    while True:
        entries = stubs.bank.ListEntries(bank_pb2.ListEntriesRequest(parent=bank, page_size=2, page_token=token))
        listed += entries.entries
        if not (token := entries.next_page_token):
            break
    assert listed == list(added.entries)
    for name in names:
        stubs.bank.DeleteBank(bank_pb2.DeleteBankRequest(name=name))


def test_pages_that_cannot_be_are_refused(stubs: Stubs, bank: str) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    with refused(invalid, "INVALID_FIELD", "page_size"):
        stubs.bank.ListBanks(bank_pb2.ListBanksRequest(page_size=1001))
    with refused(invalid, "INVALID_FIELD", "page_token"):
        stubs.bank.ListBanks(bank_pb2.ListBanksRequest(page_token="!"))
    with refused(invalid, "INVALID_FIELD", "page_token"):
        stubs.bank.ListEntries(bank_pb2.ListEntriesRequest(parent=bank, page_token="YQ=="))


def test_an_entry_from_beginning_to_end(stubs: Stubs, bank: str, photos: Photos) -> None:
    picture = of_rgb(photos["rocket"])
    added = add_media(stubs, bank, picture, of_rgb(photos["coffee"]))
    entry = added.entries[0]
    assert stubs.bank.GetEntry(bank_pb2.GetEntryRequest(name=entry.name)).entry == entry
    assert entry.provenance.content_id == "item-0"
    assert abs(entry.create_time.ToSeconds() - time.time()) < 60
    removed = stubs.bank.RemoveEntries(bank_pb2.RemoveEntriesRequest(parent=bank, names=[entry.name]))
    request = match_pb2.MatchImageRequest(media=picture)
    request.options.banks.append(bank)
    request.options.min_revision = removed.revision
    assert not stubs.match.MatchImage(request).result.matches
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        stubs.bank.GetEntry(bank_pb2.GetEntryRequest(name=entry.name))
    assert stubs.bank.GetBank(bank_pb2.GetBankRequest(name=bank)).entry_count == 1


def test_entries_are_added_all_or_none(stubs: Stubs, bank: str) -> None:
    good = bank_pb2.NewEntry(hash=types_pb2.Hash(kind="pdq", bits=bytes(32)))
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    short = types_pb2.Hash(kind="pdq", bits=bytes(31))
    for bad, reason, field in (
        (bank_pb2.NewEntry(), "INVALID_FIELD", ""),
        (bank_pb2.NewEntry(hash=types_pb2.Hash(kind="nonsense", bits=bytes(32))), "INVALID_FIELD", ".hash.kind"),
        (bank_pb2.NewEntry(hash=short), "INVALID_FIELD", ".hash.bits"),
        (
            bank_pb2.NewEntry(hash=types_pb2.Hash(kind="pdq", bits=bytes(32), quality=101)),
            "INVALID_FIELD",
            ".hash.quality",
        ),
        (bank_pb2.NewEntry(media=b"not an image, but words"), "UNSUPPORTED_MEDIA", ""),
        (bank_pb2.NewEntry(media=b"not an image, but words", kind="nonsense"), "INVALID_FIELD", ".kind"),
    ):
        with refused(invalid, reason, f"entries[1]{field}"):
            stubs.bank.AddEntries(bank_pb2.AddEntriesRequest(parent=bank, entries=[good, bad]))
    with refused(invalid, "INVALID_FIELD", "entries"):
        stubs.bank.AddEntries(bank_pb2.AddEntriesRequest(parent=bank))
    with refused(invalid, "INVALID_FIELD", "names[0]"):
        stubs.bank.RemoveEntries(bank_pb2.RemoveEntriesRequest(parent=bank, names=["banks/other/entries/1"]))
    assert stubs.bank.GetBank(bank_pb2.GetBankRequest(name=bank)).entry_count == 0


def test_a_write_sent_twice_happens_once(stubs: Stubs, bank: str) -> None:
    entry = bank_pb2.NewEntry(hash=types_pb2.Hash(kind="pdq", bits=bytes(32)))
    request = bank_pb2.AddEntriesRequest(parent=bank, entries=[entry], request_id="once")
    assert stubs.bank.AddEntries(request) == stubs.bank.AddEntries(request)
    assert stubs.bank.GetBank(bank_pb2.GetBankRequest(name=bank)).entry_count == 1
    request.entries.append(entry)
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"):
        stubs.bank.AddEntries(request)


def test_status_says_what_answers_take_into_account(stubs: Stubs, bank: str) -> None:
    before = stubs.status.GetStatus(status_pb2.GetStatusRequest())
    added = add_media(stubs, bank, PIXEL)
    deadline = time.monotonic() + 5
    while (after := stubs.status.GetStatus(status_pb2.GetStatusRequest())).revision < added.revision:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert after.entries["pdq"] == before.entries["pdq"] + 1
    assert after.variant in {"portable", "avx2", "avx512", "neon"}
    assert {"hashmatch", "faiss-cpu", "opencv-python-headless"} <= set(after.versions)
    assert after.max_media_bytes == MediaLimits().max_media_bytes


def test_health_and_reflection_know_every_service(stubs: Stubs) -> None:
    services = {f"hashmatch.v1.{name}Service" for name in ("Match", "Hash", "Bank", "Status")}
    for service in {"", *services}:
        answer = stubs.health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflection_pb2_grpc.ServerReflectionStub(stubs.channel)
    (answer,) = reflection.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    assert services < {service.name for service in answer.list_services_response.service}
