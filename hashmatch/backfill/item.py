"""One thing to scan, and what became of it."""

import enum
from dataclasses import dataclass

from hashmatch.types import HashedImage

EXCLUDED = "EXCLUDED"
"""The reason of an item that the caller's patterns leave out: it is skipped, not failed."""


class Status(enum.StrEnum):
    """What became of an item; every one has exactly one of them."""

    SCANNED = "SCANNED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class Item:
    """One media file of a source."""

    location: str
    """Its path or URL; a file of an archive is `tar://NAME::ARCHIVE` or `zip://NAME::ARCHIVE`, as fsspec writes it."""
    size: int | None = None
    """Bytes, where the listing says so."""
    content_id: str = ""
    """The caller's name for it, of the manifest."""
    archive: str = ""
    """The path or URL of the archive it is in; empty where it is a file of its own."""
    member: int = 0
    """Its number among the entries of the archive, from 0."""
    reason: str = ""
    """Why it is not to be read: EXCLUDED, or what was wrong already when it was listed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item: its hashes, or the reason why it has none."""

    item: Item
    size: int | None
    image: HashedImage | None = None
    reason: str = ""
    """As the errors of `hashmatch.errors` name it; empty where it was scanned."""
    error: str = ""
    """The reason in words."""

    @property
    def status(self) -> Status:
        if self.image is not None:
            return Status.SCANNED
        return Status.SKIPPED if self.reason == EXCLUDED else Status.FAILED
