"""What a scan looks up in, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hashmatch import hashing, matching
from hashmatch.backfill.item import Outcome
from hashmatch.index import Snapshot
from hashmatch.types import Decision, MatchOptions
from hashmatch.videos import Tracker, VideoQuery


@dataclass(frozen=True, slots=True)
class Banks:
    """What items are looked up in, and how."""

    snapshot: Snapshot
    options: MatchOptions = field(default_factory=MatchOptions)

    def decide(self, outcomes: Sequence[Outcome]) -> list[Decision | None]:
        """One for each; None where it is no image that has hashes."""
        images = [outcome.image for outcome in outcomes if outcome.image is not None]
        found = iter(matching.match_images(self.snapshot, images, self.options, hashing.ceilings()))
        return [None if outcome.image is None else next(found) for outcome in outcomes]

    def query(self) -> VideoQuery:
        """Begin to look up a video."""
        return VideoQuery(Tracker(self.snapshot, self.options, hashing.ceilings()))
