"""What the matches of one query amount to."""

from collections.abc import Collection

from hashmatch.types import Action, Verdict


def decide(actions: Collection[Action]) -> Verdict:
    """Return the verdict on content that matched in banks with these actions; on no match, ALLOW.

    Known-good content overrides everything: an ALLOW bank exists to stop the false alarms of other
    banks, so its match is a person's decision that has been made already. Otherwise the gravest wins.
    """
    if Action.ALLOW in actions:
        return Verdict.ALLOW
    if Action.BLOCK in actions:
        return Verdict.BLOCK
    if Action.REVIEW in actions:
        return Verdict.REVIEW
    return Verdict.ALLOW
