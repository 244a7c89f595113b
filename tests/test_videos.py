"""Frames of a video: what repeats, what they are parts of, and what it amounts to."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import NotFound
from hashmatch.index import Snapshot
from hashmatch.types import (
    PDQ,
    SECOND,
    Action,
    Bank,
    BankPut,
    Change,
    Entry,
    EntryAdded,
    Hash,
    Incomplete,
    MatchOptions,
    Orientation,
    Passage,
    Provenance,
    Scan,
    SeenFrame,
    TimeRange,
    Verdict,
    VideoDecision,
    VideoInfo,
)
from hashmatch.videos import Runs, Tracker, VideoQuery
from hashmatch.videos.passages import Passages
from hashmatch.videos.runs import LONGEST, NEAR
from tests.index_oracle import CREATED, distance

SCAN = Scan(VideoInfo("video/mp4", 1, 1), 1, 0)


def pdq(number: int, flips: int = 0, quality: int | None = 100) -> Hash:
    """One of many hashes that are far from each other, with some bits flipped."""
    value = int.from_bytes(np.random.default_rng(number).bytes(32)) ^ ((1 << flips) - 1)
    return Hash(PDQ, value.to_bytes(32), quality)


def seen(second: float, value: Hash, turn: Orientation = Orientation.ORIGINAL) -> SeenFrame:
    others = [pdq(10_000 + at, quality=value.quality) for at in range(8)]
    others[list(Orientation).index(turn)] = value
    if turn is not Orientation.ORIGINAL:
        others[0] = pdq(int(second * 10) + 20_000, quality=value.quality)
    return SeenFrame(int(second * SECOND), tuple(others))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 3 * SECOND)), max_size=40), st.booleans()
)
def test_runs_are_of_frames_near_their_first(drawn: Sequence[tuple[int, int, int]], keep: bool) -> None:
    frames, time = [], 0
    for picture, flips, passed in drawn:
        time += passed
        frames.append(SeenFrame(time, (pdq(picture, flips),) * 8))
    runs = Runs(keep_repeats=keep)
    found = [run for frame in frames for run in runs.add([frame])] + runs.end()
    assert sum(run.count for run in found) == len(frames)
    assert all(run.count == 1 for run in found) or not keep
    rest = iter(frames)
    for at, run in enumerate(found):
        members = [next(rest) for _ in range(run.count)]
        assert (run.frame, run.end) == (members[0], members[-1].time)
        near = [distance(run.frame.hashes[0], member.hashes[0]) for member in members]
        assert max(near) <= NEAR
        assert run.end - run.frame.time <= LONGEST
        if at + 1 < len(found) and not keep:
            after = found[at + 1].frame
            too_late = after.time - run.frame.time > LONGEST
            assert too_late or distance(run.frame.hashes[0], after.hashes[0]) > NEAR


def known(bank: str, content: str, seconds: dict[int, Hash], first: int = 1) -> list[EntryAdded]:
    return [
        EntryAdded(
            Entry(first + at, bank, value, Provenance(content), CREATED, 1, TimeRange(second * SECOND, second * SECOND))
        )
        for at, (second, value) in enumerate(seconds.items())
    ]


def still(number: int, bank: str, value: Hash) -> EntryAdded:
    return EntryAdded(Entry(number, bank, value, Provenance("still"), CREATED, 1))


def decided(
    made: Sequence[Bank], changes: Sequence[Change], frames: Sequence[SeenFrame], banks: tuple[str, ...] = ()
) -> VideoDecision:
    snapshot = Snapshot.empty().apply([*map(BankPut, made), *changes], 1)
    query = VideoQuery(Tracker(snapshot, MatchOptions(banks=banks), {}))
    for frame in frames:
        assert query.take([frame])
    return query.decision(SCAN)


def test_a_clip_of_a_known_video_is_found_with_both_times() -> None:
    film = {second: pdq(second) for second in range(600)}
    clip = [seen(second, pdq(300 + second, 10)) for second in range(10)]
    found = decided([Bank("a", action=Action.BLOCK)], known("a", "film", film), clip)
    (video,) = found.videos
    assert (found.verdict, video.counts, video.provenance.content_id) == (Verdict.BLOCK, True, "film")
    assert (video.query_frames, video.query_compared, video.known_frames, video.known_compared) == (10, 10, 10, 600)
    assert video.passages == (Passage(TimeRange(0, 9 * SECOND), TimeRange(300 * SECOND, 309 * SECOND), 10),)
    assert video.distance == 10
    assert found.images == ()


def test_a_known_clip_in_a_compilation_is_found_with_both_times() -> None:
    clip = {second: pdq(second) for second in range(10)}
    film = [seen(second, pdq(1000 + second)) for second in range(600)]
    film[250:260] = [seen(250 + second, pdq(second, 3), Orientation.FLIP_Y) for second in range(10)]
    found = decided([Bank("a", action=Action.BLOCK)], known("a", "clip", clip), film)
    (video,) = found.videos
    assert (found.verdict, video.counts, video.known_frames, video.query_compared) == (Verdict.BLOCK, True, 10, 600)
    assert video.passages == (Passage(TimeRange(250 * SECOND, 259 * SECOND), TimeRange(0, 9 * SECOND), 10),)


def test_a_shared_second_is_shown_and_does_not_count() -> None:
    film = {second: pdq(second) for second in range(100)}
    query = [seen(second, pdq(1000 + second)) for second in range(100)]
    query[40] = seen(40, pdq(70))
    found = decided([Bank("a", action=Action.BLOCK)], known("a", "film", film), query)
    (video,) = found.videos
    assert (found.verdict, video.counts, video.query_frames) == (Verdict.ALLOW, False, 1)
    assert video.passages == (Passage(TimeRange(40 * SECOND, 40 * SECOND), TimeRange(70 * SECOND, 70 * SECOND), 1),)


@pytest.mark.parametrize(
    ("query_share", "known_share", "counts"),
    [(0, 0, False), (20, 0, True), (21, 0, False), (0, 40, True), (0, 41, False), (100, 40, True), (20, 100, True)],
)
def test_either_share_is_enough_and_0_is_never(query_share: int, known_share: int, counts: bool) -> None:
    """4 of the query's 20 frames are 4 of the 10 known ones."""
    query = [seen(second, pdq(second if second < 4 else 1000 + second)) for second in range(20)]
    bank = Bank("a", video_query_share=query_share, video_known_share=known_share)
    found = decided([bank], known("a", "film", {second: pdq(second) for second in range(10)}), query)
    assert found.videos[0].counts is counts
    assert found.verdict is (Verdict.REVIEW if counts else Verdict.ALLOW)


