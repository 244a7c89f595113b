"""Where the banks' history comes from."""

from typing import Protocol

from hashmatch.types import Change


class Source(Protocol):
    """What a follower and a build read: `hashmatch.store.Store`, for one."""

    def head(self) -> int:
        """Return the newest revision."""

    def changes(self, after: int) -> tuple[int, list[Change]]:
        """Return some whole revisions after that one, exclusive, and the last of them; (after, []) where none is."""

    def pending(self, after: int) -> int:
        """Return how many changes there are after that revision, exclusive; those undone since may be counted."""

    def token(self, revision: int) -> str:
        """Return what tells a revision from the one of that number in any other history; "" where there is none."""
