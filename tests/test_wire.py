"""Messages and types are each other's inverse, and what cannot be read names its field."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch import errors, types, wire
from hashmatch.v1 import match_pb2, types_pb2, video_pb2

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
QUALITIES = st.none() | st.integers(0, 100)
HASHES = st.builds(
    types.Hash,
    kind=st.just("pdq"),
    bits=st.binary(min_size=32, max_size=32),
    quality=QUALITIES,
    approximate=st.booleans(),
)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
MAYBE = st.none() | MOMENTS
PROVENANCES = st.builds(
    types.Provenance,
    content_id=TEXT,
    source=TEXT,
    labels=st.lists(TEXT, max_size=3).map(tuple),
    note=TEXT,
    programme=TEXT,
    reported=MAYBE,
)
BANKS = st.builds(
    types.Bank,
    name=NAMES,
    description=TEXT,
    action=st.sampled_from(types.Action),
    threshold=st.integers(0, 64),
    minimum_quality=st.integers(0, 100),
    enabled=st.booleans(),
    video_query_share=st.integers(0, 100),
    video_known_share=st.integers(0, 100),
    kinds=st.lists(
        st.builds(types.KindPolicy, TEXT, st.none() | st.integers(0, 64), st.none() | st.integers(0, 100)), max_size=3
    ).map(tuple),
    matching_enabled_ratio=st.floats(0, 1),
    disabled_until=MAYBE,
    approval=st.sampled_from(types.Approval),
    review_hours=st.integers(1, 8_760),
    growth_limit=st.integers(0, 10**6),
    false_share=st.floats(0, 1),
    false_reports=st.integers(1, 10_000),
    false_reporters=st.integers(1, 1_000),
)
IDS = st.integers(1, 10**17)
FEEDBACK = st.builds(types.Feedback, st.integers(0, 10**9), st.integers(0, 10**9))
ENTRIES = st.builds(
    types.Entry,
    id=IDS,
    bank=NAMES,
    hash=HASHES,
    provenance=PROVENANCES,
    created=MOMENTS,
    revision=IDS,
    shown=st.none()
    | st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)).map(lambda t: types.TimeRange(*sorted(t))),
    expires=MAYBE,
    review_from=MAYBE,
    state=st.sampled_from(types.State),
    removed=MAYBE,
    removal_reason=TEXT,
    feedback=FEEDBACK,
)
MATCHES = st.builds(
    types.Match,
    bank=NAMES,
    action=st.sampled_from(types.Action),
    entry_id=IDS,
    entry_hash=HASHES,
    query_hash=HASHES,
    distance=st.integers(0, 64),
    threshold=st.integers(0, 64),
    orientation=st.sampled_from(types.Orientation),
    view=st.sampled_from(types.View),
    provenance=PROVENANCES,
    entry_shown=st.none() | st.tuples(st.integers(0, 9), st.integers(9, 99)).map(lambda times: types.TimeRange(*times)),
)
DECISIONS = st.builds(
    types.Decision,
    hash=HASHES,
    verdict=st.sampled_from(types.Verdict),
    matches=st.lists(MATCHES, max_size=3).map(tuple),
    total_matches=st.integers(0, 10**6),
    banks_not_compared=st.lists(NAMES, max_size=2).map(tuple),
    revision=st.integers(0, 10**17),
)
OPTIONS = st.builds(
    types.MatchOptions,
    banks=st.lists(NAMES, max_size=3).map(tuple),
    all_orientations=st.booleans(),
    min_revision=st.integers(0, 10**17),
    max_matches=st.integers(1, 1000),
    all_views=st.booleans(),
    approximate=st.booleans(),
)


@given(BANKS)
def test_bank(bank: types.Bank) -> None:
    assert wire.bank_from_wire(wire.bank_to_wire(bank)) == bank


@given(ENTRIES)
def test_entry(entry: types.Entry) -> None:
    assert wire.entry_from_wire(wire.entry_to_wire(entry)) == entry


@given(DECISIONS)
def test_decision(decision: types.Decision) -> None:
    assert wire.decision_from_wire(wire.decision_to_wire(decision)) == decision
    image = types.ImageDecision.of(decision, "image/png", 640, 480)
    assert wire.image_decision_from_wire(wire.image_decision_to_wire(image)) == image


@given(OPTIONS)
def test_options(options: types.MatchOptions) -> None:
    assert wire.options_from_wire(wire.options_to_wire(options)) == options


@given(st.lists(HASHES, min_size=8, max_size=8))
def test_hashed_image(hashes: list[types.Hash]) -> None:
    image = types.HashedImage(tuple(hashes), "image/gif", 3, 4)
    assert wire.hashed_image_from_wire(wire.hashed_image_to_wire(image)) == image


@given(
    st.builds(
        types.Batch,
        id=IDS,
        bank=NAMES,
        name=TEXT,
        author=TEXT,
        hold=st.sampled_from(types.Hold),
        created=MOMENTS,
        pending=IDS,
        unreviewed=IDS,
        review_from=MAYBE,
    )
)
def test_batch(batch: types.Batch) -> None:
    assert wire.batch_from_wire(wire.batch_to_wire(batch)) == batch


@given(st.builds(types.Report, IDS, TEXT, st.sampled_from(types.Finding), TEXT, TEXT, MOMENTS))
def test_report(report: types.Report) -> None:
    assert wire.report_from_wire(wire.report_to_wire(report)) == report


@given(st.builds(types.SourceFeedback, TEXT, IDS, IDS, FEEDBACK))
def test_source(source: types.SourceFeedback) -> None:
    assert wire.source_from_wire(wire.source_to_wire(source)) == source


@given(BANKS)
def test_the_fields_of_a_bank_by_themselves(bank: types.Bank) -> None:
    values = {name: getattr(bank, name) for name in types.Bank.__slots__ if name != "name"}
    message = types_pb2.Bank(name="banks/a", **wire.bank_fields_to_wire(values))
    assert wire.bank_from_wire(message) == replace(bank, name="a")


def test_a_time_that_is_none_names_its_field() -> None:
    message = types_pb2.Bank(name="banks/a")
    message.disabled_until.seconds = 2**60
    with pytest.raises(errors.InvalidField) as caught:
        wire.bank_from_wire(message)
    assert caught.value.details["field"] == "bank.disabled_until"


def test_a_silent_bank_has_the_defaults() -> None:
    assert wire.bank_from_wire(types_pb2.Bank(name="banks/a")) == types.Bank("a")


def test_a_silent_query_has_the_defaults() -> None:
    assert wire.options_from_wire(types_pb2.MatchOptions()) == types.MatchOptions()


@pytest.mark.parametrize("name", ["", "a", "banks/", "banks/a/b", "bank/a", "banks/a\n/"])
def test_a_wrong_bank_name_names_its_field(name: str) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        wire.parse_bank_name(name, "parent")
    assert caught.value.details["field"] == "parent"


@pytest.mark.parametrize(
    "name", ["", "banks/a", "banks/a/entries/", "banks/a/entries/0", "banks/a/entries/x", f"banks/a/entries/{10**19}"]
)
def test_a_wrong_entry_name_names_its_field(name: str) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        wire.parse_entry_name(name, "names[3]")
    assert caught.value.details["field"] == "names[3]"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (types_pb2.MatchOptions(max_matches=1001), "options.max_matches"),
        (types_pb2.MatchOptions(min_revision=-1), "options.min_revision"),
        (types_pb2.MatchOptions(banks=["banks/a", "b"]), "options.banks[1]"),
    ],
)
def test_wrong_options_name_their_field(message: types_pb2.MatchOptions, field: str) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        wire.options_from_wire(message)
    assert caught.value.details["field"] == field


def test_an_action_from_the_future_is_refused() -> None:
    with pytest.raises(errors.InvalidField):
        wire.action_from_wire(types_pb2.Bank(action=99).action, "bank.action")  # type: ignore[arg-type]  # on purpose


RANGES = st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)).map(lambda times: types.TimeRange(*sorted(times)))
COUNTS = st.integers(0, 10**6)
SCANS = st.builds(
    types.Scan,
    info=st.builds(
        types.VideoInfo,
        media_type=st.just("video/mp4"),
        width=COUNTS,
        height=COUNTS,
        duration=st.none() | st.integers(0, 10**12),
    ),
    frames_scanned=COUNTS,
    scanned_until=st.integers(0, 10**12),
    incomplete=st.none() | st.sampled_from(types.Incomplete),
)
VIDEO_MATCHES = st.builds(
    types.VideoMatch,
    bank=NAMES,
    action=st.sampled_from(types.Action),
    provenance=PROVENANCES,
    counts=st.booleans(),
    query_frames=COUNTS,
    query_compared=COUNTS,
    known_frames=COUNTS,
    known_compared=COUNTS,
    distance=st.integers(0, 64),
    passages=st.lists(st.builds(types.Passage, RANGES, RANGES, COUNTS), max_size=2).map(tuple),
)
VIDEO_DECISIONS = st.builds(
    types.VideoDecision,
    verdict=st.sampled_from(types.Verdict),
    images=st.lists(st.builds(types.FrameMatch, MATCHES, RANGES, COUNTS), max_size=2).map(tuple),
    total_images=COUNTS,
    videos=st.lists(VIDEO_MATCHES, max_size=2).map(tuple),
    total_videos=COUNTS,
    low_quality_frames=COUNTS,
    banks_not_compared=st.lists(NAMES, max_size=2).map(tuple),
    scan=SCANS,
    revision=st.integers(0, 10**17),
)
VIDEO_OPTIONS = st.builds(
    types.VideoOptions,
    selection=st.sampled_from(types.Selection),
    interval=st.integers(1, 10**10),
    kind=st.sampled_from(("pdq", "phash")),
    stop_at_block=st.booleans(),
    keep_repeats=st.booleans(),
)


@given(VIDEO_DECISIONS)
def test_video_decision(decision: types.VideoDecision) -> None:
    assert wire.video_decision_from_wire(wire.video_decision_to_wire(decision)) == decision


@given(SCANS, st.lists(st.builds(types.HashedFrame, RANGES, COUNTS, HASHES), max_size=3).map(tuple))
def test_hashed_video(scan: types.Scan, frames: tuple[types.HashedFrame, ...]) -> None:
    video = types.HashedVideo(scan, frames)
    assert wire.hashed_video_from_wire(wire.hashed_video_to_wire(video)) == video


@given(VIDEO_OPTIONS)
def test_video_options(options: types.VideoOptions) -> None:
    assert wire.video_options_from_wire(wire.video_options_to_wire(options)) == options


def test_silent_video_options_have_the_defaults() -> None:
    assert wire.video_options_from_wire(video_pb2.VideoOptions()) == types.VideoOptions()


@given(key=TEXT, name=TEXT, media=st.binary(max_size=300), kinds=st.lists(TEXT, max_size=2))
def test_media_beside_a_message_are_in_it(key: str, name: str, media: bytes, kinds: list[str]) -> None:
    options = types_pb2.MatchOptions(kinds=kinds)
    image = match_pb2.MatchImageRequest(options=options, content_id=name)
    for data in (media, bytes(2**21)):
        sent = wire.with_bytes(match_pb2.MatchStreamRequest(key=key, image=image), (2, 1), data)
        whole = match_pb2.MatchImageRequest(media=data, options=options, content_id=name)
        assert match_pb2.MatchStreamRequest.FromString(sent) == match_pb2.MatchStreamRequest(key=key, image=whole)
        assert match_pb2.MatchImageRequest.FromString(wire.with_bytes(image, (1,), data)) == whole
