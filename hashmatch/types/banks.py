"""Banks, their entries, and the changes of both."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from hashmatch.types.feedback import Feedback
from hashmatch.types.hashes import PDQ, Hash, TimeRange

NO_FEEDBACK: Final = Feedback()


class Action(enum.StrEnum):
    """What a bank asks for when one of its entries matches; ALLOW marks known-good content."""

    BLOCK = "BLOCK"
    REVIEW = "REVIEW"
    ALLOW = "ALLOW"


class Approval(enum.StrEnum):
    """When another person must approve what one has added to a bank."""

    NONE = "NONE"
    """Never."""
    BEFORE = "BEFORE"
    """Before it matches: the two-person rule."""
    AFTER = "AFTER"
    """It matches at once, and is to be reviewed within the bank's `review_hours`: for urgent reports."""


class Hold(enum.StrEnum):
    """Why entries wait for approval."""

    APPROVAL = "APPROVAL"
    """The bank wants two persons, or they were restored where it wants a second one at any time."""
    REVIEW = "REVIEW"
    """They match already, and are to be reviewed."""
    GROWTH = "GROWTH"
    """The bank would have grown by more than its `growth_limit`."""


@dataclass(frozen=True, slots=True)
class KindPolicy:
    """What a bank wants of one kind; what is None is as for the others."""

    kind: str
    threshold: int | None = None
    """The largest distance in bits that still matches, inclusive, and not the kind's own: 0 to 64."""
    minimum_quality: int | None = None
    """0 to 100 inclusive."""


@dataclass(frozen=True, slots=True)
class Bank:
    """A named set of entries with its own policy."""

    name: str
    """1 to 63 of a-z, 0-9 and hyphen, starting and ending with a letter or digit; of a tenant's bank after the
    tenant's name, of the same characters, and a slash: `acme/known-bad`."""
    description: str = ""
    action: Action = Action.REVIEW
    threshold: int = 31
    """The largest distance in bits that still matches, inclusive; 0 to 64.

    It is meant for pdq; every other kind has a largest distance of its own, and the smaller of both holds.
    """
    minimum_quality: int = 50
    """Hashes below it, on either side, are not compared; 0 to 100 inclusive. An unknown quality passes."""
    enabled: bool = True
    video_query_share: int = 50
    """A known video matches where at least this percentage of the query's frames is in it; 0 to 100, 0 for never."""
    video_known_share: int = 50
    """A known video matches where at least this percentage of its frames is in the query; 0 to 100, 0 for never."""
    kinds: tuple[KindPolicy, ...] = ()
    """What holds for some kinds in place of `threshold` and `minimum_quality`; at most 32, each kind once."""
    matching_enabled_ratio: float = 1.0
    """The share of its content that queries find, 0.0 to 1.0 inclusive, for a staged roll-out.

    A content id is in or out with all its hashes, an entry without one by its hash; whatever is in stays in as the
    share grows, in every bank alike.
    """
    disabled_until: datetime | None = None
    """Queries do not look into it before that moment; time zone aware, to the microsecond."""
    approval: Approval = Approval.NONE
    review_hours: int = 24
    """How long after their addition entries of an urgent bank may wait for a review; from then on their matches ask for
    REVIEW. 1 to 8,760."""
    growth_limit: int = 100
    """By how many percent of its entries it may grow in 24 hours; what goes beyond waits for approval. 0 to 1,000,000,
    0 for no limit; a bank that had fewer than 1,000 entries may grow."""
    false_share: float = 0.6
    """An entry is flagged, and demoted to REVIEW, once its share of false reports is that or more; 0.0 to 1.0
    inclusive, 0 for never. The share is the mean of its reporters' own shares, so that all of them count alike."""
    false_reports: int = 3
    """But not before there are so many false reports of it; 1 to 10,000."""
    false_reporters: int = 2
    """Nor before so many reporters have made them; 1 to 1,000."""

    def threshold_of(self, kind: str, ceiling: int | None = None) -> int:
        """The largest distance of a kind that still matches, where `ceiling` is the kind's own, None for none."""
        own = next((each.threshold for each in self.kinds if each.kind == kind), None)
        if own is not None:
            return own
        return self.threshold if ceiling is None else min(self.threshold, ceiling)

    def minimum_quality_of(self, kind: str) -> int:
        """Below which quality hashes of a kind are not compared."""
        own = next((each.minimum_quality for each in self.kinds if each.kind == kind), None)
        return self.minimum_quality if own is None else own


