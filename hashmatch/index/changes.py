"""What a sequence of changes amounts to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import structlog

from hashmatch.index.columns import Columns
from hashmatch.index.grouping import Run
from hashmatch.index.roster import Roster
from hashmatch.index.space import Space
from hashmatch.types import BankDeleted, BankPut, Change, Entry, EntryAdded, EntryRemoved

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """The difference that changes make: first the removals, then the additions."""

    roster: Roster
    """The banks afterwards."""
    added: dict[int, Entry] = field(default_factory=dict)
    """By id, the entries that are there at the end."""
    removed: set[int] = field(default_factory=set)
    """Ids of entries that are to go, where they were there before."""
    freed: set[int] = field(default_factory=set)
    """Slots of which all entries that were there before are to go."""

    @classmethod
    def of(cls, roster: Roster, changes: Iterable[Change]) -> Self:
        """Go through the changes in their order; `roster` is the banks before them."""
        outcome = cls(roster)
        for change in changes:
            outcome._take(change)
        return outcome

    def _take(self, change: Change) -> None:
        match change:
            case EntryAdded(entry):
                self.added[entry.id] = entry
            case EntryRemoved(id=entry_id):
                self.added.pop(entry_id, None)
                self.removed.add(entry_id)
            case BankPut(bank):
                self.roster = self.roster.put(bank)
            case BankDeleted(name):
                self.added = {key: entry for key, entry in self.added.items() if entry.bank != name}
                self.freed |= {self.roster.slots[name]} if name in self.roster.slots else set()
                self.roster = self.roster.delete(name)

    def runs(self) -> Iterator[tuple[Space, Run]]:
        """Yield what was added by space; entries whose hash is empty are left out and logged.

        Raises KeyError for an entry whose bank does not exist.
        """
        added: dict[Space, list[Entry]] = {}
        for entry in self.added.values():
            added.setdefault(Space.of(entry.hash), []).append(entry)
        for space, entries in added.items():
            if not space.width:
                _log.warning("entries not searchable", kind=space.kind, entries=[entry.id for entry in entries])
                continue
            codes = np.frombuffer(b"".join(entry.hash.bits for entry in entries), dtype=np.uint8)
            yield space, Run(codes.reshape(-1, space.width), Columns.of(entries, self.roster.slots))
