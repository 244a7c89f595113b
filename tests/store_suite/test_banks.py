"""Banks: made, read, listed, changed and deleted."""

import pytest

from hashmatch.errors import AlreadyExists, InvalidField, NotFound
from hashmatch.store import Store
from hashmatch.types import Action, Bank

from .samples import new_entries


def test_an_empty_store_is_at_revision_0(store: Store) -> None:
    assert store.head() == 0
    assert store.list_banks() == []
    assert store.changes(0) == (0, [])


def test_a_bank_is_kept_as_given(store: Store) -> None:
    bank = Bank("known-good", "Ours: žluťoučký kůň 🐎", Action.ALLOW, threshold=0, minimum_quality=100, enabled=False)
    assert store.create_bank(bank) == (bank, 1)
    assert store.get_bank("known-good") == bank
    assert store.head() == 1


def test_a_taken_name_is_refused_and_changes_nothing(store: Store) -> None:
    store.create_bank(Bank("a", "first"))
    with pytest.raises(AlreadyExists) as caught:
        store.create_bank(Bank("a", "second"))
    assert caught.value.details == {"bank": "a"}
    assert store.get_bank("a").description == "first"
    assert store.head() == 1


def test_banks_are_listed_by_name_in_pages(store: Store) -> None:
    for name in ("c", "a", "b-1", "b", "0"):
        store.create_bank(Bank(name))
    assert [bank.name for bank in store.list_banks()] == ["0", "a", "b", "b-1", "c"]
    assert [bank.name for bank in store.list_banks(limit=2)] == ["0", "a"]
    assert [bank.name for bank in store.list_banks(after="a", limit=2)] == ["b", "b-1"]
    assert store.list_banks(after="c") == []


@pytest.mark.parametrize(
    "values",
    [
        {"description": "new"},
        {"action": Action.BLOCK},
        {"threshold": 64, "minimum_quality": 0},
        {"video_query_share": 0, "video_known_share": 100},
        {"enabled": False},
    ],
)
def test_an_update_changes_what_it_names_alone(store: Store, values: dict[str, object]) -> None:
    before, _ = store.create_bank(Bank("a", "old", Action.REVIEW, 10, 20))
    store.create_bank(Bank("b"))
    after, revision = store.update_bank("a", values)
    assert revision == 3
    assert store.get_bank("a") == after
    assert store.get_bank("b") == Bank("b")
    for field in ("name", "description", "action", "threshold", "minimum_quality", "enabled", "video_query_share"):
        assert getattr(after, field) == values.get(field, getattr(before, field))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "update_mask"),
        ({"name": "b"}, "update_mask"),
        ({"threshold": 5, "colour": "red"}, "update_mask"),
        ({"threshold": 65}, "bank.threshold"),
        ({"threshold": True}, "bank.threshold"),
        ({"action": "BURN"}, "bank.action"),
        ({"enabled": 1}, "bank.enabled"),
        ({"description": 5}, "bank.description"),
        ({"description": "x" * 1_025}, "bank.description"),
    ],
)
def test_a_wrong_update_names_the_field_and_changes_nothing(
    store: Store, values: dict[str, object], field: str
) -> None:
    bank, _ = store.create_bank(Bank("a"))
    with pytest.raises(InvalidField) as caught:
        store.update_bank("a", values)
    assert caught.value.details["field"] == field
    assert store.get_bank("a") == bank
    assert store.head() == 1


def test_a_bank_made_again_under_the_name_of_a_deleted_one_is_empty(store: Store) -> None:
    store.create_bank(Bank("a", "first"))
    store.create_bank(Bank("b"))
    store.add_entries("a", new_entries(0, 3))
    kept, _ = store.add_entries("b", new_entries(3, 2))
    assert store.delete_bank("a") == 5
    with pytest.raises(NotFound):
        store.get_bank("a")
    store.create_bank(Bank("a", "second"))
    assert store.list_entries("a") == []
    assert store.count_entries("a") == 0
    assert store.list_entries("b") == kept


def test_what_is_not_there_is_not_found(store: Store) -> None:
    for call in (
        lambda: store.get_bank("a"),
        lambda: store.count_entries("a"),
        lambda: store.update_bank("a", {"threshold": 5}),
        lambda: store.delete_bank("a"),
        lambda: store.add_entries("a", new_entries(0, 1)),
        lambda: store.get_entry("a", 1),
        lambda: store.list_entries("a"),
        lambda: store.remove_entries("a", [1]),
    ):
        with pytest.raises(NotFound) as caught:
            call()
        assert caught.value.details == {"bank": "a"}
    assert store.head() == 0
