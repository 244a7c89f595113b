"""The hashes that are looked up, as columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple, Self

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
    qualities: Sequence[int]
    """By hash: 0 to 100, or UNKNOWN_QUALITY."""
    lengths: Sequence[int]
    """By group, how many hashes it has."""

    @classmethod
    def of(cls, groups: Sequence[Sequence[Hash]], width: int) -> Self:
        """Take groups of hashes that all have `width` bytes."""
        hashes = [item for group in groups for item in group]
        qualities = [UNKNOWN_QUALITY if item.quality is None else item.quality for item in hashes]
        codes = np.frombuffer(b"".join([item.bits for item in hashes]), dtype=np.uint8)
        return cls(codes.reshape(-1, width), qualities, list(map(len, groups)))

    @property
    def own_qualities(self) -> list[int]:
        """By group, the quality that it goes by: its first hash's."""
        return [self.qualities[first] for first in accumulate(self.lengths[:-1], initial=0)]

    def good(self, lowest: int, most: int) -> "Iterator[Queries]":
        """Yield the hashes whose quality is `lowest` or better: whole groups, `most` hashes at once or one group."""
        qualities = np.array(self.qualities, dtype=np.uint8)
        lengths = np.array(self.lengths)
        groups = np.arange(len(lengths)).repeat(lengths)
        places = np.arange(len(groups)) - (lengths.cumsum() - lengths)[groups]
        queries = Queries(self.codes, qualities, groups, places)
        if min(self.qualities) < lowest:
            queries = queries.take(qualities >= lowest)
        if len(queries.codes) <= most:
            yield queries
            return
        for chunk in cut(np.bincount(queries.groups).tolist(), most):
            yield queries.take(slice(*np.searchsorted(queries.groups, (chunk.start, chunk.stop)).tolist()))


@dataclass(frozen=True, eq=False)
class Queries:
    """Hashes of some groups that are good enough to be compared."""

    codes: NDArray[np.uint8]
    """(queries, bytes of a code)."""
    qualities: NDArray[np.uint8]
    """(queries,)."""
    groups: Ints
    """(queries,): ascending."""
    places: Ints
    """(queries,): the position in the group."""

    @cached_property
    def parts(self) -> "Parts":
        """Those of one group that are of one quality are a part; it takes long to tell, and most find nothing."""
        keys, parts = np.unique(self.groups << 8 | self.qualities, return_inverse=True)
        return Parts(parts, keys >> 8, keys & 0xFF)

    def take(self, chosen: NDArray[np.bool_] | slice) -> "Queries":
        return Queries(self.codes[chosen], self.qualities[chosen], self.groups[chosen], self.places[chosen])


class Parts(NamedTuple):
    """Queries by group and quality: whichever of a part is nearest to an entry decides for all of it."""

    of: Ints
    """(queries,): the part of each."""
    groups: Ints
    """(parts,): ascending."""
    qualities: Ints
    """(parts,)."""


def cut(lengths: Sequence[int], most: int) -> Iterator[slice]:
    """Cut what has those lengths into runs no longer than `most`, or of one."""
    first = total = 0
    for last, length in enumerate(lengths):
        if total + length > most and last > first:
            yield slice(first, last)
            first, total = last, 0
        total += length
    yield slice(first, len(lengths))
