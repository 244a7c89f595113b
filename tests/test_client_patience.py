"""How long a client waits for a server that says when to come back, and when it stops."""

import pytest

from hashmatch import errors
from hashmatch.client.patience import Patience


def test_it_waits_as_long_as_the_server_said_and_longer_each_time() -> None:
    patience = Patience(60)
    pauses = [patience.pause(errors.Overloaded("busy", "wait", 0.25)) for _ in range(4)]
    assert pauses == [0.25, 0.5, 0.75, 1.0]


def test_it_does_not_wait_past_its_own_time() -> None:
    with pytest.raises(errors.Overloaded):
        Patience(0.2).pause(errors.Overloaded("busy", "wait", 0.25))
    assert Patience(-1).remaining == 0


def test_it_never_sends_a_report_again_that_was_one_too_many() -> None:
    with pytest.raises(errors.TooManyReports):
        Patience(10_000).pause(errors.TooManyReports("enough", 1, maximum=2_000))


@pytest.mark.parametrize("error", [errors.Unavailable("no"), errors.CorruptMedia("no"), errors.HashmatchError("no")])
def test_nothing_else_is_tried_again_here(error: errors.HashmatchError) -> None:
    with pytest.raises(type(error)):
        Patience(60).pause(error)
