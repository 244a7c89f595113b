"""What files of hashes look like, and what holds where their rows are silent."""

import enum
from dataclasses import dataclass
from typing import Final

COLUMNS: Final = (
    "hash",
    "quality",
    "kind",
    "content_id",
    "source",
    "labels",
    "note",
    "shown_from",
    "shown_until",
    "programme",
    "reported",
    "expires",
)
"""What a CSV file's header may name and a JSON object may hold, in any order; only `hash` must be there.

`hash` is in hexadecimal digits. `shown_from` and `shown_until` are of a video's frame: microseconds since the
video's beginning, both inclusive; `content_id` then names the video. `reported` and `expires` are moments in
ISO 8601, UTC unless they say otherwise. Others are ignored.
"""


class Format(enum.StrEnum):
    """What a file of hashes can look like."""

    CSV = "csv"
    """UTF-8; with a header, or the hash, its quality and a content id, as the reference's PDQ tools write them."""
    JSONL = "jsonl"
    """A JSON object a line."""
    LIST = "list"
    """A hash a line."""
    VPDQ = "vpdq"
    """One video, as the reference's vPDQ tools write it: frame number, quality, hash and seconds."""
    BINARY = "binary"
    """The bare bytes of hashes of one kind."""

    @property
    def says_kind(self) -> bool:
        """Whether its rows can say of which kind they are."""
        return self in {Format.CSV, Format.JSONL}


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What holds for rows that do not say it themselves."""

    kind: str
    source: str = ""
    labels: tuple[str, ...] = ()
    content_id: str = ""
