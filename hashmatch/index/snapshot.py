"""The banks and all their entries at one revision, searchable."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

import numpy as np

from hashmatch.errors import InvalidInput
from hashmatch.index.changes import Outcome
from hashmatch.index.columns import UNKNOWN_QUALITY
from hashmatch.index.found import Found, FoundFrames, Hit, KnownVideo
from hashmatch.index.levels import Levels, worn
from hashmatch.index.lookup import Candidate, T, Tally, search
from hashmatch.index.roster import Reach, Roster
from hashmatch.index.sightings import FrameTally, VideoKey, count_frames
from hashmatch.index.space import Space
from hashmatch.types import Bank, Change, Hash

NO_CEILINGS: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Immutable: any thread may search it at any time, without a lock, while others derive new ones from it."""

    revision: int
    roster: Roster
    levels: Mapping[Space, Levels]
    """The entries that can be searched; a space is there from its first entry on."""

    @classmethod
    def empty(cls) -> Self:
        """Return revision 0: no banks, no entries."""
        return cls(0, Roster(), {})

    @property
    def entries(self) -> Mapping[str, int]:
        """How many entries can be found, by kind; those of disabled banks are counted too."""
        sizes = Counter[str]()
        for space, levels in self.levels.items():
            sizes[space.kind] += levels.size
        return sizes

    @property
    def recent_entries(self) -> int:
        """How many entries are in no file."""
        return sum(levels.recent_size for levels in self.levels.values())

    def build_due(self, most: int, share: float) -> bool:
        """Whether of a space more than `most` entries, and more than a share of all, are in no file, or it is worn."""
        return any(
            levels.recent_size > max(most, share * levels.size) or any(map(worn, levels.base))
            for levels in self.levels.values()
        )

    @property
    def banks(self) -> Mapping[str, Bank]:
        """Every bank by name, disabled ones included."""
        return self.roster.banks

    def apply(self, changes: Sequence[Change], revision: int) -> Self:
        """Return the snapshot after these changes, at that revision; this one stays as it is.

        An entry's id is never used for another. To apply the same changes twice, or to remove what is not there,
        changes nothing. Entries whose hash is empty are left out and logged. Raises KeyError for an entry whose bank
        does not exist.
        """
        outcome = Outcome.of(self.roster, changes)
        gone = outcome.removed | outcome.added.keys()
        levels = {space: old.without(gone, outcome.freed) for space, old in self.levels.items()}
        for space, run in outcome.runs():
            levels[space] = levels.get(space, Levels()).plus(run)
        return type(self)(revision, outcome.roster, levels)

    def search(
        self,
        groups: Sequence[Sequence[Hash]],
        banks: Collection[str] = (),
        limit: int = 100,
        ceilings: Mapping[str, int] = NO_CEILINGS,
    ) -> list[Found]:
        """Find every entry within its bank's threshold of each group, exactly.

        A group is the hashes of one item in its views and orientations: one or more, all of one kind, each compared
        only where its own quality allows. The first stands for the item: `banks_not_compared` goes by its quality.
        An entry that matches several of them counts once, at its smallest distance. `banks` names where to look,
        every enabled bank where it is empty; a disabled bank is never looked into, not even by name. At most `limit`
        hits, 1 or more, are returned for each group; totals and actions take all matches into account. `ceilings`
        names kinds whose hashes match at no larger distance, inclusive, than there, whatever a bank's threshold is.

        Raises NotFound for a name that no bank has, and InvalidInput for a group that is empty or mixed, or whose
        hashes are empty.
        """
        reach = self.roster.reach(banks)
        by_space: dict[Space, list[int]] = {}
        for position, group in enumerate(groups):
            by_space.setdefault(_space(group), []).append(position)
        found: dict[int, Found] = {}
        for space, positions in by_space.items():
            within = reach.within(ceilings[space.kind]) if space.kind in ceilings else reach
            answers = self._search(space, [groups[position] for position in positions], within, limit, Tally)
            for position, (tally, quality) in zip(positions, answers, strict=True):
                found[position] = self._found(space, tally, quality, within, limit)
        return [found[position] for position in range(len(groups))]

    def search_frames(
        self,
        groups: Sequence[Sequence[Hash]],
        banks: Collection[str] = (),
        limit: int = 100,
        ceilings: Mapping[str, int] = NO_CEILINGS,
    ) -> list[FoundFrames]:
        """As `search`, of groups that are one kind's: hits, total and actions are of stills alone.

        All frames of known videos that match are told apart, however many there are. Raises as `search` does.
        """
        reach = self.roster.reach(banks)
        spaces = {_space(group) for group in groups}
        if not spaces:
            return []
        (space,) = spaces
        within = reach.within(ceilings[space.kind]) if space.kind in ceilings else reach
        return [
            FoundFrames(self._found(space, tally, quality, within, limit), list(tally.sightings))
            for tally, quality in self._search(space, groups, within, limit, FrameTally)
        ]

    def known_videos(self, space: Space, videos: Mapping[VideoKey, tuple[int, int]]) -> dict[VideoKey, KnownVideo]:
        """What is known of videos that were sighted, given by one of the places where they were."""
        segments = self.levels[space].segments if videos else ()
        banks = {video: self.roster.by_slot[video.slot] for video in videos}
        counts = count_frames(segments, {video: bank.minimum_quality for video, bank in banks.items()})
        known = {}
        for video, (number, row) in videos.items():
            entry = segments[number].columns.entry(row, banks[video].name, space.kind, b"")
            known[video] = KnownVideo(banks[video], entry.provenance, counts[video])
        return known

    def _search(
        self, space: Space, groups: Sequence[Sequence[Hash]], reach: Reach, limit: int, tally: type[T]
    ) -> list[tuple[T, int]]:
        """What each group found, and the quality it goes by."""
        segments = self.levels.get(space, Levels()).segments
        qualities = [np.array([_quality(item) for item in group], dtype=np.uint8) for group in groups]
        codes = [np.frombuffer(b"".join(item.bits for item in group), dtype=np.uint8) for group in groups]
        tallies = search(
            segments,
            [code.reshape(-1, space.width) for code in codes],
            qualities,
            reach,
            limit,
            tally,
        )
        return [(found, int(quality[0])) for found, quality in zip(tallies, qualities, strict=True)]

    def _found(self, space: Space, tally: Tally, quality: int, reach: Reach, limit: int) -> Found:
        return Found(
            hits=[self._hit(space, candidate, reach) for candidate in sorted(tally.nearest)[:limit]],
            total=tally.total,
            actions=frozenset(bank.action for bank in self.roster.chosen(tally.slots)),
            banks_not_compared=tuple(sorted(bank.name for bank in self.roster.chosen(reach.too_low(quality)))),
        )

    def _hit(self, space: Space, candidate: Candidate, reach: Reach) -> Hit:
        segment = self.levels[space].segments[candidate.segment]
        slot = int(segment.columns.slots[candidate.row])
        bank = self.roster.by_slot[slot]
        bits = segment.searcher.codes[candidate.code].tobytes()
        entry = segment.columns.entry(candidate.row, bank.name, space.kind, bits)
        return Hit(bank, entry, candidate.distance, candidate.query, int(reach.thresholds[slot]))


def _quality(item: Hash) -> int:
    return UNKNOWN_QUALITY if item.quality is None else item.quality


def _space(group: Sequence[Hash]) -> Space:
    spaces = {Space.of(item) for item in group}
    if len(spaces) != 1 or not all(space.width for space in spaces):
        raise InvalidInput("a group is one or more hashes of one kind and length")
    return spaces.pop()
