"""Files of segments hold what the history says, whatever was built before and wherever a build was broken off."""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hashmatch.index import Directory, Snapshot, build, directory, levels, searcher
from hashmatch.index.directory import Base
from hashmatch.index.segment_file import Filed, read_segment
from hashmatch.index.space import Space
from hashmatch.types import PDQ, Bank, BankDeleted, BankPut, Change, EntryAdded, EntryRemoved, Hash, Progress
from tests.index_oracle import Oracle, batches, entry, groups
from tests.index_source import Log

PDQ_SPACE = Space(PDQ, 32)


def code(number: int) -> Hash:
    return Hash(PDQ, bytes([number % 256, number // 256] * 16), 90)


def filled(revisions: int = 6, each: int = 5) -> Log:
    log = Log()
    log.add(BankPut(Bank("a", threshold=0)))
    for first in range(0, revisions * each, each):
        log.add(*(EntryAdded(entry(number, "a", code(number))) for number in range(first, first + each)))
    return log


def loaded(path: Path, log: Log) -> Base:
    base = Directory(path).load(log)
    assert base is not None
    return base


def found(snapshot: Snapshot, number: int) -> list[int]:
    return [hit.entry.id for hit in snapshot.search([[code(number)]])[0].hits]


def files(path: Path) -> list[str]:
    return sorted(each.name for each in path.iterdir() if each.suffix)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds that a few entries reach."""
    monkeypatch.setattr(sys.modules["hashmatch.index.build"], "MOST_GATHERED", 7)
    monkeypatch.setattr(levels, "TAIL", 2)
    monkeypatch.setattr(searcher, "CROSSOVER", 4)


@pytest.mark.usefixtures("small")
@given(history=batches(), data=st.data())
@settings(max_examples=60)
def test_a_snapshot_of_files_answers_as_the_history(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[Change]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("segments")
    log, oracle = Log(), Oracle()
    for batch in history:
        log.add(*batch)
        oracle = oracle.apply(batch)
        if data.draw(st.booleans(), "build"):
            assert build(log, Directory(path)) == log.head()
    base = Directory(path).load(log)
    snapshot = Snapshot.empty() if base is None else base.snapshot
    while snapshot.revision < log.head():
        revision, changes = log.changes(snapshot.revision)
        snapshot = snapshot.apply(changes, revision)
    queries = data.draw(st.lists(groups(), max_size=5))
    assert snapshot.search(queries) == [oracle.search(group) for group in queries]
    assert {kind: size for kind, size in snapshot.entries.items() if size} == dict(oracle.sizes)


@pytest.mark.usefixtures("small")
def test_files_fall_in_size_and_few_are_written_again(tmp_path: Path) -> None:
    log, seen = Log(), set[str]()
    log.add(BankPut(Bank("a")))
    for number in range(64):
        log.add(EntryAdded(entry(number, "a", code(number))))
        build(log, Directory(tmp_path))
        seen.update(files(tmp_path))
        sizes = [each.segment.size for each in loaded(tmp_path, log).filed]
        assert sum(sizes) == number + 1
        assert all(old >= levels.RATIO * new for old, new in pairwise(sizes))
    assert len(seen) <= 65


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("gone", [2, 10, 25, 30])
def test_removals_are_marked_and_a_file_of_many_is_written_again(tmp_path: Path, gone: int) -> None:
    log = filled()
    build(log, Directory(tmp_path))
    (before,) = loaded(tmp_path, log).filed
    log.add(*(EntryRemoved(number, "a") for number in range(gone)))
    build(log, Directory(tmp_path))
    base = loaded(tmp_path, log)
    assert dict(base.snapshot.entries) == ({PDQ: 30 - gone} if gone < 30 else {})
    assert [found(base.snapshot, number) for number in (gone - 1, 29)] == [[], [29] if gone < 30 else []]
    if gone == 30:
        assert base.filed == ()
    else:
        assert (base.filed[0].name == before.name) == (gone <= 30 * levels.REMOVED_SHARE)


@pytest.mark.usefixtures("small")
def test_a_bank_that_is_deleted_and_made_again_in_one_build(tmp_path: Path) -> None:
    log = filled()
    build(log, Directory(tmp_path))
    log.add(EntryAdded(entry(100, "a", code(3))))
    log.add(BankDeleted("a"))
    log.add(BankPut(Bank("b", threshold=0)))
    log.add(EntryAdded(entry(101, "b", code(3))))
    build(log, Directory(tmp_path))
    base = loaded(tmp_path, log)
    assert [*base.snapshot.banks] == ["b"]
    assert found(base.snapshot, 3) == [101]
    assert found(base.snapshot, 4) == []


class BrokenOff(Exception):
    """A build ends here."""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("at", range(12))
def test_a_build_that_is_broken_off_can_be_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    log, steps = filled(), 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps > at:
            raise BrokenOff

    with monkeypatch.context() as patch:
        patch.setattr("hashmatch.index.container.os.fsync", step)
        try:
            build(log, Directory(tmp_path))
        except BrokenOff:
            base = Directory(tmp_path).load(log)
            assert base is None or dict(base.snapshot.entries) == {PDQ: 5 * (base.revision - 1)}
    assert build(log, Directory(tmp_path)) == log.head()
    base = loaded(tmp_path, log)
    assert dict(base.snapshot.entries) == {PDQ: 30}
    assert files(tmp_path) == [each.name for each in sorted(base.filed, key=lambda each: each.name)]


def damage_last_byte(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def swap_with_another(path: Path) -> None:
    other = Directory(path.parent / "other")
    build(filled(2, 9), other)
    (segment,) = (path.parent / "other").glob("*.segment")
    segment.rename(path)


@pytest.mark.parametrize("name", ["manifest", "segment"])
@pytest.mark.parametrize("damage", [damage_last_byte, cut_off, Path.unlink, swap_with_another])
def test_what_is_damaged_is_refused_and_built_again(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    log = filled()
    build(log, Directory(tmp_path))
    (path,) = (each for each in tmp_path.iterdir() if name in each.name)
    damage(path)
    with capture_logs() as logs:
        assert Directory(tmp_path).load(log) is None
    missing = name == "manifest" and damage is Path.unlink
    assert [record["event"] for record in logs] == ([] if missing else ["segments refused"])
    build(log, Directory(tmp_path))
    assert found(loaded(tmp_path, log).snapshot, 29) == [29]


def test_files_of_another_database_are_refused(tmp_path: Path) -> None:
    log = filled()
    build(log, Directory(tmp_path))
    with capture_logs() as logs:
        assert Directory(tmp_path).load(filled()) is None
    assert "another database" in logs[0]["error"]
    del log.revisions[3:]
    log.tokens.clear()
    with capture_logs():
        assert Directory(tmp_path).load(log) is None


def test_a_change_is_noticed_and_only_new_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "TAIL", 2)
    log, watching = filled(), Directory(tmp_path)
    assert not watching.changed()
    build(log, Directory(tmp_path))
    assert watching.changed()
    first = watching.load(log)
    assert not watching.changed()
    log.add(EntryAdded(entry(500, "a", code(500))))
    build(log, Directory(tmp_path))
    read: list[str] = []

    def reading(path: Path) -> Filed:
        read.append(path.name)
        return read_segment(path)

    monkeypatch.setattr(directory, "read_segment", reading)
    second = watching.load(log)
    assert first is not None
    assert second is not None
    assert [each.name for each in second.filed] == [first.filed[0].name, *read]
    assert len(read) == 1
    assert found(second.snapshot, 500) == [500]
    assert found(first.snapshot, 500) == []


def test_files_that_are_replaced_while_they_are_read_are_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, watching = filled(), Directory(tmp_path)
    build(log, Directory(tmp_path))
    builds = [1]

    def read(path: Path) -> Filed:
        if builds.pop() if builds else 0:
            log.add(EntryAdded(entry(500, "a", code(500))))
            with monkeypatch.context() as patch:
                patch.setattr(directory, "read_segment", read_segment)
                build(log, Directory(tmp_path))
        return read_segment(path)

    monkeypatch.setattr(directory, "read_segment", read)
    base = watching.load(log)
    assert base is not None
    assert found(base.snapshot, 500) == [500]


def test_one_at_a_time_may_build(tmp_path: Path) -> None:
    with Directory(tmp_path).building() as held:
        assert held is not None
        with Directory(tmp_path).building() as other:
            assert other is None
    with Directory(tmp_path).building() as held:
        assert held is not None


def test_progress_is_told_to_all(tmp_path: Path) -> None:
    told: list[Progress] = []
    build(filled(), Directory(tmp_path), told.append)
    assert told[0] == Progress("reading", 0, 31)
    assert told[-1] == Progress("writing", 30, 30)
    assert Progress("reading", 31, 31) in told
    mine, theirs = Directory(tmp_path), Directory(tmp_path)
    assert theirs.progress() is None
    mine.report(told[0])
    assert theirs.progress() == told[0]
    mine.report(None)
    mine.report(None)
    assert theirs.progress() is None


def test_a_snapshot_is_searched_while_its_files_are_replaced_and_lets_them_go(tmp_path: Path) -> None:
    log = filled()
    build(log, Directory(tmp_path))
    held = [loaded(tmp_path, log).snapshot]
    for number in range(1000, 1005):
        log.add(EntryAdded(entry(number, "a", code(number))))
        build(log, Directory(tmp_path))
        assert found(held[0], 7) == [7]
    assert str(tmp_path) in Path("/proc/self/maps").read_text()
    held.clear()
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_writes_that_change_no_bank_do_not_keep_a_build_waiting(tmp_path: Path) -> None:
    log = Log()
    log.add(BankPut(Bank("a")), EntryAdded(entry(1, "a", Hash(PDQ, bytes(32), 50))))
    log.unlogged = 1  # for example a token that was made
    directory = Directory(tmp_path)
    assert build(log, directory) == 1
    base = directory.load(log)
    assert base is not None
    assert base.snapshot.entries == {PDQ: 1}
    assert build(log, directory) == 1
