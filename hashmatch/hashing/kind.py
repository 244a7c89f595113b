"""What is known of a hash algorithm: the same facts for every kind."""

from collections.abc import Callable
from dataclasses import dataclass

from hashmatch.types import Frame, Hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A hash algorithm with its parameters: a `FrameKind` or a `BytesKind`."""

    name: str
    """1 to 32 of a-z, 0-9 and hyphen."""
    bits: int
    """Length of a hash in bits, a multiple of 8, at most 2,048."""
    default_threshold: int
    """The largest distance in bits that still matches, inclusive, whatever larger one a bank has.

    Banks' thresholds are in bits of pdq, for which they alone count.
    """
    has_quality: bool = False
    """Whether the algorithm gives each hash a quality of 0 to 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameKind(Kind):
    """A kind that hashes pixels."""

    hash_frame: Callable[[Frame], tuple[Hash, ...]]
    """A frame's hashes, one for each `Orientation` in its order."""
    takes_reduced: bool = False
    """Whether it takes frames that were decoded at a part of their size, and says that their hashes are approximate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesKind(Kind):
    """A kind that hashes a file's bytes, and so knows no orientations."""

    hash_bytes: Callable[[bytes], Hash]
