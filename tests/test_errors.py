"""Errors keep their reason, message and details on the way to a client."""

import pytest

from hashmatch import errors
from hashmatch.server.errors import rich_status, status_code


def every_error() -> list[type[errors.HashmatchError]]:
    found = [errors.HashmatchError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return found


def test_reasons_are_unique() -> None:
    reasons = [kind.reason for kind in every_error()]
    assert len(reasons) == len(set(reasons))


@pytest.mark.parametrize("kind", every_error())
def test_received_is_the_inverse_of_sending(kind: type[errors.HashmatchError]) -> None:
    error = errors.received(kind.reason, "what happened", {"field": "bank.name"})
    assert type(error) is kind
    assert str(error) == "what happened"
    assert error.details == {"field": "bank.name"}


def test_unknown_reason_is_the_root() -> None:
    assert type(errors.received("FROM_THE_FUTURE", "?", {})) is errors.HashmatchError


def test_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    for kind in every_error():
        assert kind.__name__ in errors.__doc__


def test_media_errors_are_the_callers_fault_and_carry_the_limit() -> None:
    error = errors.MediaTooLarge("pixels", 100, 101)
    assert status_code(error).name == "INVALID_ARGUMENT"
    assert error.details == {"limit": "pixels", "maximum": "100", "actual": "101"}
    assert "101" in str(error)


def test_a_field_error_says_which_part_of_a_larger_request() -> None:
    error = errors.EmptyMedia("no bytes")
    error.at("entries[2]")
    status = rich_status(error)
    assert status.message == "entries[2]: no bytes"
    assert len(status.details) == 2


def test_internal_errors_are_internal() -> None:
    assert status_code(errors.HashmatchError("?")).name == "INTERNAL"
