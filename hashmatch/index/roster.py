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

UNREACHABLE: Final = -1
"""A threshold that no distance is within."""


class Reach(NamedTuple):
    """How far a search goes in each bank; arrays of shape (slots,)."""

    thresholds: NDArray[np.int16]
    """Bits, inclusive; UNREACHABLE where nothing is to be found."""
    minimums: NDArray[np.int16]
    """The lowest quality that is compared."""

    @property
    def lowest_quality(self) -> int:
        """The lowest quality that is compared with anything; above all qualities where nothing can be reached."""
        return int(self.minimums[self.thresholds > UNREACHABLE].min(initial=np.iinfo(np.int16).max))

    def within(self, ceiling: int) -> "Reach":
        """Go no further than that many bits, inclusive, in any bank."""
        return self._replace(thresholds=np.minimum(self.thresholds, ceiling))

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
    def _reach(self) -> Reach:
        size = max(self.by_slot, default=-1) + 1
        reach = Reach(np.full(size, UNREACHABLE, dtype=np.int16), np.zeros(size, dtype=np.int16))
        for slot, bank in self.by_slot.items():
            reach.thresholds[slot] = bank.threshold if bank.enabled else UNREACHABLE
            reach.minimums[slot] = bank.minimum_quality
        return reach

    def reach(self, names: Collection[str]) -> Reach:
        """Return how far a search in these banks goes, in all where empty; a disabled bank is never reached.

        Raises NotFound for a name that no bank has.
        """
        if not names:
            return self._reach
        for name in names:
            if name not in self.slots:
                raise NotFound(f"there is no bank named {name!r}", bank=name)
        chosen = np.isin(np.arange(len(self._reach.thresholds)), [self.slots[name] for name in names])
        return Reach(np.where(chosen, self._reach.thresholds, UNREACHABLE), self._reach.minimums)
