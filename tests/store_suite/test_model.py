"""Any sequence of calls, against the same in plain Python."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from hashmatch.errors import AlreadyExists, NotFound
from hashmatch.store import Store
from hashmatch.types import Action, Bank, Entry, EntryFilter, Hash, KindPolicy, NewEntry, Provenance, State

from .samples import LATER, Replay, ids, tables

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
MAYBE = st.none() | st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
NAMES = st.sampled_from(["a", "b", "c-1"])
POLICIES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "description": TEXT,
        "action": st.sampled_from(Action),
        "threshold": st.integers(0, 64),
        "minimum_quality": st.integers(0, 100),
        "enabled": st.booleans(),
        "video_query_share": st.integers(0, 100),
        "video_known_share": st.integers(0, 100),
        "kinds": st.lists(st.builds(KindPolicy, st.sampled_from(("pdq", "x")), st.none() | st.integers(0, 64))).map(
            lambda found: tuple({each.kind: each for each in found}.values())
        ),
        "matching_enabled_ratio": st.floats(0, 1),
        "disabled_until": MAYBE,
    },
)
ENTRIES = st.builds(
    NewEntry,
    st.builds(
        Hash,
        st.sampled_from(("pdq", "sha-256", "x")),
        st.binary(min_size=1, max_size=256),
        st.none() | st.integers(0, 100),
    ),
    st.builds(
        Provenance, st.sampled_from(("", "one", "two")), TEXT, st.lists(TEXT, max_size=3).map(tuple), TEXT, TEXT, MAYBE
    ),
    expires=st.none() | st.just(LATER),
)


class StoreModel(RuleBasedStateMachine):
    """The store beside a `Replay` that every call changes as it should change the store."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.store = Store.open(url)
        self.model = Replay()
        self.follower = Replay()
        self.requests: list[tuple[Callable[[Store, str], object], str, object]] = []
        self.used: set[int] = set()
        self.removed: dict[int, Entry] = {}

    def teardown(self) -> None:
        self.store.close()

    def write(self, call: Callable[[Store, str], Any], named: bool) -> Any:
        """Make one write; it must take the next revision."""
        request_id = f"request-{self.model.revision}" if named else ""
        answer = call(self.store, request_id)
        self.model.revision += 1
        assert (answer if isinstance(answer, int) else answer[1]) == self.model.revision
        if named:
            self.requests.append((call, request_id, answer))
        return answer

    @rule(name=NAMES, policy=POLICIES, named=st.booleans())
    def create(self, name: str, policy: dict[str, Any], named: bool) -> None:
        bank = Bank(name, **policy)
        if name in self.model.banks:
            with pytest.raises(AlreadyExists):
                self.store.create_bank(bank)
        else:
            assert self.write(lambda store, r: store.create_bank(bank, r), named)[0] == bank
            self.model.banks[name] = bank

    @rule(name=NAMES, policy=POLICIES.filter(bool), named=st.booleans())
    def update(self, name: str, policy: dict[str, Any], named: bool) -> None:
        if name not in self.model.banks:
            with pytest.raises(NotFound):
                self.store.update_bank(name, policy)
            return
        old = self.model.banks[name]
        bank = replace(old, **policy)
        assert self.write(lambda store, r: store.update_bank(name, policy, r), named)[0] == bank
        self.model.banks[name] = bank

    @precondition(lambda self: self.model.banks)
    @rule(data=st.data(), named=st.booleans())
    def delete(self, data: st.DataObject, named: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.banks)))
        self.write(lambda store, r: store.delete_bank(name, r), named)
        del self.model.banks[name]
        self.model.entries = {id_: entry for id_, entry in self.model.entries.items() if entry.bank != name}
        self.removed = {id_: entry for id_, entry in self.removed.items() if entry.bank != name}

    @precondition(lambda self: self.model.banks)
    @rule(data=st.data(), new=st.lists(ENTRIES, min_size=1, max_size=8), named=st.booleans())
    def add(self, data: st.DataObject, new: list[NewEntry], named: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.banks)))
        entries, _ = self.write(lambda store, r: store.add_entries(name, new, r), named)
        assert [NewEntry(entry.hash, entry.provenance, entry.shown, entry.expires) for entry in entries] == new
        assert ids(entries) == sorted(entry.id for entry in entries)
        assert not self.used & set(ids(entries))
        self.used |= set(ids(entries))
        self.model.entries |= {entry.id: entry for entry in entries}

    @precondition(lambda self: self.model.entries)
    @rule(data=st.data(), named=st.booleans())
    def remove(self, data: st.DataObject, named: bool) -> None:
        name = data.draw(st.sampled_from(sorted({entry.bank for entry in self.model.entries.values()})))
        there = [entry.id for entry in self.model.entries.values() if entry.bank == name]
        some = data.draw(st.lists(st.sampled_from(there), min_size=1, max_size=10))
        self.write(lambda store, r: store.remove_entries(name, some, r), named)
        for id_ in set(some):
            self.removed[id_] = self.model.entries.pop(id_)

    @precondition(lambda self: any(entry.provenance.content_id for entry in self.model.entries.values()))
    @rule(data=st.data(), named=st.booleans())
    def remove_content(self, data: st.DataObject, named: bool) -> None:
        there = [entry for entry in self.model.entries.values() if entry.provenance.content_id]
        one = data.draw(st.sampled_from(there))
        name, content = one.bank, one.provenance.content_id
        same = [entry.id for entry in there if (entry.bank, entry.provenance.content_id) == (name, content)]
        listed = self.store.list_entries(name, 0, 10_000, EntryFilter(content))
        assert ids(listed) == sorted(same)
        self.write(lambda store, r: store.remove_content(name, content, r), named)
        for id_ in same:
            self.removed[id_] = self.model.entries.pop(id_)

    @precondition(lambda self: self.removed)
    @rule(data=st.data(), named=st.booleans())
    def restore(self, data: st.DataObject, named: bool) -> None:
        name = data.draw(st.sampled_from(sorted({entry.bank for entry in self.removed.values()})))
        gone = [entry.id for entry in self.removed.values() if entry.bank == name]
        some = data.draw(st.lists(st.sampled_from(gone), min_size=1, max_size=10))
        self.write(lambda store, r: store.restore_entries(name, some, r), named)
        for id_ in set(some):
            self.model.entries[id_] = self.removed.pop(id_)

    @precondition(lambda self: self.model.banks)
    @rule(data=st.data(), wanted=st.lists(st.integers(-1, 100), min_size=1, max_size=5))
    def remove_with_some_missing(self, data: st.DataObject, wanted: list[int]) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.banks)))
        there = {entry.id for entry in self.model.entries.values() if entry.bank == name}
        missing = [id_ for id_ in wanted if id_ not in there]
        if missing:
            with pytest.raises(NotFound) as caught:
                self.store.remove_entries(name, wanted)
            assert caught.value.details["entry"] == str(missing[0])

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        call, request_id, answer = data.draw(st.sampled_from(self.requests))
        assert call(self.store, request_id) == answer

    @rule(limit=st.integers(1, 20))
    def follow(self, limit: int) -> None:
        self.follower.follow(self.store, limit)
        assert self.follower == self.model

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = Store.open(self.url)

    @invariant()
    def is_the_model(self) -> None:
        assert tables(self.store) == self.model
        for name in self.model.banks:
            listed = self.store.list_entries(name, 0, 10_000, EntryFilter(state=State.REMOVED))
            kept = [replace(each, state=State.LIVE, removed=None, removal_reason="") for each in listed]
            assert kept == sorted((each for each in self.removed.values() if each.bank == name), key=lambda e: e.id)
        replay = Replay()
        replay.follow(self.store)
        assert replay == self.model


def test_any_sequence_of_calls_does_as_the_model(new_url: Callable[[], str]) -> None:
    class OnANewDatabase(StoreModel):
        def __init__(self) -> None:
            super().__init__(new_url())

    run_state_machine_as_test(
        OnANewDatabase,
        settings=settings(
            max_examples=20 if new_url().startswith("sqlite") else 6,
            stateful_step_count=25,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
