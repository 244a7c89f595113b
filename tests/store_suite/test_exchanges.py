"""Exchanges: records become entries, and change and go with them, all or nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashmatch.errors import AlreadyExists, InvalidField, NotFound, Superseded
from hashmatch.store import Store
from hashmatch.types import (
    LOCAL,
    Applied,
    Approval,
    Author,
    Bank,
    EntryFilter,
    Exchange,
    Hash,
    NewEntry,
    Provenance,
    State,
)

from .samples import Replay

NCMEC = Exchange("ncmec", "ncmec", "a", {"environment": "Industry"}, "/etc/hashmatch/ncmec.key")


def held_by(record: str, *numbers: int, labels: tuple[str, ...] = ()) -> tuple[NewEntry, ...]:
    return tuple(
        NewEntry(Hash("pdq", bytes([number]) * 32), Provenance(record, NCMEC.source, labels)) for number in numbers
    )


@pytest.fixture
def followed(store: Store) -> Store:
    store.create_bank(Bank("a"))
    store.exchanges.add(NCMEC, LOCAL)
    return store


def contents(store: Store) -> list[tuple[str, bytes, tuple[str, ...]]]:
    return sorted(
        (entry.provenance.content_id, entry.hash.bits[:1], entry.provenance.labels)
        for entry in store.list_entries("a", limit=1_000)
    )


def test_an_exchange_is_kept_as_it_was_added(followed: Store) -> None:
    store = followed
    (status,) = store.exchanges.all()
    assert status == store.exchanges.get("ncmec")
    assert status.exchange == NCMEC
    assert abs(status.created - datetime.now(UTC)) < timedelta(minutes=1)
    assert (status.checkpoint, status.began, status.fetched, status.error) == (None, None, None, "")
    with pytest.raises(AlreadyExists):
        store.exchanges.add(NCMEC, LOCAL)
    with pytest.raises(InvalidField):
        store.exchanges.add(Exchange("No Name", "ncmec", "a"), LOCAL)
    with pytest.raises(NotFound):
        store.exchanges.add(Exchange("other", "ncmec", "nowhere"), LOCAL)
    store.exchanges.remove("ncmec", LOCAL)
    assert store.exchanges.all() == []
    for gone in (store.exchanges.get, store.exchanges.count, store.exchanges.records):
        with pytest.raises(NotFound):
            gone("ncmec")
    with pytest.raises(NotFound):
        store.exchanges.remove("ncmec", LOCAL)
    with pytest.raises(NotFound):
        store.exchanges.begin("ncmec", LOCAL)


def test_records_are_added_changed_and_withdrawn(followed: Store) -> None:
    store = followed
    store.add_entries("a", [NewEntry(Hash("pdq", b"\1" * 32), Provenance("one", "hotline"))])
    fetch = store.exchanges.begin("ncmec", LOCAL)

    def apply(records: Mapping[str, Sequence[NewEntry]]) -> Applied:
        return store.exchanges.apply("ncmec", fetch, records, None, LOCAL)

    assert apply({"one": held_by("one", 1, 2), "two": held_by("two", 3)}) == Applied(added=3)
    head = store.head()
    assert apply({"one": held_by("one", 2, 1), "two": held_by("two", 3), "three": ()}) == Applied(unchanged=3)
    assert store.head() == head, "nothing changed, so nothing is written"
    assert apply({"one": held_by("one", 2, 4), "two": held_by("two", 3, labels=("x",))}) == Applied(2, 2, 1)
    assert store.head() == head + 1
    assert apply({"two": ()}) == Applied(removed=1)
    assert contents(store) == [("one", b"\1", ()), ("one", b"\2", ()), ("one", b"\4", ())]
    assert store.exchanges.count("ncmec") == 2
    assert store.exchanges.records("ncmec") == ["one"]
    assert store.exchanges.records("ncmec", after="one") == []
    replay = Replay()
    replay.follow(store)
    assert list(replay.entries.values()) == store.list_entries("a", limit=1_000)
    store.exchanges.clear("ncmec", LOCAL)
    assert contents(store) == [("one", b"\1", ())]


def test_a_checkpoint_comes_with_what_it_is_after(followed: Store) -> None:
    store = followed
    fetch = store.exchanges.begin("ncmec", LOCAL)
    checkpoint = {"time": 5, "page": {"url": "/v2?é"}}
    store.exchanges.apply("ncmec", fetch, {}, checkpoint, LOCAL)
    assert store.exchanges.get("ncmec").checkpoint == checkpoint
    wrong = {"one": (NewEntry(Hash("pdq", b""), Provenance("one", NCMEC.source)),)}
    with pytest.raises(InvalidField):
        store.exchanges.apply("ncmec", fetch, wrong, {"time": 6}, LOCAL)
    assert store.exchanges.get("ncmec").checkpoint == checkpoint
    store.exchanges.fail("ncmec", fetch, "it rained", LOCAL)
    status = store.exchanges.get("ncmec")
    assert (status.error, status.fetched, status.checkpoint) == ("it rained", None, checkpoint)
    assert status.began is not None
    again = store.exchanges.begin("ncmec", LOCAL)
    assert store.exchanges.get("ncmec").error == ""
    store.exchanges.finish("ncmec", again, None, LOCAL)
    status = store.exchanges.get("ncmec")
    assert status.checkpoint is None
    assert status.fetched is not None
    assert status.began is not None
    assert status.fetched >= status.began


def test_of_two_fetches_the_later_goes_on(followed: Store) -> None:
    store = followed
    first = store.exchanges.begin("ncmec", LOCAL)
    second = store.exchanges.begin("ncmec", LOCAL)
    late: list[Callable[[str], object]] = [
        lambda fetch: store.exchanges.apply("ncmec", fetch, {"one": held_by("one", 1)}, None, LOCAL),
        lambda fetch: store.exchanges.finish("ncmec", fetch, None, LOCAL),
        lambda fetch: store.exchanges.fail("ncmec", fetch, "", LOCAL),
    ]
    for call in late:
        with pytest.raises(Superseded):
            call(first)
        call(second)
    assert store.exchanges.count("ncmec") == 1


def test_a_bank_that_is_gone_takes_nothing(followed: Store) -> None:
    store = followed
    fetch = store.exchanges.begin("ncmec", LOCAL)
    store.delete_bank("a")
    with pytest.raises(NotFound, match="no bank"):
        store.exchanges.apply("ncmec", fetch, {"one": held_by("one", 1)}, None, LOCAL)
    assert store.exchanges.get("ncmec").exchange == NCMEC


def test_what_somebody_removed_does_not_come_back_and_what_was_withdrawn_does(followed: Store) -> None:
    store = followed
    fetch = store.exchanges.begin("ncmec", LOCAL)

    def apply(records: Mapping[str, Sequence[NewEntry]]) -> Applied:
        return store.exchanges.apply("ncmec", fetch, records, None, LOCAL)

    apply({"one": held_by("one", 1, 2), "two": held_by("two", 1)})
    first = store.list_entries("a")[0]
    store.remove_entries("a", [first.id], author=Author("token:alice", "a false match"))
    assert apply({"one": held_by("one", 1, 2, labels=("x",))}) == Applied(1, 1, 1)
    assert contents(store) == [("one", b"\2", ("x",)), ("two", b"\1", ())]
    assert apply({"two": ()}) == Applied(removed=1)
    assert apply({"two": held_by("two", 1)}) == Applied(added=1)
    assert contents(store) == [("one", b"\2", ("x",)), ("two", b"\1", ())]
    assert store.count_entries("a") == store.exchanges.count("ncmec") == 2
    gone = store.list_entries("a", wanted=EntryFilter(state=State.REMOVED))
    assert {entry.removal_reason for entry in gone} == {"a false match", "exchange:ncmec: "}
    store.restore_entries("a", [first.id])
    assert apply({"one": held_by("one", 1, 2, labels=("x",))}) == Applied(1, 1, 1)


def test_what_an_exchange_brings_waits_where_two_persons_are_asked_for(store: Store) -> None:
    store.create_bank(Bank("a", approval=Approval.BEFORE))
    store.exchanges.add(NCMEC, LOCAL)
    fetch = store.exchanges.begin("ncmec", LOCAL)
    store.exchanges.apply("ncmec", fetch, {"one": held_by("one", 1), "two": held_by("two", 2)}, None, LOCAL)
    waiting = EntryFilter(state=State.PENDING)
    assert store.list_entries("a") == []
    assert [entry.provenance.content_id for entry in store.list_entries("a", wanted=waiting)] == ["one", "two"]
    again = store.exchanges.apply("ncmec", fetch, {"one": (), "two": held_by("two", 2)}, None, LOCAL)
    assert again == Applied(removed=1, unchanged=1)
    assert [entry.provenance.content_id for entry in store.list_entries("a", wanted=waiting)] == ["two"]


RECORDS = st.dictionaries(st.sampled_from("abcd"), st.sets(st.integers(0, 5), max_size=3), max_size=4)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=st.lists(RECORDS, max_size=8))
def test_the_bank_holds_what_the_records_hold(new_url: Callable[[], str], pages: list[dict[str, set[int]]]) -> None:
    """Whatever comes in whatever order: a dictionary is the oracle."""
    expected: dict[str, set[int]] = {}
    with Store.open(new_url()) as store:
        store.create_bank(Bank("a"))
        store.exchanges.add(NCMEC, LOCAL)
        fetch = store.exchanges.begin("ncmec", LOCAL)
        for page in pages:
            expected |= page
            records = {record: held_by(record, *numbers) for record, numbers in page.items()}
            store.exchanges.apply("ncmec", fetch, records, None, LOCAL)
        found = [(record, bits[0]) for record, bits, _ in contents(store)]
        replay = Replay()
        replay.follow(store)
        assert list(replay.entries.values()) == store.list_entries("a", limit=1_000)
        assert store.audit.verify().problems == ()
    assert found == sorted((record, number) for record, numbers in expected.items() for number in numbers)
