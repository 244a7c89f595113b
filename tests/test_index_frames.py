"""Frames of known videos: told apart from stills, all of them, and counted."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.index import Directory, Found, Hit, Snapshot, Space, build
from hashmatch.types import PDQ, Action, Bank, BankPut, Change, EntryAdded, EntryRemoved, Hash
from hashmatch.types.moments import microseconds
from tests.index_oracle import CODES, CREATED, QUALITIES, Oracle, batches, bits, entry, good, trusted
from tests.index_source import Log

FRAMES = st.lists(
    st.lists(st.builds(Hash, st.just(PDQ), CODES, QUALITIES), min_size=1, max_size=6), min_size=1, max_size=4
)


@given(parts=batches(), frames=FRAMES, limit=st.sampled_from((1, 100)))
@settings(max_examples=80)
def test_finds_what_comparing_everything_finds(parts: list[list[Change]], frames: list[list[Hash]], limit: int) -> None:
    snapshot, oracle = Snapshot.empty(), Oracle()
    for revision, changes in enumerate(parts, 1):
        snapshot, oracle = snapshot.apply(changes, revision), oracle.apply(changes)
    now = microseconds(CREATED)
    for frame, found in zip(frames, snapshot.search_frames(frames, limit=limit, now=now), strict=True):
        all_of_it = oracle.search(frame, limit=10_000, now=CREATED)
        stills = [hit for hit in all_of_it.hits if hit.entry.shown is None]
        actions = frozenset(hit.action for hit in stills)
        assert found.stills == Found(stills[:limit], len(stills), actions, all_of_it.banks_not_compared)
        known = snapshot.known_videos(Space(PDQ, 32), {each.video: each.place for each in found.sightings}, now)
        expected: dict[tuple[Bank, str], list[Hit]] = {}
        for hit in all_of_it.hits:
            if hit.entry.shown is not None:
                expected.setdefault((hit.bank, hit.entry.provenance.content_id), []).append(hit)
        told = {(known[each.video].bank, known[each.video].provenance.content_id): each for each in found.sightings}
        assert told.keys() == expected.keys()
        for key, sighting in told.items():
            hits = expected[key]
            assert sorted(sighting.ids.tolist()) == sorted(hit.entry.id for hit in hits)
            times = sorted((hit.entry.shown.start, hit.entry.shown.end) for hit in hits if hit.entry.shown)
            assert sorted(zip(sighting.starts.tolist(), sighting.ends.tolist(), strict=True)) == times
            assert sighting.distance == min(hit.distance for hit in hits)
            bank, content = key
            assert sighting.trusted == any(trusted(hit.entry, CREATED) for hit in hits)
            assert known[sighting.video].frames == sum(
                entry.hash.kind == PDQ
                and (entry.bank, entry.provenance.content_id) == (bank.name, content)
                and entry.shown is not None
                and (entry.expires is None or entry.expires > CREATED)
                and good(entry.hash, bank)
                for entry in oracle.entries.values()
            )


def test_there_is_no_limit_to_the_frames() -> None:
    changes: list[Change] = [BankPut(Bank("a", action=Action.BLOCK))]
    changes += [EntryAdded(entry(3 * number, "a", Hash(PDQ, bits(number), 100))) for number in range(5000)]
    snapshot = Snapshot.empty().apply([*changes, EntryRemoved(3, "a")], 1)
    (found,) = snapshot.search_frames([[Hash(PDQ, bits(0), 100)]], limit=1)
    assert (found.stills.hits, found.stills.actions) == ([], frozenset())
    assert sum(len(each.ids) for each in found.sightings) == 4999
    known = snapshot.known_videos(Space(PDQ, 32), {each.video: each.place for each in found.sightings}, 0)
    assert sorted(each.frames for each in known.values()) == [2499, 2500]


def test_frames_are_counted_alike_in_files_and_in_memory(tmp_path: Path) -> None:
    log = Log()
    log.add(BankPut(Bank("a")), BankPut(Bank("b")))
    log.add(*(EntryAdded(entry(number, "ab"[number % 2], Hash(PDQ, bits(number), 100))) for number in range(60)))
    build(log, Directory(tmp_path))
    log.add(EntryRemoved(3, "b"), EntryRemoved(6, "a"), EntryAdded(entry(63, "b", Hash(PDQ, bits(0), 100))))
    base = Directory(tmp_path).load(log)
    assert base is not None
    for snapshot in (Snapshot.empty(), base.snapshot):
        while snapshot.revision < log.head():
            revision, changes = log.changes(snapshot.revision)
            snapshot = snapshot.apply(changes, revision)  # noqa: PLW2901
        (found,) = snapshot.search_frames([[Hash(PDQ, bits(0), 100)]])
        known = snapshot.known_videos(Space(PDQ, 32), {each.video: each.place for each in found.sightings}, 0)
        told = {(each.bank.name, each.provenance.content_id): each.frames for each in known.values()}
        assert told == {("a", "video 0"): 9, ("b", "video 3"): 10}


def test_no_frames_are_no_question() -> None:
    assert Snapshot.empty().search_frames([]) == []


@pytest.mark.parametrize("kind", [PDQ, "short"])
def test_an_empty_snapshot_has_seen_nothing(kind: str) -> None:
    (found,) = Snapshot.empty().search_frames([[Hash(kind, bytes(32))]])
    assert (found.stills.total, found.sightings) == (0, [])
    assert Snapshot.empty().known_videos(Space(kind, 32), {}, 0) == {}