@pytest.mark.parametrize(("doubted", "verdict"), [((0, 1, 2, 3), Verdict.REVIEW), ((0, 1, 2), Verdict.BLOCK)])
def test_a_known_video_of_which_all_that_was_seen_is_doubted_asks_for_review(
    doubted: Sequence[int], verdict: Verdict
) -> None:
    film = known("a", "film", {second: pdq(second) for second in range(4)})
    film += known("a", "film", {second: pdq(second) for second in range(4, 6)}, 5)
    entries = [each.entry for each in film]
    changes = [EntryAdded(replace(e, review_from=CREATED) if e.id - 1 in doubted else e) for e in entries]
    found = decided([Bank("a", action=Action.BLOCK)], changes, [seen(second, pdq(second)) for second in range(4)])
    (video,) = found.videos
    assert (found.verdict, video.action) == (verdict, Action(verdict))
    assert (video.counts, video.known_frames, video.known_compared) == (True, 4, 6)


def test_frames_that_have_expired_are_not_of_the_video_any_more() -> None:
    film = known("a", "film", {second: pdq(second) for second in range(4)})
    changes = [EntryAdded(replace(e.entry, expires=CREATED if e.entry.id < 3 else None)) for e in film]
    (video,) = decided([Bank("a")], changes, [seen(second, pdq(second)) for second in range(4)]).videos
    assert (video.query_frames, video.known_frames, video.known_compared) == (2, 2, 2)


def test_frames_below_the_minimum_quality_are_in_no_share() -> None:
    film = {0: pdq(0), 1: pdq(1), 2: pdq(2, quality=49), 3: pdq(3, quality=None)}
    query = [seen(0, pdq(0)), seen(1, pdq(50, quality=10)), seen(2, pdq(2, quality=49)), seen(3, pdq(51))]
    found = decided([Bank("a"), Bank("strict", minimum_quality=100)], known("a", "film", film), query)
    (video,) = found.videos
    assert (video.query_frames, video.query_compared, video.known_frames, video.known_compared) == (1, 2, 1, 3)
    assert (found.low_quality_frames, found.banks_not_compared) == (2, ())
    none = decided([Bank("a")], [], [seen(0, pdq(0, quality=3))])
    assert (none.low_quality_frames, none.banks_not_compared, none.verdict) == (1, ("a",), Verdict.ALLOW)


