"""Exact lookup of hashes in memory, in snapshots that readers never lock, and in files that processes share."""

from hashmatch.index.build import build
from hashmatch.index.directory import Directory
from hashmatch.index.exported import export, is_exported, load_exported
from hashmatch.index.found import Found, FoundFrames, Hit, KnownVideo
from hashmatch.index.sieve import Sieve
from hashmatch.index.sightings import Sighting, VideoKey
from hashmatch.index.snapshot import Snapshot
from hashmatch.index.source import Source
from hashmatch.index.space import Space

__all__ = [
    "Directory",
    "Found",
    "FoundFrames",
    "Hit",
    "KnownVideo",
    "Sieve",
    "Sighting",
    "Snapshot",
    "Source",
    "Space",
    "VideoKey",
    "build",
    "export",
    "is_exported",
    "load_exported",
]
