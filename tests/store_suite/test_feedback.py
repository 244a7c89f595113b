"""Reports of matches: what is kept of them, when they demote an entry, and who cannot make them do so."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.errors import InvalidField, NeedsAnotherPerson, NotFound, TooManyReports
from hashmatch.store import Store, feedback
from hashmatch.types import (
    Action,
    Adding,
    Approval,
    Author,
    Bank,
    Entry,
    EntryFilter,
    Feedback,
    Finding,
    NewEntry,
    Provenance,
    SourceFeedback,
    State,
)

from .samples import Replay, ids, new_entries, new_entry

ALICE, BOB, CAROL = (Author(f"token:{name}", f"{name} looked") for name in ("alice", "bob", "carol"))
FALSE, CONFIRMED = Finding.FALSE, Finding.CONFIRMED
FLAGGED = EntryFilter(state=State.FLAGGED)


@pytest.fixture(autouse=True)
def _followed(store: Store) -> Iterator[None]:
    """In the end, what followers were told is what can match, but for what was reported of it."""
    store.create_bank(Bank("bad", action=Action.BLOCK))
    yield
    replay = Replay()
    replay.follow(store, 3)
    for bank in store.list_banks():
        there = [replace(entry, feedback=Feedback()) for entry in store.list_entries(bank.name, 0, 10_000)]
        assert sorted((e for e in replay.entries.values() if e.bank == bank.name), key=lambda e: e.id) == there


def add(store: Store, bank: str = "bad", count: int = 1) -> list[int]:
    return ids(store.add_entries(bank, new_entries(0, count), author=Author("token:curator"))[0])


def condemn(store: Store, entry: int, bank: str = "bad") -> list[bool]:
    """Report an entry as false by two people as often as it takes; whether each report demoted it."""
    said = [(ALICE, "1"), (ALICE, "2"), (BOB, "3")]
    return [store.feedback.report(bank, entry, content, FALSE, who).demoted for who, content in said]


def test_false_reports_by_several_demote_an_entry_and_the_revision_tells(store: Store) -> None:
    one, other = add(store, count=2)
    assert condemn(store, one) == [False, False, True]
    found = store.get_entry("bad", one)
    assert (found.state, found.feedback) == (State.FLAGGED, Feedback(0, 3))
    assert found.review_from is not None
    assert store.list_entries("bad", wanted=FLAGGED) == [found]
    assert store.count_entries("bad") == 2
    before = store.head()
    again = store.feedback.report("bad", one, "4", FALSE, CAROL)
    assert (again.flagged, again.demoted, again.revision) == (True, False, 0)
    assert store.changes(before)[1] == []
    assert store.get_entry("bad", one).review_from == found.review_from
    assert store.get_entry("bad", other).state is State.LIVE


def test_every_report_and_demotion_is_in_the_audit_log(store: Store) -> None:
    (entry,) = add(store)
    condemn(store, entry)
    first, _, last = store.audit.records(2, bank="bad")
    assert (first.who, first.what, first.why, first.banks) == ("token:alice", "report_match", "alice looked", ("bad",))
    assert {change["table"] for change in first.changes} == {"reporters", "reports"}
    assert (last.who, last.what) == ("token:bob", "report_match")
    (demoted,) = [change for change in last.changes if change["table"] == "entries"]
    assert "state" not in demoted["before"][0]
    assert demoted["after"][0]["state"] == "FLAGGED"
    store.feedback.reinstate("bad", [entry], author=CAROL)
    (record,) = store.audit.records(5)
    assert (record.what, record.why) == ("reinstate_entries", "carol looked")
    assert [len(change["before"]) for change in record.changes if change["table"] == "reports"] == [3]


def test_a_later_report_of_an_upload_takes_the_place_of_the_earlier_one(store: Store) -> None:
    (entry,) = add(store)
    for finding in (FALSE, CONFIRMED, FALSE, CONFIRMED):
        store.feedback.report("bad", entry, "upload", finding, ALICE)
    store.feedback.report("bad", entry, "upload", FALSE, BOB)
    head = store.head()
    assert store.feedback.report("bad", entry, "upload", FALSE, BOB).revision == 0
    assert store.head() == head
    assert store.get_entry("bad", entry).feedback == Feedback(1, 1)
    first, second = store.feedback.reports("bad", entry)
    assert (first.reporter, first.finding, first.content_id, first.note) == (
        "token:alice",
        CONFIRMED,
        "upload",
        "alice looked",
    )
    assert store.feedback.reports("bad", entry, after=first.id) == [second]
    assert store.feedback.reports("bad", entry, limit=1) == [first]
    store.feedback.report("bad", entry, "upload", FALSE, replace(BOB, reason="another note"))
    assert store.feedback.reports("bad", entry)[-1].note == "another note"


@pytest.mark.parametrize("policy", [{}, {"false_reports": 1, "false_share": 0.01}])
def test_one_reporter_cannot_demote_whatever_it_sends(store: Store, policy: dict[str, Any]) -> None:
    if policy:
        store.update_bank("bad", policy)
    entries = add(store, count=2)
    for entry in entries:
        for number in range(6):
            for finding in (CONFIRMED, FALSE):
                store.feedback.report("bad", entry, str(number), finding, ALICE)
    assert store.list_entries("bad", wanted=FLAGGED) == []
    assert [entry.feedback for entry in store.list_entries("bad")] == [Feedback(0, 6)] * 2


def test_who_reports_much_counts_as_much_as_who_reports_little(store: Store) -> None:
    """One who floods, and one who confirms but for a slip: no demotion; with a second one who says false: one."""
    (entry,) = add(store)
    for number in range(12):
        store.feedback.report("bad", entry, f"flood {number}", FALSE, ALICE)
    for number in range(9):
        store.feedback.report("bad", entry, str(number), CONFIRMED, BOB)
    assert not store.feedback.report("bad", entry, "slip", FALSE, BOB).flagged
    assert store.feedback.report("bad", entry, "seen", FALSE, CAROL).demoted


def test_a_reporters_newest_reports_of_an_entry_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "MOST_KEPT", 3)
    one, other = add(store, count=2)
    store.feedback.report("bad", other, "0", FALSE, ALICE)
    for content, finding in (("0", CONFIRMED), ("1", FALSE), ("2", FALSE), ("0", FALSE), ("3", FALSE)):
        store.feedback.report("bad", one, content, finding, ALICE)
    assert [report.content_id for report in store.feedback.reports("bad", one)] == ["2", "0", "3"]
    assert store.get_entry("bad", other).feedback == Feedback(0, 1)


def test_reports_within_an_hour_are_limited_whatever_they_are_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "MOST_AN_HOUR", 4)
    one, other = add(store, count=2)
    for entry, finding in ((one, FALSE), (one, CONFIRMED), (other, FALSE), (other, CONFIRMED)):
        store.feedback.report("bad", entry, "x", finding, ALICE)
    head = store.head()
    with pytest.raises(TooManyReports) as caught:
        store.feedback.report("bad", one, "x", FALSE, ALICE)
    assert caught.value.details["maximum"] == "4"
    assert 3_500 < caught.value.retry_seconds <= 3_600
    assert store.head() == head
    assert not store.feedback.report("bad", one, "x", CONFIRMED, ALICE).flagged
    store.feedback.report("bad", one, "x", FALSE, BOB)
    for minutes in (61, -61):
        now = store.feedback.reports("bad", one)[0].time.timestamp() + minutes * 60
        monkeypatch.setattr("hashmatch.store.writing.time.time_ns", lambda now=now: int(now * 1e9))
        store.feedback.report("bad", one, f"at {minutes}", FALSE, ALICE)


@pytest.mark.parametrize("size", [15, 1_200])
def test_only_so_many_entries_of_a_bank_are_demoted_in_a_day(
    store: Store, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(feedback, "LEAST_DEMOTED", 3)
    most = max(3, size // 100)
    store.update_bank("bad", {"false_reports": 1, "false_reporters": 1})
    entries = add(store, count=size)[: most + 2]
    done = [store.feedback.report("bad", entry, "x", FALSE, ALICE) for entry in entries]
    assert [each.demoted for each in done] == [True] * most + [False] * 2
    assert all(each.flagged and each.revision for each in done)
    assert [entry.review_from is None for entry in store.list_entries("bad", wanted=FLAGGED)] == (
        [False] * most + [True] * 2
    )
    store.feedback.reinstate("bad", entries[:1])
    late = store.feedback.report("bad", entries[-1], "y", FALSE, ALICE)
    assert (late.demoted, late.revision) == (True, store.head())


def test_what_is_reinstated_matches_as_before_and_needs_new_reports(store: Store) -> None:
    (entry,) = add(store)
    store.feedback.report("bad", entry, "0", CONFIRMED, ALICE)
    assert condemn(store, entry)[-1]
    revision = store.feedback.reinstate("bad", [entry], "once", CAROL)
    assert store.feedback.reinstate("bad", [entry], "once", CAROL) == revision
    found = store.get_entry("bad", entry)
    assert (found.state, found.review_from, found.feedback) == (State.LIVE, None, Feedback(1, 0))
    with pytest.raises(NotFound, match="no flagged entry"):
        store.feedback.reinstate("bad", [entry], author=CAROL)
    assert condemn(store, entry) == [False, False, True]
    store.remove_entries("bad", [entry], author=CAROL)
    assert store.list_entries("bad", wanted=FLAGGED) == []
    assert len(store.feedback.reports("bad", entry)) == 4
    store.restore_entries("bad", [entry], author=CAROL)
    assert store.get_entry("bad", entry).state is State.FLAGGED
    store.delete_bank("bad")


def test_allow_banks_are_only_flagged_and_review_banks_stay_so(store: Store) -> None:
    for action, demoted in ((Action.ALLOW, False), (Action.REVIEW, False)):
        bank = str(action).lower()
        store.create_bank(Bank(bank, action=action))
        (entry,) = add(store, bank)
        assert condemn(store, entry, bank) == [False, False, demoted]
        found = store.get_entry(bank, entry)
        assert found.state is State.FLAGGED
        assert (found.review_from is None) == (action is Action.ALLOW)
        store.feedback.reinstate(bank, [entry], author=CAROL)


@pytest.mark.parametrize("approval", [Approval.BEFORE, Approval.AFTER])
def test_two_persons(store: Store, approval: Approval) -> None:
    store.create_bank(Bank("two", action=Action.BLOCK, approval=approval))
    (added,), _ = store.add_entries("two", new_entries(0, 1), author=CAROL, adding=Adding("case"))
    if approval is Approval.BEFORE:
        with pytest.raises(NotFound, match="matching entry"):
            store.feedback.report("two", added.id, "x", FALSE, ALICE)
        store.approvals.approve("two", "case", author=BOB)
    assert condemn(store, added.id, "two")[-1]
    assert store.approvals.batches("two") == []
    with pytest.raises(NeedsAnotherPerson, match="token:carol added this"):
        store.feedback.reinstate("two", [added.id], author=CAROL)
    with pytest.raises(NeedsAnotherPerson, match="hashmatch token create"):
        store.feedback.reinstate("two", [added.id])
    store.feedback.reinstate("two", [added.id], author=BOB)
    found = store.get_entry("two", added.id)
    assert (found.state, found.review_from) == (State.LIVE, None)


def test_an_entry_that_was_not_reviewed_in_time_is_flagged_and_keeps_its_deadline(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create_bank(Bank("urgent", action=Action.BLOCK, approval=Approval.AFTER, review_hours=1))
    with monkeypatch.context() as patch:
        patch.setattr("hashmatch.store.writing.time.time_ns", lambda: 1_700_000_000 * 10**9)
        (added,), _ = store.add_entries("urgent", new_entries(0, 1), author=CAROL)
    assert condemn(store, added.id, "urgent") == [False] * 3
    found = store.get_entry("urgent", added.id)
    assert (found.state, found.review_from) == (State.FLAGGED, added.review_from)


def test_sources_tell_what_was_reported_of_each(store: Store) -> None:
    sources = ("", "a", "b", "b", "c")
    new = [NewEntry(new_entry(n).hash, Provenance(source=source)) for n, source in enumerate(sources)]
    added = ids(store.add_entries("bad", new)[0])
    store.create_bank(Bank("other"))
    store.feedback.report("other", add(store, "other")[0], "x", FALSE, ALICE)
    condemn(store, added[2])
    store.feedback.report("bad", added[3], "x", CONFIRMED, ALICE)
    store.feedback.report("bad", added[4], "x", FALSE, ALICE)
    store.remove_entries("bad", added[4:])
    expected = [
        SourceFeedback("", 1, 0, Feedback()),
        SourceFeedback("a", 1, 0, Feedback()),
        SourceFeedback("b", 2, 1, Feedback(1, 3)),
        SourceFeedback("c", 0, 0, Feedback(0, 1)),
    ]
    assert store.feedback.sources("bad") == expected
    pages = [*store.feedback.sources("bad", limit=3), *store.feedback.sources("bad", "b", 3)]
    assert pages == expected
    assert store.feedback.sources("bad", "c") == []


def test_what_is_wrong_is_named(store: Store) -> None:
    (entry,) = add(store)
    (removed,) = add(store)
    store.remove_entries("bad", [removed])
    report = store.feedback.report
    wrong: list[tuple[str, Callable[[], object]]] = [
        ("content_id", lambda: report("bad", entry, "", FALSE)),
        ("content_id", lambda: report("bad", entry, "x" * 257, FALSE)),
        ("content_id", lambda: report("bad", entry, "\0", FALSE)),
        ("finding", lambda: report("bad", entry, "x", "FALSE")),  # type: ignore[arg-type]  # what is tested
        ("note", lambda: report("bad", entry, "x", FALSE, Author("token:a", "n" * 1_025))),
        ("note", lambda: report("bad", entry, "x", FALSE, Author("token:a", "\ud800"))),
        ("names", lambda: store.feedback.reinstate("bad", [])),
        ("names", lambda: store.feedback.reinstate("bad", [1] * 10_001)),
    ]
    head = store.head()
    for field, call in wrong:
        with pytest.raises(InvalidField) as caught:
            call()
        assert caught.value.details["field"] == field
    missing: list[Callable[[], object]] = [
        lambda: report("nowhere", entry, "x", FALSE),
        lambda: report("bad", removed, "x", FALSE),
        *(lambda n=n: report("bad", n, "x", FALSE) for n in (0, -1, 99, 2**70)),
        lambda: store.feedback.reports("bad", 2**70),
        lambda: store.feedback.reports("nowhere", entry),
        lambda: store.feedback.sources("nowhere"),
        lambda: store.feedback.reinstate("bad", [entry]),
        lambda: store.feedback.reinstate("nowhere", [entry]),
    ]
    for call in missing:
        with pytest.raises(NotFound):
            call()
    assert store.head() == head
    longest = report("bad", entry, "\N{GRINNING FACE}" * 256, FALSE, Author("token:a", "\N{GRINNING FACE}" * 1_024))
    assert not longest.flagged


SAID = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12345"), st.sampled_from(Finding)), max_size=14)
POLICIES = st.builds(
    Bank,
    name=st.none(),
    action=st.just(Action.BLOCK),
    false_share=st.sampled_from((0, 0.1, 1 / 3, 0.5, 0.6, 1)),
    false_reports=st.integers(1, 4),
    false_reporters=st.integers(1, 3),
)


def test_reports_in_any_order_are_the_newest_of_each_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a dictionary of the newest reports; flagged is what has been false enough at any time."""
    monkeypatch.setattr(feedback, "MOST_KEPT", 3)
    banks = iter(range(1_000))

    @settings(max_examples=10)
    @given(said=SAID, policy=POLICIES)
    def check(said: list[tuple[str, str, Finding]], policy: Bank) -> None:
        bank = store.create_bank(replace(policy, name=f"b{next(banks)}"))[0]
        (entry,) = add(store, bank.name)
        newest: dict[tuple[str, str], Finding] = {}
        flagged = False
        for who, content, finding in said:
            if newest.get((who, content)) is not finding:
                newest.pop((who, content), None)
                own = [key for key in newest if key[0] == who]
                for key in own[: max(0, len(own) - 2)]:
                    del newest[key]
                newest[who, content] = finding
                flagged |= condemned(newest, bank)
            done = store.feedback.report(bank.name, entry, content, finding, Author(f"token:{who}"))
            assert done.flagged == flagged
        found = store.get_entry(bank.name, entry)
        counts = list(newest.values())
        assert found.feedback == Feedback(counts.count(CONFIRMED), counts.count(FALSE))
        assert (found.state is State.FLAGGED, found.review_from is not None) == (flagged, flagged)
        assert told(store, bank.name) == [replace(found, feedback=Feedback())]

    check()


def condemned(newest: dict[tuple[str, str], Finding], bank: Bank) -> bool:
    shares = [
        mean(finding is FALSE for (who, _), finding in newest.items() if who == reporter)
        for reporter in {who for who, _ in newest}
    ]
    enough = list(newest.values()).count(FALSE) >= bank.false_reports
    enough &= sum(share > 0 for share in shares) >= bank.false_reporters
    return enough and bank.false_share > 0 and mean(shares) >= bank.false_share - 1e-9


def told(store: Store, bank: str) -> list[Entry]:
    replay = Replay()
    replay.follow(store)
    return [entry for entry in replay.entries.values() if entry.bank == bank]
