"""The banks by number, and their policies as columns that a search can index."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from types import MappingProxyType
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import NotFound
from hashmatch.types import Bank
from hashmatch.types.moments import microseconds

UNREACHABLE: Final = -1
"""A threshold that no distance is within."""
LOTS: Final = 2**16
"""An entry's lot is below that: a bank's share of its entries are those of the lowest lots."""


class Reach(NamedTuple):
    """How far a search for hashes of one kind goes in each bank at one moment; arrays of shape (slots,)."""

    thresholds: NDArray[np.int16]
    """Bits, inclusive; UNREACHABLE where nothing is to be found."""
    minimums: NDArray[np.int16]
    """The lowest quality that is compared."""
    lots: NDArray[np.int32]
    """Entries whose lot is not below that are not found."""
    opens: NDArray[np.int64]
    """Nothing is found before that moment."""
    radius: int
    """The largest of the thresholds."""
    lowest_quality: int
    """The lowest quality that is compared with anything; above all qualities where nothing can be reached."""
    every_quality: int
    """The lowest quality that is compared with everything that can be reached."""
    all_open: int
    """The moment from which on no bank is to open any more."""
    now: int = 0

    @classmethod
    def of(
        cls,
        thresholds: NDArray[np.int16],
        minimums: NDArray[np.int16],
        lots: NDArray[np.int32],
        opens: NDArray[np.int64],
    ) -> "Reach":
        """Take the columns, at no moment."""
        reached = minimums[thresholds > UNREACHABLE]
        return cls(
            thresholds=thresholds,
            minimums=minimums,
            lots=lots,
            opens=opens,
            radius=int(thresholds.max(initial=UNREACHABLE)),
            lowest_quality=int(reached.min(initial=np.iinfo(np.int16).max)),
            every_quality=int(reached.max(initial=0)),
            all_open=int(opens.max(initial=0)),
        )

    def where(self, chosen: NDArray[np.bool_]) -> "Reach":
        """The same in the banks where a mask, (slots,), is True."""
        return self.of(np.where(chosen, self.thresholds, UNREACHABLE), self.minimums, self.lots, self.opens)

    def at(self, now: int) -> "Reach":
        """The same at a moment, for which it has none."""
        reach = self if now >= self.all_open else self.where(self.opens <= now)
        return reach._replace(now=now)

    def too_low(self, quality: int) -> NDArray[np.bool_]:
        """Return (slots,): the banks that could be reached, were the query's quality not below their minimum."""
        return (self.thresholds > UNREACHABLE) & (self.minimums > quality)


@dataclass(frozen=True)
class Roster:
    """An immutable numbering of the banks; the slot of a deleted bank goes to the next new one."""

    by_slot: Mapping[int, Bank] = field(default_factory=dict)

    @cached_property
    def slots(self) -> Mapping[str, int]:
        """The slot of each bank, by name."""
        return {bank.name: slot for slot, bank in self.by_slot.items()}

    @cached_property
    def banks(self) -> Mapping[str, Bank]:
        """Every bank by name."""
        return MappingProxyType({bank.name: bank for bank in self.by_slot.values()})

    def names(self, mask: NDArray[np.bool_]) -> tuple[str, ...]:
        """Return the names of the banks of the slots where the mask, (slots,), is True, in their order."""
        return tuple(sorted(self.by_slot[slot].name for slot in np.flatnonzero(mask).tolist()))

    def put(self, bank: Bank) -> Self:
        """Add a bank, or replace the one of that name."""
        slot = self.slots.get(bank.name)
        if slot is None:
            slot = next(free for free in count() if free not in self.by_slot)
        return type(self)({**self.by_slot, slot: bank})

    def delete(self, name: str) -> Self:
        """Free the slot of a bank, if there is one of that name; the caller removes its entries."""
        return type(self)({slot: bank for slot, bank in self.by_slot.items() if bank.name != name})

    @cached_property
    def _reaches(self) -> dict[tuple[str, int | None], Reach]:
        """How far a search goes in all banks, by kind and the kind's ceiling; filled as they are asked for."""
        return {}

    def check(self, names: Collection[str]) -> None:
        """Raise NotFound for the first name that no bank has."""
        for name in names:
            if name not in self.slots:
                raise NotFound(f"there is no bank named {name!r}", bank=name)

    def reach(self, names: Collection[str], kind: str, ceiling: int | None, now: int) -> Reach:
        """Return how far a search for a kind goes in these banks, in all where empty, at a moment.

        `ceiling` is the kind's own largest distance, None for none. A disabled bank is never reached. Raises NotFound
        for a name that no bank has.
        """
        reach = self._reaches.get((kind, ceiling))
        if reach is None:
            reach = self._reaches[kind, ceiling] = self._reach(kind, ceiling)
        if names:
            self.check(names)
            chosen = np.isin(np.arange(len(reach.thresholds)), [self.slots[name] for name in names])
            reach = reach.where(chosen)
        return reach.at(now)

    def _reach(self, kind: str, ceiling: int | None) -> Reach:
        size = max(self.by_slot, default=-1) + 1
        thresholds = np.full(size, UNREACHABLE, dtype=np.int16)
        minimums = np.zeros(size, dtype=np.int16)
        lots = np.zeros(size, dtype=np.int32)
        opens = np.zeros(size, dtype=np.int64)
        for slot, bank in self.by_slot.items():
            thresholds[slot] = bank.threshold_of(kind, ceiling) if bank.enabled else UNREACHABLE
            minimums[slot] = bank.minimum_quality_of(kind)
            lots[slot] = round(bank.matching_enabled_ratio * LOTS)
            opens[slot] = 0 if bank.disabled_until is None else microseconds(bank.disabled_until)
        return Reach.of(thresholds, minimums, lots, opens)
