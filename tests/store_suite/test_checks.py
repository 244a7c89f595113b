"""What banks may hold: the bounds of the public contract, from both sides."""

import contextlib
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import InvalidField, InvalidInput, NotFound
from hashmatch.store import Store
from hashmatch.store.checks import check_bank, check_entries, check_hash
from hashmatch.types import Approval, Bank, EntryFilter, Hash, KindPolicy, NewEntry, Provenance, TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime.now(UTC)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@given(st.text(LETTERS + "-", min_size=1, max_size=63))
def test_names_of_allowed_characters_pass_unless_a_hyphen_is_at_an_end(name: str) -> None:
    if name[0] == "-" or name[-1] == "-":
        with pytest.raises(InvalidField, match=r"^bank\.name: "):
            check_bank(Bank(name))
    else:
        check_bank(Bank(name))


@pytest.mark.parametrize("name", ["", "A", "a_b", "a b", "a/", "/a", "a/b/c", "a/B", "é", "a\n", "٣", "-", "a" * 64])
def test_other_names_do_not(name: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_bank(Bank(name))
    assert caught.value.details["field"] == "bank.name"


@pytest.mark.parametrize(
    "values",
    [
        {"threshold": 0, "minimum_quality": 0, "description": ""},
        {"threshold": 64, "minimum_quality": 100, "description": "ž" * 1_024},
        {"video_query_share": 0, "video_known_share": 100},
        {"name": "a" * 63},
        {"matching_enabled_ratio": 0, "disabled_until": NOW},
        {"approval": Approval.AFTER, "review_hours": 8_760, "growth_limit": 1_000_000},
        {"false_share": 0, "false_reports": 1, "false_reporters": 1},
        {"false_share": 1, "false_reports": 10_000, "false_reporters": 1_000},
        {"kinds": tuple(KindPolicy(f"k{number}", 64, 100) for number in range(32))},
    ],
)
def test_bounds_are_inclusive(values: dict[str, Any]) -> None:
    check_bank(Bank(**{"name": "a"} | values))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threshold", -1),
        ("threshold", 65),
        ("threshold", 5.0),
        ("minimum_quality", -1),
        ("minimum_quality", 101),
        ("video_query_share", 101),
        ("video_known_share", -1),
        ("description", "x" * 1_025),
        ("description", "\0"),
        ("action", "BLOCK"),
        ("enabled", None),
        ("matching_enabled_ratio", 1.01),
        ("matching_enabled_ratio", -0.01),
        ("matching_enabled_ratio", math.nan),
        ("matching_enabled_ratio", True),
        ("disabled_until", NOW.replace(tzinfo=None)),
        ("disabled_until", datetime(1969, 12, 31, tzinfo=UTC)),
        ("kinds", tuple(KindPolicy(f"k{number}") for number in range(33))),
        ("approval", "BEFORE"),
        ("review_hours", 0),
        ("review_hours", 8_761),
        ("growth_limit", -1),
        ("growth_limit", 1_000_001),
        ("false_share", 1.01),
        ("false_share", math.nan),
        ("false_reports", 0),
        ("false_reports", 10_001),
        ("false_reporters", 0),
        ("false_reporters", 1_001),
    ],
)
def test_what_is_out_of_bounds_is_named(field: str, value: object) -> None:
    values: dict[str, Any] = {"name": "a", field: value}
    with pytest.raises(InvalidField) as caught:
        check_bank(Bank(**values))
    assert caught.value.details["field"] == f"bank.{field}"


@pytest.mark.parametrize("kind", ["a", "pdq", "sha-256", "9" * 32])
@pytest.mark.parametrize("length", [1, 256])
@pytest.mark.parametrize("quality", [None, 0, 100])
def test_any_kind_and_length_of_hash_may_be_stored(kind: str, length: int, quality: int | None) -> None:
    check_hash("hash", Hash(kind, bytes(length), quality))


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (Hash("", bytes(8)), "kind"),
        (Hash("PDQ", bytes(8)), "kind"),
        (Hash("a\n", bytes(8)), "kind"),
        (Hash("a" * 33, bytes(8)), "kind"),
        (Hash("pdq", b""), "bits"),
        (Hash("pdq", bytes(257)), "bits"),
        (Hash("pdq", bytes(8), -1), "quality"),
        (Hash("pdq", bytes(8), 101), "quality"),
    ],
)
def test_what_no_kind_has_is_named(value: Hash, field: str) -> None:
    with pytest.raises(InvalidField, match=rf"^query\.{field}: must be "):
        check_hash("query", value)


@pytest.mark.parametrize(
    ("shown", "content_id", "field"),
    [
        (TimeRange(-1, 0), "video", "shown.start"),
        (TimeRange(0, 2**53 + 1), "video", "shown.end"),
        (TimeRange(2, 1), "video", "shown.end"),
        (TimeRange(1, 2), "", "provenance.content_id"),
    ],
)
def test_a_frame_has_a_time_and_names_its_video(shown: TimeRange, content_id: str, field: str) -> None:
    frame = NewEntry(Hash("pdq", bytes(32)), Provenance(content_id), shown)
    with pytest.raises(InvalidField) as caught:
        check_entries([frame])
    assert caught.value.details["field"] == f"entries[0].{field}"


@pytest.mark.parametrize(
    ("kinds", "field"),
    [
        ((KindPolicy("pdq"), KindPolicy("PDQ")), "bank.kinds[1].kind"),
        ((KindPolicy("pdq", 1), KindPolicy("pdq", 2)), "bank.kinds[1].kind"),
        ((KindPolicy("pdq", 65),), "bank.kinds[0].threshold"),
        ((KindPolicy("pdq", None, 101),), "bank.kinds[0].minimum_quality"),
    ],
)
def test_a_wrong_policy_of_a_kind_is_named(kinds: tuple[KindPolicy, ...], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_bank(Bank("a", kinds=kinds))
    assert caught.value.details["field"] == field


def test_a_text_that_no_row_can_hold_is_the_callers_fault(store: Store) -> None:
    """PostgreSQL does not take it at all; in SQLite there is just none."""
    store.create_bank(Bank("a"))
    calls: list[Callable[[], object]] = [
        lambda: store.get_bank("\0"),
        lambda: store.remove_content("a", "\0"),
        lambda: store.approvals.reject("a", "\0"),
    ]
    for call in calls:
        with pytest.raises((NotFound, InvalidInput)):
            call()
    with contextlib.suppress(InvalidInput):
        assert store.list_entries("a", wanted=EntryFilter("\0")) == []
    with contextlib.suppress(InvalidInput):
        assert store.feedback.sources("a", "\0") == []
