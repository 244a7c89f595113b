"""What a scan would take, from a sample of it."""

import random
import time
from dataclasses import dataclass
from typing import Final

from hashmatch.backfill.counts import Counts
from hashmatch.backfill.item import Item
from hashmatch.backfill.scans import DEFAULTS, UNWATCHED, ScanOptions, Watch, scanning
from hashmatch.backfill.sources import Source

SAMPLE: Final = 500
"""Items that are scanned to estimate all."""
_SEED: Final = 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """A sample's counts and time, and what they say of the whole."""

    found: int
    listing_seconds: float
    sample: Counts
    sample_seconds: float

    @property
    def items_a_second(self) -> float:
        return self.sample.found / self.sample_seconds if self.sample_seconds else 0.0

    @property
    def seconds(self) -> float:
        """Of the whole scan, its listing included."""
        rate = self.items_a_second
        return self.listing_seconds + (self.found / rate if rate else 0.0)

    @property
    def bytes(self) -> int:
        """To be read by the whole scan."""
        return round(self.sample.read / max(1, self.sample.found) * self.found)


def estimate(source: str, options: ScanOptions = DEFAULTS, watch: Watch = UNWATCHED, sample: int = SAMPLE) -> Estimate:
    """List a source, scan at most `sample` items of it, drawn evenly, and write nothing; raises as `scan` does."""
    began = time.monotonic()
    chosen, found = _drawn(source, options, watch, sample)
    listed = time.monotonic()
    counts = Counts()
    with scanning(source, options, watch.on_batch) as work:
        started = time.monotonic()
        for part in work([(0, chosen)] if chosen else []):
            counts.add(part.counts)
    return Estimate(found, listed - began, counts, time.monotonic() - started)


def _drawn(source: str, options: ScanOptions, watch: Watch, sample: int) -> tuple[list[Item], int]:
    """A sample of a listing of unknown length, in its order: Vitter's algorithm R."""
    draw = random.Random(_SEED)  # noqa: S311 - a sample that is the same each time
    chosen: list[tuple[int, Item]] = []
    found = 0
    for found, item in enumerate(Source(source, options.column, options.exclude).items(), start=1):
        if len(chosen) < sample:
            chosen.append((found, item))
        elif (place := draw.randrange(found)) < sample:
            chosen[place] = (found, item)
        if found % options.part_items == 0:
            watch.on_listed(found)
    return [item for _, item in sorted(chosen, key=lambda each: each[0])], found
