"""What an import is told to do."""

from dataclasses import dataclass

from hashmatch.lists import Format, Unsaid


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
