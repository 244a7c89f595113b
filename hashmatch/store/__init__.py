"""Banks, their entries and the history of both, in a database."""

from hashmatch.store.store import Store

__all__ = ["Store"]
