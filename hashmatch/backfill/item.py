"""One thing to scan, and what became of it."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from hashmatch.types import HashedFrame, HashedImage, Scan, Verdict, VideoDecision

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
class Film:
    """What was found of a video by one kind."""

    kind: str
    scan: Scan
    frames: tuple[tuple[HashedFrame, bytes], ...]
    """By their times, near-identical ones in a row as one, each with the least of its 8 orientations' hashes."""
    decision: VideoDecision | None
    """None where nothing was looked up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item: its hashes, or the reason why it has none."""

    item: Item
    size: int | None
    image: HashedImage | None = None
    films: tuple[Film, ...] = ()
    """One for each kind that hashes pixels, where it is a video."""
    reason: str = ""
    """As the errors of `hashmatch.errors` name it; empty where it was scanned."""
    error: str = ""
    """The reason in words."""

    @property
    def status(self) -> Status:
        if self.image is not None or self.films:
            return Status.SCANNED
        return Status.SKIPPED if self.reason == EXCLUDED else Status.FAILED


def gravest(decisions: Sequence[VideoDecision]) -> Verdict:
    """The verdict on a video by all its kinds."""
    said = {decision.verdict for decision in decisions}
    return next((verdict for verdict in (Verdict.BLOCK, Verdict.REVIEW) if verdict in said), Verdict.ALLOW)
