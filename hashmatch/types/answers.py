"""Queries and what is answered to them."""

import enum
from dataclasses import dataclass
from typing import Self

from hashmatch.types.banks import Action, Provenance
from hashmatch.types.hashes import Hash, Orientation, TimeRange, View


class Verdict(enum.StrEnum):
    """What policy says of all the matches of one query."""

    ALLOW = "ALLOW"
    REVIEW = "REVIEW"
    BLOCK = "BLOCK"


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """How to look a query up; the defaults suit an upload pipeline."""

    banks: tuple[str, ...] = ()
    """Names of the banks to look into; every enabled bank where empty."""
    all_orientations: bool = True
    """Look for the 8 rotations and mirrors of a query, not only for its stored orientation."""
    min_revision: int = 0
    """Answer at this revision or a later one."""
    max_matches: int = 100
    """How many matches to return, 1 to 1,000; the verdict takes all into account."""
    all_views: bool = True
    """Where an image has a border or letterbox bars, look also for what is within them."""
    kinds: tuple[str, ...] = ()
    """Kinds of hashes to look an image up by; pdq where empty."""
    approximate: bool = False
    """Large JPEGs may be decoded at a part of their size, for speed; the hashes then say that they are approximate."""


@dataclass(frozen=True, slots=True)
class Match:
    """An entry near enough to a query hash, with all that is needed to explain it."""

    bank: str
    action: Action
    """The bank's; REVIEW where the entry is past its `review_from`."""
    entry_id: int
    entry_hash: Hash
    query_hash: Hash
    """The hash that matched: the query's in the view and orientation named below."""
    distance: int
    threshold: int
    """The largest distance that would have matched, inclusive: the bank's, or the kind's where that is smaller."""
    orientation: Orientation
    provenance: Provenance
    view: View = View.WHOLE
    entry_shown: TimeRange | None = None
    """Of the frame of a known video: when that video shows it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one query: its hash, its matches nearest first, the verdict, and at which revision."""

    hash: Hash
    """In its original orientation; of the first kind, where there are several."""
    verdict: Verdict
    matches: tuple[Match, ...]
    total_matches: int
    """How many entries matched; `matches` holds the nearest of them."""
    banks_not_compared: tuple[str, ...]
    """Enabled banks whose minimum quality the query does not reach, as a whole, with one of its hashes at least."""
    revision: int


@dataclass(frozen=True, slots=True)
class ImageDecision(Decision):
    """The answer to one image."""

    media_type: str
    """What the bytes were found to be, for example `image/jpeg`."""
    width: int
    height: int

    @classmethod
    def of(cls, decision: Decision, media_type: str, width: int, height: int) -> Self:
        """The decision on an image's hashes, with what the image was found to be."""
        return cls(
            hash=decision.hash,
            verdict=decision.verdict,
            matches=decision.matches,
            total_matches=decision.total_matches,
            banks_not_compared=decision.banks_not_compared,
            revision=decision.revision,
            media_type=media_type,
            width=width,
            height=height,
        )
