"""Exchanges: hash lists that others keep, and that banks follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hashmatch.types.banks import NewEntry


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where a bank's entries are fetched from; it holds no secret."""

    name: str
    """1 to 63 of a-z, 0-9 and hyphen."""
    api: str
    """By which interface it is fetched, for example `ncmec`."""
    bank: str
    options: Mapping[str, str] = field(default_factory=dict)
    """What the interface needs to know."""
    credentials: str = ""
    """The file that holds the secret; empty where the environment does, or none is needed."""

    @property
    def source(self) -> str:
        """The source that its entries carry."""
        return f"exchange:{self.name}"


@dataclass(frozen=True, slots=True)
class ExchangeStatus:
    """An exchange, and how far fetching has come; all times are time zone aware, UTC."""

    exchange: Exchange
    created: datetime
    checkpoint: Mapping[str, Any] | None = None
    """Where the next fetch goes on, in the interface's terms; None where it begins at the beginning."""
    began: datetime | None = None
    """When the last fetch began."""
    fetched: datetime | None = None
    """When a fetch last came to its end."""
    error: str = ""
    """Why the last fetch did not, in words; empty where it did, or was broken off."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some news of an exchange."""

    records: Mapping[str, tuple[NewEntry, ...]]
    """By the exchange's own names for them, which are content ids here: what each holds from now on, empty where it
    was withdrawn."""
    checkpoint: Mapping[str, Any] | None = None
    """Where to go on after this page; None where that cannot be said, and the next fetch begins at the beginning."""
    bad: tuple[str, ...] = ()
    """What could not be taken over, in words."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a part of a page changed."""

    added: int = 0
    removed: int = 0
    unchanged: int = 0

    def __add__(self, other: "Applied") -> "Applied":
        return Applied(self.added + other.added, self.removed + other.removed, self.unchanged + other.unchanged)
