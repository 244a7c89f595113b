"""What an import is told to do."""

import enum
from dataclasses import dataclass


class Format(enum.StrEnum):
    """What a file of hashes can look like."""

    CSV = "csv"
    LIST = "list"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What holds for rows that do not say it themselves."""

    kind: str
    source: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What to import, into which bank, and how."""

    server: str
    bank: str
    name: str
    """Of the file; `-` for standard input."""
    form: Format | None
    """None where the file's first line is to tell."""
    unsaid: Unsaid
    strict: bool
    """Stop at the first row that cannot be added, and write nothing of its batch."""
    anew: bool
    """Begin at the file's beginning, wherever an earlier import ended."""
    patience: float
    """Seconds to wait for a server that has gone."""
    reason: str
    """Why, for the audit log."""
