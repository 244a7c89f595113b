"""A write that names itself is made once, however often it is asked for."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from hashmatch.errors import AlreadyExists, InvalidField, NotFound
from hashmatch.store import Store, writing
from hashmatch.types import Action, Author, Bank

from .samples import new_entries

Call = Callable[[Store], object]

CALLS: dict[str, Call] = {
    "create": lambda store: store.create_bank(Bank("new", "text"), "r"),
    "update": lambda store: store.update_bank("a", {"threshold": 5, "action": Action.BLOCK}, "r"),
    "delete": lambda store: store.delete_bank("a", "r"),
    "add": lambda store: store.add_entries("a", new_entries(10, 3), "r"),
    "remove": lambda store: store.remove_entries("a", [1, 2], "r"),
}
OTHERS: dict[str, Call] = {
    "create another": lambda store: store.create_bank(Bank("new", "texts"), "r"),
    "update another": lambda store: store.update_bank("a", {"threshold": 6, "action": Action.BLOCK}, "r"),
    "update with less": lambda store: store.update_bank("a", {"threshold": 5}, "r"),
    "delete another": lambda store: store.delete_bank("b", "r"),
    "add to another": lambda store: store.add_entries("b", new_entries(10, 3), "r"),
    "add another": lambda store: store.add_entries("a", new_entries(11, 3), "r"),
    "add less": lambda store: store.add_entries("a", new_entries(10, 2), "r"),
    "remove another": lambda store: store.remove_entries("a", [1, 3], "r"),
}


def fill(store: Store) -> None:
    for name in ("a", "b"):
        store.create_bank(Bank(name))
        store.add_entries(name, new_entries(0, 3))


@pytest.mark.parametrize("name", CALLS)
def test_the_first_answer_is_given_again(store: Store, name: str) -> None:
    fill(store)
    first = CALLS[name](store)
    history = store.changes(0)
    assert CALLS[name](store) == first
    assert store.changes(0) == history


@pytest.mark.parametrize("name", CALLS)
def test_the_first_answer_is_given_again_after_other_writes_and_a_restart(url: str, name: str) -> None:
    with Store.open(url) as store:
        fill(store)
        first = CALLS[name](store)
        if name != "delete":
            store.update_bank("a", {"threshold": 60})
            store.delete_bank("a")
        head = store.head()
    with Store.open(url) as store:
        assert CALLS[name](store) == first
        assert store.head() == head


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", CALLS)
def test_another_request_of_that_name_is_refused(store: Store, name: str, other: str) -> None:
    fill(store)
    CALLS[name](store)
    history = store.changes(0)
    with pytest.raises(AlreadyExists) as caught:
        OTHERS[other](store)
    assert caught.value.details == {"request_id": "r"}
    assert store.changes(0) == history


def test_a_request_that_failed_may_be_made_again(store: Store) -> None:
    with pytest.raises(NotFound):
        store.add_entries("a", new_entries(0, 1), "r")
    store.create_bank(Bank("a"))
    _, revision = store.add_entries("a", new_entries(0, 1), "r")
    assert revision == 2


def test_requests_without_a_name_are_all_made(store: Store) -> None:
    store.create_bank(Bank("a"))
    for _ in range(2):
        store.add_entries("a", new_entries(0, 1))
    assert store.count_entries("a") == 2


def test_a_name_has_a_bound(store: Store) -> None:
    store.create_bank(Bank("a"), "r" * 128)
    with pytest.raises(InvalidField) as caught:
        store.create_bank(Bank("b"), "r" * 129)
    assert caught.value.details["field"] == "request_id"


def test_one_request_from_many_threads_and_stores_is_one_write(url: str) -> None:
    with Store.open(url) as one, Store.open(url) as two, ThreadPoolExecutor(8) as pool:
        one.create_bank(Bank("a"))
        calls = [pool.submit((one, two)[at % 2].add_entries, "a", new_entries(0, 50), "r") for at in range(16)]
        answers = [call.result() for call in calls]
        assert all(answer == answers[0] for answer in answers)
        assert one.count_entries("a") == 50
        assert one.head() == 2


def test_requests_are_forgotten_in_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create_bank(Bank("a"), "old")
    store.add_entries("a", new_entries(0, 1), "young")
    now = time.time_ns()
    after_both = now + writing.REQUESTS_KEPT_SECONDS * 10**9 + 10**9
    monkeypatch.setattr(time, "time_ns", lambda: now + writing.REQUESTS_KEPT_SECONDS * 10**9 - 60 * 10**9)
    store.add_entries("a", new_entries(1, 1), "later")
    assert store.create_bank(Bank("a"), "old") == (Bank("a"), 1)
    monkeypatch.setattr(time, "time_ns", lambda: after_both)
    store.add_entries("a", new_entries(2, 1), "latest")
    with pytest.raises(AlreadyExists) as caught:
        store.create_bank(Bank("a"), "old")
    assert caught.value.details == {"bank": "a"}
    assert store.add_entries("a", new_entries(1, 1), "later")[1] == 3


def test_a_reason_may_have_1024_characters_and_is_no_part_of_what_a_request_id_names(store: Store) -> None:
    store.create_bank(Bank("a"), "r", Author("token:one", "x" * 1_024))
    assert store.create_bank(Bank("a"), "r", Author("token:two", "another reason"))[1] == 1
    with pytest.raises(InvalidField, match="reason"):
        store.delete_bank("a", author=Author("token:one", "x" * 1_025))
    assert store.head() == 1
