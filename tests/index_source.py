"""A history in memory, for what follows one."""

import secrets

from hashmatch.types import Change


class Log:
    """A source in memory, one revision a call of `add`; it fails while `failure` is set."""

    def __init__(self) -> None:
        self.revisions: list[list[Change]] = []
        self.tokens: dict[int, str] = {}
        self.failure: Exception | None = None
        self.asked = 0
        self.unlogged = 0
        """Revisions at the end that changed nothing."""

    def add(self, *changes: Change) -> int:
        self.revisions.append(list(changes))
        return len(self.revisions)

    def head(self) -> int:
        return len(self.revisions) + self.unlogged

    def pending(self, after: int) -> int:
        return sum(map(len, self.revisions[after:]))

    def token(self, revision: int) -> str:
        return self.tokens.setdefault(revision, secrets.token_hex(4)) if revision <= len(self.revisions) else ""

    def changes(self, after: int) -> tuple[int, list[Change]]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        reached = min(after + 2, len(self.revisions))
        return reached, [change for revision in self.revisions[after:reached] for change in revision]