def test_one_bad_picture_is_found_wherever_it_is() -> None:
    query = [seen(second, pdq(1000 + second)) for second in range(60)]
    query[33:36] = [seen(33, pdq(7, 20)), seen(34, pdq(8)), seen(35, pdq(7, 4))]
    found = decided([Bank("a", action=Action.BLOCK)], [still(1, "a", pdq(7))], query)
    (image,) = found.images
    assert (found.verdict, found.total_images, image.match.distance, image.frames) == (Verdict.BLOCK, 1, 4, 2)
    assert image.shown == TimeRange(33 * SECOND, 35 * SECOND)
    assert (image.match.entry_shown, image.match.query_hash) == (None, pdq(7, 4))


def test_known_good_content_overrides_in_the_frame_where_it_is() -> None:
    banks = [Bank("bad", action=Action.BLOCK), Bank("good", action=Action.ALLOW)]
    both = [still(1, "bad", pdq(7)), still(2, "good", pdq(7, 5)), still(3, "good", pdq(9))]
    assert decided(banks, both, [seen(0, pdq(7)), seen(1, pdq(9))]).verdict is Verdict.ALLOW
    apart = [still(1, "bad", pdq(7)), still(3, "good", pdq(9))]
    assert decided(banks, apart, [seen(0, pdq(7)), seen(1, pdq(9))]).verdict is Verdict.BLOCK


def test_it_stops_once_it_is_blocked() -> None:
    snapshot = Snapshot.empty().apply([BankPut(Bank("a", action=Action.BLOCK)), still(1, "a", pdq(7))], 1)
    query = VideoQuery(Tracker(snapshot, MatchOptions(), {}), stop_at_block=True)
    wanted = [query.take([seen(second, pdq(second))]) for second in range(9)]
    assert wanted == [True] * 8 + [False]
    found = query.decision(Scan(SCAN.info, 9, 8 * SECOND, Incomplete.STOPPED))
    assert (found.verdict, found.scan.complete) == (Verdict.BLOCK, False)
    film = known("a", "film", {second: pdq(second) for second in range(8)})
    snapshot = Snapshot.empty().apply([BankPut(Bank("a", action=Action.BLOCK)), *film], 1)
    query = VideoQuery(Tracker(snapshot, MatchOptions(), {}), stop_at_block=True)
    wanted = [query.take([seen(second, pdq(second))]) for second in range(8)]
    assert wanted.index(False) == 4  # 4 of 8 known frames are seen, and the run of the fourth is over


def test_a_bank_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        decided([Bank("a")], [], [seen(0, pdq(0))], banks=("b",))


def test_two_videos_of_one_name_in_two_banks_are_two() -> None:
    film = {second: pdq(second) for second in range(4)}
    changes = [*known("a", "film", film), *known("b", "film", film, first=100)]
    found = decided([Bank("a"), Bank("b")], changes, [seen(second, pdq(second)) for second in range(4)])
    assert sorted(video.bank for video in found.videos) == ["a", "b"]
    assert all((video.known_frames, video.known_compared) == (4, 4) for video in found.videos)


@pytest.mark.parametrize("speed", [0.67, 1.0, 1.4])
def test_passages_follow_a_changed_speed(speed: float) -> None:
    passages = Passages()
    for second in range(30):
        at = round(100 + second * speed)
        times = np.array([at * SECOND])
        passages.add(TimeRange(second * SECOND, second * SECOND), times, times)
    (passage,) = passages.longest(10)
    assert passage.query == TimeRange(0, 29 * SECOND)
    assert passage.known == TimeRange(100 * SECOND, round(100 + 29 * speed) * SECOND)


def test_passages_of_a_video_that_is_shown_twice_are_two() -> None:
    passages = Passages()
    for second in (*range(10), *range(60, 70)):
        at = np.array([(second % 60 + 5) * SECOND, (second % 60 + 500) * SECOND])
        passages.add(TimeRange(second * SECOND, second * SECOND), at, at)
    first, second_ = passages.longest(10)
    assert (first.query, first.known) == (TimeRange(0, 9 * SECOND), TimeRange(5 * SECOND, 14 * SECOND))
    assert (second_.query, second_.known) == (TimeRange(60 * SECOND, 69 * SECOND), TimeRange(5 * SECOND, 14 * SECOND))


def test_a_flood_of_passages_is_bounded() -> None:
    passages = Passages()
    random = np.random.default_rng(3)
    for second in range(3000):
        at = random.integers(0, 10**12, 1)
        passages.add(TimeRange(second * SECOND, second * SECOND), at, at)
    assert len(passages.longest(100)) == 100
    assert len(passages._closed) <= 1000
