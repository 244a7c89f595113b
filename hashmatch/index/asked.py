"""The hashes that are looked up, as columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.types import Hash

UNKNOWN_QUALITY: Final = 255
"""Stands for no quality: not below any minimum."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """The hashes of groups, one group after another; none of the groups is empty."""

    codes: NDArray[np.uint8]
    """(hashes, bytes of a code)."""
    qualities: NDArray[np.uint8]
    """(hashes,): 0 to 100, or UNKNOWN_QUALITY."""
    firsts: Ints
    """(groups,): where each group begins."""

    @classmethod
    def of(cls, groups: Sequence[Sequence[Hash]], width: int) -> Self:
        """Take groups of hashes that all have `width` bytes."""
        hashes = [item for group in groups for item in group]
        qualities = [UNKNOWN_QUALITY if item.quality is None else item.quality for item in hashes]
        codes = np.frombuffer(b"".join([item.bits for item in hashes]), dtype=np.uint8)
        ends = np.cumsum([len(group) for group in groups])
        return cls(codes.reshape(-1, width), np.array(qualities, dtype=np.uint8), np.append(0, ends[:-1]))

    @property
    def own_qualities(self) -> list[int]:
        """By group, the quality that it goes by: its first hash's."""
        own: list[int] = self.qualities[self.firsts].tolist()
        return own

    def good(self, lowest: int, most: int) -> "Iterator[Queries]":
        """Yield the hashes whose quality is `lowest` or better: whole groups, `most` hashes at once or one group."""
        kept = np.flatnonzero(self.qualities >= lowest)
        groups = np.searchsorted(self.firsts, kept, side="right") - 1
        lengths = np.bincount(groups, minlength=len(self.firsts))
        ends = np.cumsum(lengths).tolist()
        for groups_at_once in cut(lengths.tolist(), most) if len(kept) else ():
            chosen = slice(ends[groups_at_once.start - 1] if groups_at_once.start else 0, ends[groups_at_once.stop - 1])
            yield Queries.of(self, kept[chosen], groups[chosen])


class Queries(NamedTuple):
    """Hashes of some groups that are good enough to be compared.

    Those of one group that are of one quality are a part: whichever is nearest to an entry decides for all of them.
    """

    codes: NDArray[np.uint8]
    """(queries, bytes of a code)."""
    places: Ints
    """(queries,): the position in the group."""
    parts: Ints
    """(queries,)."""
    groups: Ints
    """(parts,): ascending."""
    qualities: Ints
    """(parts,)."""

    @classmethod
    def of(cls, asked: Asked, hashes: NDArray[np.integer[Any]], groups: Ints) -> "Queries":
        """Take some hashes, ascending, and the groups they are of."""
        keys, parts = np.unique(groups << 8 | asked.qualities[hashes], return_inverse=True)
        return cls(asked.codes[hashes], hashes - asked.firsts[groups], parts, keys >> 8, keys & 0xFF)


def cut(lengths: Sequence[int], most: int) -> Iterator[slice]:
    """Cut what has those lengths into runs no longer than `most`, or of one."""
    first = total = 0
    for last, length in enumerate(lengths):
        if total + length > most and last > first:
            yield slice(first, last)
            first, total = last, 0
        total += length
    yield slice(first, len(lengths))