class State(enum.StrEnum):
    """Where an entry stands."""

    LIVE = "LIVE"
    REMOVED = "REMOVED"
    """It does not match, but is kept with the reason, and can be restored."""
    PENDING = "PENDING"
    """It waits for another person's approval, and does not match."""
    UNREVIEWED = "UNREVIEWED"
    """It matches, and waits for another person's review."""
    FLAGGED = "FLAGGED"
    """It matches, and its matches were reported as false: it waits for a person to reinstate or remove it."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an entry comes from, in the words of whoever added it."""

    content_id: str = ""
    """The caller's name for the media item, shared by all the hashes of that item."""
    source: str = ""
    """Who reported it, or the list it comes from."""
    labels: tuple[str, ...] = ()
    note: str = ""
    programme: str = ""
    """Under which programme it was reported, for example that of a trusted flagger."""
    reported: datetime | None = None
    """When it was reported; time zone aware, to the microsecond, not before 1970."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One hash in a bank, with its provenance."""

    id: int
    bank: str
    hash: Hash
    provenance: Provenance
    created: datetime
    """Time zone aware, UTC."""
    revision: int
    """The revision that added it."""
    shown: TimeRange | None = None
    """Of a known video's frame: from when to when the video shows it, or near-identical ones; None for a still.

    The entries of one bank and content id that have it are that video.
    """
    expires: datetime | None = None
    """From then on it does not match, and is soon removed; time zone aware, to the microsecond."""
    review_from: datetime | None = None
    """From then on a match asks for REVIEW, whatever the bank asks for."""
    state: State = State.LIVE
    removed: datetime | None = None
    """When it was removed."""
    removal_reason: str = ""
    feedback: Feedback = NO_FEEDBACK
    """Where it was listed or fetched; the changes of the banks do not tell of it."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries of a bank to list."""

    content_id: str = ""
    """Those of that content alone; all where empty."""
    state: State | None = None
    """Those that stand so; where None, all that match."""
    batch: str = ""
    """Those of batches of that name alone; all where empty."""


@dataclass(frozen=True, slots=True)
class Adding:
    """What some new entries are a part of."""

    batch: str = ""
    """A name for all that is added together, by which it can be approved at once; at most 128 characters. Where it is
    empty, each write is a batch of its own, named by its revision."""
    following: int = 0
    """About how many more entries are to come; the limit of growth counts them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that one author added together, and that wait for another's approval."""

    id: int
    bank: str
    name: str
    author: str
    """As in `Author.name`."""
    hold: Hold
    created: datetime
    """When the first of them was added."""
    pending: int
    """How many wait and do not match."""
    unreviewed: int
    """How many wait and match."""
    review_from: datetime | None
    """From when on matches of the first of the latter ask for REVIEW."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was approved or rejected."""

    count: int
    remaining: int
    """How many of the batch still wait; 0 where single entries were named."""
    revision: int


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to add: its hash and its provenance; the store gives it the rest."""

    hash: Hash
    provenance: Provenance = Provenance()
    shown: TimeRange | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewMedia:
    """An entry to add from an image's bytes, which the service hashes and does not keep."""

    media: bytes
    provenance: Provenance = Provenance()
    kind: str = PDQ
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class BankPut:
    """A bank was made, or its policy changed; `bank` is its new state."""

    bank: Bank


@dataclass(frozen=True, slots=True)
class BankDeleted:
    """A bank is gone, with all entries it had; a later `BankPut` of that name is another, empty bank."""

    name: str


@dataclass(frozen=True, slots=True)
class EntryAdded:
    """An entry can match from now on, as it is here; where it could before, it is changed."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class EntryRemoved:
    """An entry cannot match any more."""

    id: int
    bank: str


Change: TypeAlias = BankPut | BankDeleted | EntryAdded | EntryRemoved
"""One step of the banks' history; the changes of all revisions, in order, are the banks."""
