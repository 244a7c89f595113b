"""The banks and all their entries at one revision, searchable."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final, Self

import numpy as np

from hashmatch.errors import InvalidInput
from hashmatch.index.asked import Asked
from hashmatch.index.changes import Outcome
from hashmatch.index.found import Found, FoundFrames, Hit, KnownVideo
from hashmatch.index.levels import Levels, worn
from hashmatch.index.lookup import search
from hashmatch.index.roster import Reach, Roster
from hashmatch.index.segment import Segment
from hashmatch.index.sightings import FrameTally, VideoKey, count_frames
from hashmatch.index.space import Space
from hashmatch.index.tally import Nearest, Tally
from hashmatch.types import Action, Bank, Change, Hash, moments

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
        now: int | None = None,
    ) -> list[Found]:
        """Find every entry within its bank's threshold of each group, exactly.

        A group is the hashes of one item in its views and orientations: one or more, all of one kind, each compared
        only where its own quality allows. The first stands for the item: `banks_not_compared` goes by its quality.
        An entry that matches several of them counts once, at its smallest distance. `banks` names where to look,
        every enabled bank where it is empty; a disabled bank is never looked into, not even by name. At most `limit`
        hits, 1 or more, are returned for each group; totals and actions take all matches into account. `ceilings`
        names kinds whose hashes match at no larger distance, inclusive, than there, whatever a bank's threshold is, but
        for a bank that has one of its own for the kind. `now` is the moment by which entries expire, banks open and
        trust ends, in microseconds since 1970 UTC; this moment where None.

        Raises NotFound for a name that no bank has, and InvalidInput for a group that is empty or mixed, or whose
        hashes are empty.
        """
        self.roster.check(banks)
        now = moments.now() if now is None else now
        by_space: dict[Space, list[int]] = {}
        for position, group in enumerate(groups):
            by_space.setdefault(_space(group), []).append(position)
        answers: dict[int, Found] = {}
        for space, positions in by_space.items():
            reach = self.roster.reach(banks, space.kind, ceilings.get(space.kind), now)
            asked = Asked.of([groups[position] for position in positions], space.width)
            tally = Tally(len(positions), len(reach.thresholds), limit)
            self._search(space, asked, reach, tally)
            answers.update(zip(positions, self._found(space, asked, tally, reach), strict=True))
        return [answers[position] for position in range(len(groups))]

    def search_frames(
        self,
        groups: Sequence[Sequence[Hash]],
        banks: Collection[str] = (),
        limit: int = 100,
        ceilings: Mapping[str, int] = NO_CEILINGS,
        now: int | None = None,
    ) -> list[FoundFrames]:
        """As `search`, of groups that are one kind's: hits, total and actions are of stills alone.

        All frames of known videos that match are told apart, however many there are. Raises as `search` does.
        """
        self.roster.check(banks)
        spaces = {_space(group) for group in groups}
        if not spaces:
            return []
        (space,) = spaces
        reach = self.roster.reach(banks, space.kind, ceilings.get(space.kind), moments.now() if now is None else now)
        asked = Asked.of(groups, space.width)
        tally = FrameTally(len(groups), len(reach.thresholds), limit)
        self._search(space, asked, reach, tally)
        return list(map(FoundFrames, self._found(space, asked, tally, reach), tally.sightings()))

    def known_videos(
        self, space: Space, videos: Mapping[VideoKey, tuple[int, int]], now: int
    ) -> dict[VideoKey, KnownVideo]:
        """What is known at a moment of videos that were sighted, given by one of the places where they were."""
        segments = self.levels[space].segments if videos else ()
        banks = {video: self.roster.by_slot[video.slot] for video in videos}
        lowest = {video: bank.minimum_quality_of(space.kind) for video, bank in banks.items()}
        counts = count_frames(segments, lowest, now)
        known = {}
        for video, (number, row) in videos.items():
            (entry,) = segments[number].columns.entries(np.array([row]), [banks[video].name], space.kind, [b""])
            known[video] = KnownVideo(banks[video], entry.provenance, counts[video])
        return known

    def _search(self, space: Space, asked: Asked, reach: Reach, tally: Tally) -> None:
        search(self.levels.get(space, Levels()).segments, asked, reach, tally)

    def _found(self, space: Space, asked: Asked, tally: Tally, reach: Reach) -> list[Found]:
        """What was found for each group."""
        own = asked.own_qualities
        not_compared = {quality: self._not_compared(reach, quality) for quality in set(own)}
        if not tally.totals.any():
            return [Found([], 0, frozenset(), not_compared[quality]) for quality in own]
        nearest = tally.nearest()
        hits = self._hits(space, nearest, reach)
        bounds = np.searchsorted(nearest.groups, np.arange(len(tally.totals) + 1)).tolist()
        actions: dict[int, set[Action]] = defaultdict(set)
        for group, slot in np.argwhere(tally.slots).tolist():
            actions[group].add(self.roster.by_slot[slot].action)
        for group in np.flatnonzero(tally.doubted).tolist():
            actions[group].add(Action.REVIEW)
        return [
            Found(hits[first:end], total, frozenset(actions.get(group, ())), not_compared[quality])
            for group, ((first, end), total, quality) in enumerate(
                zip(pairwise(bounds), tally.totals.tolist(), own, strict=True)
            )
        ]

    def _not_compared(self, reach: Reach, quality: int) -> tuple[str, ...]:
        return self.roster.names(reach.too_low(quality)) if quality < reach.every_quality else ()

    def _hits(self, space: Space, nearest: Nearest, reach: Reach) -> list[Hit]:
        """The hits that matches become, in their order."""
        made: list[Hit] = []
        places = []
        for number, segment in enumerate(self.levels[space].segments):
            chosen = np.flatnonzero(nearest.segments == number)
            if len(chosen):
                places.append(chosen)
                made += self._hits_of(segment, space, Nearest(*(column[chosen] for column in nearest)), reach)
        if len(places) < 2:
            return made
        return [made[place] for place in np.argsort(np.concatenate(places)).tolist()]

    def _hits_of(self, segment: Segment, space: Space, nearest: Nearest, reach: Reach) -> list[Hit]:
        """The same, of one segment."""
        slots = segment.columns.slots[nearest.rows]
        banks = [self.roster.by_slot[slot] for slot in slots.tolist()]
        bits = segment.searcher.codes[nearest.codes].reshape(-1).tobytes()
        codes = [bits[first : first + space.width] for first in range(0, len(bits), space.width)]
        entries = segment.columns.entries(nearest.rows, [bank.name for bank in banks], space.kind, codes)
        trusted = (segment.columns.review_from[nearest.rows] > reach.now).tolist()
        actions = [bank.action if each else Action.REVIEW for bank, each in zip(banks, trusted, strict=True)]
        columns = (nearest.distances, nearest.places, reach.thresholds[slots])
        return list(map(Hit, banks, actions, entries, *(column.tolist() for column in columns)))


def _space(group: Sequence[Hash]) -> Space:
    found = {(item.kind, len(item.bits)) for item in group}
    if len(found) == 1:
        space = Space(*found.pop())
        if space.width:
            return space
    raise InvalidInput("a group is one or more hashes of one kind and length")
