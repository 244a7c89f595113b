"""The answer to a search."""

from dataclasses import dataclass

from hashmatch.index.sightings import Sighting
from hashmatch.types import Action, Bank, Entry, Provenance


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry near enough to a group of query hashes."""

    bank: Bank
    action: Action
    """The bank's; REVIEW where the entry is past its `review_from`."""
    entry: Entry
    distance: int
    """Bits, from the nearest hash of the group."""
    query: int
    """That hash's position in the group, the lowest where several are as near."""
    threshold: int
    """The largest distance that would have matched, inclusive."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that matched one group of query hashes."""

    hits: list[Hit]
    """The nearest entries, nearest first, ties by entry id; at most as many as were asked for."""
    total: int
    """How many entries matched."""
    actions: frozenset[Action]
    """Of all entries that matched, as of hits."""
    banks_not_compared: tuple[str, ...]
    """The enabled and selected banks whose minimum quality the query does not reach, by name, in that order."""


@dataclass(frozen=True, slots=True)
class FoundFrames:
    """All that matched one frame of a video."""

    stills: Found
    sightings: list[Sighting]
    """The frames of known videos, by video."""


@dataclass(frozen=True, slots=True)
class KnownVideo:
    """What is known of a video of which a frame was sighted."""

    bank: Bank
    provenance: Provenance
    """Of one of its frames."""
    frames: int
    """How many it has that reach the bank's minimum quality."""
