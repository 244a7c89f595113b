"""What was done to the banks, and the proofs of it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the audit log: one write, as one leaf of the log's tree."""

    number: int
    """Its place in the log, from 0."""
    text: str
    """Canonical JSON; as UTF-8, what the leaf's hash is of."""
    revision: int
    time: datetime
    """Time zone aware, UTC."""
    who: str
    """As in `Author.name`."""
    what: str
    """The verb, for example add_entries."""
    why: str
    banks: tuple[str, ...]
    """The names of the banks that it was done to."""
    last_entry: int
    """The highest number that an entry has had."""

    @classmethod
    def parse(cls, number: int, text: str) -> Self:
        """Read a record; raises ValueError, KeyError or TypeError for what is none."""
        held = json.loads(text)
        time = _EPOCH + timedelta(microseconds=held["time"])
        return cls(
            number,
            text,
            held["revision"],
            time,
            held["who"],
            held["what"],
            held["why"],
            tuple(held["banks"]),
            held["last_entry"],
        )

    @property
    def changes(self) -> list[dict[str, Any]]:
        """What was done to which rows of which tables.

        Each has `table` and `do` (insert, update or delete); then the rows `before` and `after`, or where they are
        more than 100 their numbers (`runs`, inclusive) or `keys`, and the `root` of the tree of their hashes after.
        """
        changes: list[dict[str, Any]] = json.loads(self.text)["changes"]
        return changes


@dataclass(frozen=True, slots=True)
class Proof:
    """A path of hashes that proves something of the log when it had `size` records."""

    size: int
    path: tuple[bytes, ...]
    """Of 32 bytes each."""


@dataclass(frozen=True, slots=True)
class EntryProof:
    """That a record is of an entry's addition."""

    record: Record
    row: str
    """The entry as it was added, in canonical JSON; empty where it was changed or removed since and only its hash is
    known."""
    row_hash: bytes
    """32 bytes; the leaf's hash of `row`."""
    index: int
    """Its place among the rows that the record's change is of, from 0."""
    count: int
    """How many rows the change is of; 0 where the record holds the row itself, and no path is needed."""
    path: tuple[bytes, ...]
    """From the row to the change's root; of 32 bytes each."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a comparison of a database with its log found."""

    size: int
    """How many records the log has."""
    checkpoint: str
    """The log as it is, as the text of a checkpoint; empty where the log is."""
    rows: int
    """How many rows were compared."""
    problems: tuple[str, ...]
    """What is not as the log says, in words; at most 100 of them. Empty where all is well."""
    problem_count: int
