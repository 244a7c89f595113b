"""The other way round: a few known hashes are the index, and millions of others stream through it."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.flat import Flat
from hashmatch.index.mih import WIDTHS, Mih
from hashmatch.index.roster import UNREACHABLE
from hashmatch.index.snapshot import NO_CEILINGS, Snapshot
from hashmatch.index.space import Space
from hashmatch.types import moments

_PAIRS = 2**21
"""About how many pairs of hashes are found before they are looked at, some 40 MB."""


class Sieve:
    """Tells which hashes of a stream are near enough to any entry of a snapshot to be worth a search.

    Banks' own thresholds and qualities are left to that search: the sieve lets through all that it could find, and
    little more. Safe to use from several threads at once; the GIL is released while it searches.
    """

    def __init__(
        self, snapshot: Snapshot, banks: Collection[str] = (), ceilings: Mapping[str, int] = NO_CEILINGS
    ) -> None:
        """`banks` and `ceilings` are as for `Snapshot.search`; raises NotFound."""
        snapshot.roster.check(banks)
        now = moments.now()
        self._searchers: dict[Space, tuple[Flat | Mih, int]] = {}
        for space, levels in snapshot.levels.items():
            reach = snapshot.roster.reach(banks, space.kind, ceilings.get(space.kind), now)
            if levels.size and reach.radius > UNREACHABLE:
                codes = np.concatenate([segment.searcher.codes for segment in levels.segments])
                self._searchers[space] = (Mih.build(codes) if space.width in WIDTHS else Flat(codes), reach.radius)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of which anything can pass."""
        return frozenset(space.kind for space in self._searchers)

    def passing(self, kind: str, codes: NDArray[np.uint8]) -> NDArray[np.intp]:
        """The positions, ascending, of those that pass of hashes of one kind: uint8 (n, bytes of a hash)."""
        passed = [np.empty(0, dtype=np.intp)]
        found = self._searchers.get(Space(kind, codes.shape[1]))
        if found is not None:
            searcher, radius = found
            done = 0
            while done < len(codes):
                limits, _, _ = searcher.range_search(codes[done:], radius, _PAIRS)
                passed.append(done + np.flatnonzero(np.diff(limits)))
                done += len(limits) - 1
        return np.concatenate(passed)
