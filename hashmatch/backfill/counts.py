"""How many items of a part, or of a whole job, became what; sums of these are the report."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from typing import Self

from hashmatch.backfill.item import Outcome, Status, gravest
from hashmatch.types import Decision, Verdict, VideoDecision


@dataclass(slots=True)
class Counts:
    """Items, each counted once: `found` is always `scanned` + `skipped` + all that `failed`."""

    found: int = 0
    scanned: int = 0
    skipped: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """By reason."""
    read: int = 0
    """Bytes of the items whose size is known."""
    incomplete: int = 0
    """Videos among the scanned that were not looked at to their end."""
    matched: int = 0
    """Items with a match in some bank."""
    verdicts: Counter[str] = field(default_factory=Counter)
    """Of the items that were looked up."""
    banks: Counter[str] = field(default_factory=Counter)
    """Items with a match in each bank, among the matches that are reported."""
    revisions: list[int] = field(default_factory=list)
    """The least and the greatest revision that items were looked up at; empty where none was."""

    def take(self, outcome: Outcome, decision: Decision | None) -> None:
        """Count one item."""
        self.found += 1
        self.read += outcome.size or 0
        if outcome.status is Status.SCANNED:
            self.scanned += 1
        elif outcome.status is Status.SKIPPED:
            self.skipped += 1
        else:
            self.failed[outcome.reason] += 1
        self.incomplete += any(not film.scan.complete for film in outcome.films)
        if decision is not None:
            self.decided(decision)
        if decisions := [film.decision for film in outcome.films if film.decision is not None]:
            self._filmed(decisions)

    def decided(self, decision: Decision) -> None:
        """Count what was found for one image or hash."""
        banks = {match.bank for match in decision.matches}
        self._found(decision.total_matches > 0, decision.verdict, banks, decision.revision)

    def _filmed(self, decisions: Sequence[VideoDecision]) -> None:
        banks = {image.match.bank for decision in decisions for image in decision.images}
        banks |= {video.bank for decision in decisions for video in decision.videos}
        matched = any(decision.total_images + decision.total_videos for decision in decisions)
        self._found(matched, gravest(decisions), banks, decisions[0].revision)

    def _found(self, matched: bool, verdict: Verdict, banks: Collection[str], revision: int) -> None:
        self.matched += matched
        self.verdicts[verdict.value] += 1
        self.banks.update(banks)
        self._span([revision])

    def add(self, other: Self) -> None:
        """Add the counts of other items."""
        for name in ("found", "scanned", "skipped", "read", "incomplete", "matched"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("failed", "verdicts", "banks"):
            getattr(self, name).update(getattr(other, name))
        self._span(other.revisions)

    def to_json(self) -> bytes:
        return json.dumps({each.name: getattr(self, each.name) for each in fields(self)}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Raises ValueError, TypeError."""
        values = json.loads(text)
        for name in ("failed", "verdicts", "banks"):
            values[name] = Counter(values[name])
        return cls(**values)

    def _span(self, revisions: Sequence[int]) -> None:
        if revisions:
            both = [*self.revisions, *revisions]
            self.revisions = [min(both), max(both)]
