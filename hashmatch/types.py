"""The words of the project as immutable values: they import nothing of ours and know no library but numpy."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final, Self, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PDQ: Final = "pdq"
PDQ_BITS: Final = 256


class Action(enum.StrEnum):
    """What a bank asks for when one of its entries matches; ALLOW marks known-good content."""

    BLOCK = "BLOCK"
    REVIEW = "REVIEW"
    ALLOW = "ALLOW"


class Verdict(enum.StrEnum):
    """What policy says of all the matches of one query."""

    ALLOW = "ALLOW"
    REVIEW = "REVIEW"
    BLOCK = "BLOCK"


class Orientation(enum.StrEnum):
    """One of the 8 rotations and mirrors: what is done to the query's pixels before it is hashed.

    Rotations are counter-clockwise. `FLIP_X` swaps top and bottom, `FLIP_Y` left and right, `FLIP_PLUS_1`
    transposes along the main diagonal and `FLIP_MINUS_1` along the other: the order and meaning of
    pdqhash's `compute_dihedral`.
    """

    ORIGINAL = "ORIGINAL"
    ROTATE_90 = "ROTATE_90"
    ROTATE_180 = "ROTATE_180"
    ROTATE_270 = "ROTATE_270"
    FLIP_X = "FLIP_X"
    FLIP_Y = "FLIP_Y"
    FLIP_PLUS_1 = "FLIP_PLUS_1"
    FLIP_MINUS_1 = "FLIP_MINUS_1"


class View(enum.StrEnum):
    """What part of the query's picture is hashed."""

    WHOLE = "WHOLE"
    """All of it."""
    WITHOUT_BORDER = "WITHOUT_BORDER"
    """What is within its uniform margins, such as a border or letterbox bars."""


@dataclass(frozen=True, slots=True)
class Hash:
    """One perceptual hash: its kind, its bits as bytes in the order its hex form prints, and its quality."""

    kind: str
    bits: bytes
    quality: int | None = None
    """0 to 100 inclusive, or None where the kind has no quality or the source did not say."""

    @property
    def hex(self) -> str:
        """The bits as lower-case hexadecimal digits, the form hash lists are exchanged in."""
        return self.bits.hex()

    @classmethod
    def from_hex(cls, kind: str, text: str, quality: int | None = None) -> Self:
        """Parse hexadecimal digits; raises ValueError where they are not whole bytes of hexadecimal."""
        return cls(kind, bytes.fromhex(text), quality)


@dataclass(frozen=True, slots=True)
class Frame:
    """Decoded pixels, in stored order (no EXIF rotation), as a viewer on a white page would show them."""

    pixels: "NDArray[np.uint8]"
    """uint8, C-contiguous: (height, width) luma, or (height, width, 3) in BGR order."""
    media_type: str
    """What the bytes were found to be, for example `image/jpeg`."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Bank:
    """A named set of entries with its own policy."""

    name: str
    """1 to 63 of a-z, 0-9 and hyphen, starting and ending with a letter or digit."""
    description: str = ""
    action: Action = Action.REVIEW
    threshold: int = 31
    """The largest distance in bits that still matches, inclusive; 0 to 64.

    It is meant for pdq; every other kind has a largest distance of its own, and the smaller of both holds.
    """
    minimum_quality: int = 50
    """Hashes below it, on either side, are not compared; 0 to 100 inclusive. An unknown quality passes."""
    enabled: bool = True


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


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to add: its hash and its provenance; the store gives it the rest."""

    hash: Hash
    provenance: Provenance = Provenance()


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


@dataclass(frozen=True, slots=True)
class Match:
    """An entry near enough to a query hash, with all that is needed to explain it."""

    bank: str
    action: Action
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


@dataclass(frozen=True, slots=True)
class HashedImage:
    """One image's hashes, and what it was found to be."""

    hashes: tuple[Hash, ...]
    """Those of each kind: one for each `Orientation` in its order, or one where the kind hashes the file's bytes."""
    media_type: str
    width: int
    height: int
    inner: tuple[Hash, ...] = ()
    """Those of what is within its border, of the kinds that hash pixels, where that was asked for and there is one."""

    @property
    def originals(self) -> tuple[Hash, ...]:
        """The first hash of each kind: of the whole image as it is stored."""
        return tuple(next(values) for _, values in groupby(self.hashes, key=lambda value: value.kind))


@dataclass(frozen=True, slots=True)
class Status:
    """What a running service says of itself."""

    revision: int
    """The newest revision its answers take into account."""
    entries: Mapping[str, int] = field(default_factory=dict)
    """Live entries by kind."""
    versions: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    """The native kernels in use: portable, avx2, avx512 or neon."""
    max_media_bytes: int = 0
    process_revisions: tuple[int, ...] = ()
    """The newest revision of each process of the server; -1 for one that does not serve."""
