"""The verdict follows from the actions alone."""

import pytest

from hashmatch.policy import decide
from hashmatch.types import Action, Verdict

ALLOW, REVIEW, BLOCK = Action.ALLOW, Action.REVIEW, Action.BLOCK


@pytest.mark.parametrize(
    ("actions", "verdict"),
    [
        (set(), Verdict.ALLOW),
        ({REVIEW}, Verdict.REVIEW),
        ({BLOCK}, Verdict.BLOCK),
        ({REVIEW, BLOCK}, Verdict.BLOCK),
        ({ALLOW}, Verdict.ALLOW),
        ({ALLOW, REVIEW}, Verdict.ALLOW),
        ({ALLOW, BLOCK}, Verdict.ALLOW),
        ({ALLOW, REVIEW, BLOCK}, Verdict.ALLOW),
    ],
)
def test_every_set_of_actions(actions: set[Action], verdict: Verdict) -> None:
    assert decide(frozenset(actions)) is verdict


def test_order_and_repetition_do_not_matter() -> None:
    assert decide([REVIEW, BLOCK, REVIEW]) is decide([BLOCK, REVIEW]) is Verdict.BLOCK
