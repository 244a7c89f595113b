"""What people found when they looked at matches, and what it says of entries and where they come from."""

import enum
from dataclasses import dataclass
from datetime import datetime


class Finding(enum.StrEnum):
    """What somebody who looked at an upload says of its match."""

    CONFIRMED = "CONFIRMED"
    """The upload is what the entry stands for."""
    FALSE = "FALSE"
    """It is something else, or the entry should not be in the bank."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """How often matches of an entry were reported; of each reporter its newest 100 reports count."""

    confirmed: int = 0
    false: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What one reporter said of one upload that matched an entry."""

    id: int
    """Grows from one to the next; a report that takes the place of an earlier one is a new one."""
    content_id: str
    """The caller's name for the upload."""
    finding: Finding
    note: str
    reporter: str
    """As in `Author.name`."""
    time: datetime
    """Time zone aware, UTC."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What came of a report."""

    flagged: bool
    """Whether the entry is flagged now."""
    demoted: bool
    """Whether it was this report from which on matches of the entry ask for REVIEW."""
    revision: int
    """The revision that flagged the entry; 0 where this report changed nothing that queries see."""


@dataclass(frozen=True, slots=True)
class SourceFeedback:
    """What there is in a bank of one source, and what was reported of it."""

    source: str
    entries: int
    """How many match."""
    flagged: int
    """How many of these are flagged."""
    feedback: Feedback
    """Of all of them, and of those that were removed."""
