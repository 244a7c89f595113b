"""Who may do what."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final


class Role(enum.StrEnum):
    """What a token is for; one may have several."""

    SCAN = "scan"
    """Hash and look up, and report what matches were found to be."""
    CURATE = "curate"
    """Read the banks, add and remove entries, report matches."""
    APPROVE = "approve"
    """Read the banks, release what another has added, report matches, and reinstate what was flagged."""
    ADMIN = "admin"
    """Make banks, change their policy, delete them."""
    AUDIT = "audit"
    """Read the banks and what was done to them."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, but for its secret, which is kept nowhere."""

    name: str
    """Who holds it: 1 to 63 of a-z, 0-9 and hyphen."""
    roles: frozenset[Role]
    tenant: str | None = None
    """The only tenant whose banks it sees, "" for those of no tenant; every tenant where None."""
    banks: tuple[str, ...] = ()
    """The only banks it sees, by their whole names; all of its tenant where empty."""
    expires: datetime | None = None
    """From then on it is refused; time zone aware."""
    revoked: datetime | None = None

    def sees(self, bank: str) -> bool:
        """Whether a bank, by its whole name, is within its scope."""
        if self.tenant is not None and bank.rpartition("/")[0] != self.tenant:
            return False
        return not self.banks or bank in self.banks


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a write, and why."""

    name: str
    """`token:` and the name of the caller's token; `local` for a caller without one, which is on this machine; `cli:`
    and the user of the operating system for a command that works on the database itself; `hashmatch` for what the
    service does by itself."""
    reason: str = ""
    """In the author's words; at most 1,024 characters."""


LOCAL: Final = Author("local")
"""Whoever is on this machine, where there has never been a token."""
SERVICE: Final = "hashmatch"
"""The author of what the service does by itself."""
