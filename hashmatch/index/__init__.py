"""Exact lookup of hashes in memory, in snapshots that readers never lock."""

from hashmatch.index.found import Found, FoundFrames, Hit, KnownVideo
from hashmatch.index.sightings import Sighting, VideoKey
from hashmatch.index.snapshot import Snapshot, Space

__all__ = ["Found", "FoundFrames", "Hit", "KnownVideo", "Sighting", "Snapshot", "Space", "VideoKey"]
