"""Banks, their entries, and the changes of both."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from hashmatch.types.hashes import PDQ, Hash, TimeRange


class Action(enum.StrEnum):
    """What a bank asks for when one of its entries matches; ALLOW marks known-good content."""

    BLOCK = "BLOCK"
    REVIEW = "REVIEW"
    ALLOW = "ALLOW"


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


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an entry comes from, in the words of whoever added it."""

    content_id: str = ""
    """The caller's name for the media item, shared by all the hashes of that item."""
    source: str = ""
    labels: tuple[str, ...] = ()
    note: str = ""


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


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to add: its hash and its provenance; the store gives it the rest."""

    hash: Hash
    provenance: Provenance = Provenance()
    shown: TimeRange | None = None


@dataclass(frozen=True, slots=True)
class NewMedia:
    """An entry to add from an image's bytes, which the service hashes and does not keep."""

    media: bytes
    provenance: Provenance = Provenance()
    kind: str = PDQ


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
    """An entry is new."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class EntryRemoved:
    """An entry is gone."""

    id: int
    bank: str


Change: TypeAlias = BankPut | BankDeleted | EntryAdded | EntryRemoved
"""One step of the banks' history; the changes of all revisions, in order, are the banks."""
