"""Exact lookup of hashes in memory, in snapshots that readers never lock."""

from hashmatch.index.found import Found, Hit
from hashmatch.index.snapshot import Snapshot

__all__ = ["Found", "Hit", "Snapshot"]
