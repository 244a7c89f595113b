"""Exact lookup of hashes in memory, in snapshots that readers never lock."""

from hashmatch.index.found import Found, FoundFrames, Hit, KnownVideo
from hashmatch.index.sieve import Sieve
from hashmatch.index.sightings import Sighting, VideoKey
from hashmatch.index.snapshot import Snapshot, Space

__all__ = ["Found", "FoundFrames", "Hit", "KnownVideo", "Sieve", "Sighting", "Snapshot", "Space", "VideoKey"]
