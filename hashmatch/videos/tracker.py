"""A video's frames against the banks, as they come: vPDQ's two shares, passages, and a verdict.

vPDQ (Meta, 2022) calls two videos alike where a share of the query's distinct frames is in the known one, and a share
of the known one's is in the query. Here either is enough, as a bank sets it: a clip of a known video has few of its
frames, and a long video that holds a known one is made of others.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hashmatch import matching, policy
from hashmatch.index import FoundFrames, KnownVideo, Sighting, Snapshot, Space, VideoKey
from hashmatch.types import (
    Action,
    Bank,
    FrameMatch,
    HashedImage,
    Match,
    MatchOptions,
    Scan,
    TimeRange,
    Verdict,
    VideoDecision,
    VideoMatch,
    moments,
)
from hashmatch.videos.passages import Passages
from hashmatch.videos.runs import Run

MOST_PASSAGES: Final = 100
_HITS_A_FRAME: Final = 100
_ANY_QUALITY: Final = 255


@dataclass(slots=True)
class _Progress:
    """What was seen of one known video."""

    place: tuple[int, int]
    distance: int
    trusted: bool = False
    query_frames: int = 0
    known: set[int] = field(default_factory=set)
    passages: Passages = field(default_factory=Passages)

    def add(self, shown: TimeRange, sighting: Sighting) -> None:
        self.distance = min(self.distance, sighting.distance)
        self.trusted |= sighting.trusted
        self.query_frames += 1
        self.known.update(sighting.ids.tolist())
        self.passages.add(shown, sighting.starts, sighting.ends)


class Tracker:
    """Follows one video through the banks at one revision."""

    def __init__(self, snapshot: Snapshot, options: MatchOptions, ceilings: Mapping[str, int]) -> None:
        """`ceilings` is as for `Snapshot.search`."""
        self._snapshot = snapshot
        self._options = options
        self._ceilings = ceilings
        self._now = moments.now()
        self._space = Space("", 0)
        self._qualities = Counter[int]()
        self._low = 0
        self._unreached: set[str] | None = None
        self._images: dict[int, FrameMatch] = {}
        self._image_ids: set[int] = set()
        self._progress: dict[VideoKey, _Progress] = {}
        self._frames = Counter[tuple[frozenset[Action], tuple[VideoKey, ...]]]()
        """What the frames amount to: the actions of the known images in each, and the known videos it is of."""

    def add(self, runs: Sequence[Run]) -> None:
        """Look frames up, later than those before them; raises NotFound (a bank)."""
        images = [HashedImage(run.frame.hashes, "", 0, 0, run.frame.inner) for run in runs]
        queries = [query for image in images for query in matching.queries(image, self._options)]
        groups = [query.hashes for query in queries]
        most = min(self._options.max_matches, _HITS_A_FRAME)
        found = self._snapshot.search_frames(groups, self._options.banks, most, self._ceilings, self._now)
        for run, query, each in zip(runs, queries, found, strict=True):
            self._space = Space.of(run.frame.hashes[0])
            self._take(run, query, each)

    @property
    def blocked(self) -> bool:
        """Whether what was seen so far amounts to BLOCK, whatever comes."""
        if any(policy.decide(actions) is Verdict.BLOCK for actions, _ in self._frames):
            return True
        known = self._known()
        return any(
            _action(self._progress[key], each.bank) is Action.BLOCK
            and _reaches(len(self._progress[key].known), each.frames, each.bank.video_known_share)
            for key, each in known.items()
        )

    def decision(self, scan: Scan) -> VideoDecision:
        """What all frames amount to."""
        known = self._known()
        videos = {key: self._video_match(self._progress[key], each) for key, each in known.items()}
        verdicts = {policy.decide(self._actions(actions, keys, videos)) for actions, keys in self._frames}
        most = self._options.max_matches
        ordered = sorted(videos.values(), key=lambda each: (not each.counts, -each.query_frames, each.distance))
        return VideoDecision(
            verdict=next(
                (verdict for verdict in (Verdict.BLOCK, Verdict.REVIEW) if verdict in verdicts), Verdict.ALLOW
            ),
            images=tuple(self._nearest()[:most]),
            total_images=len(self._image_ids),
            videos=tuple(ordered[:most]),
            total_videos=len(videos),
            low_quality_frames=self._low,
            banks_not_compared=tuple(sorted(self._unreached or ())),
            scan=scan,
            revision=self._snapshot.revision,
        )

    def _take(self, run: Run, query: matching.Query, found: FoundFrames) -> None:
        quality = run.frame.hashes[0].quality
        self._qualities[_ANY_QUALITY if quality is None else quality] += 1
        low = set(found.stills.banks_not_compared)
        self._low += run.count if low else 0
        self._unreached = low if self._unreached is None else self._unreached & low
        for hit in found.stills.hits:
            self._see_image(matching.match_of(query, hit), run)
        for sighting in found.sightings:
            progress = self._progress.setdefault(sighting.video, _Progress(sighting.place, sighting.distance))
            progress.add(run.shown, sighting)
        self._frames[found.stills.actions, tuple(each.video for each in found.sightings)] += 1

    def _see_image(self, match: Match, run: Run) -> None:
        self._image_ids.add(match.entry_id)
        seen = self._images.get(match.entry_id)
        if seen is None:
            self._images[match.entry_id] = FrameMatch(match, run.shown, 1)
            if len(self._images) > 20 * self._options.max_matches + 1000:
                kept = self._nearest()[: 10 * self._options.max_matches]
                self._images = {each.match.entry_id: each for each in kept}
        else:
            nearest = min(seen.match, match, key=lambda each: each.distance)
            shown = TimeRange(seen.shown.start, run.shown.end)
            self._images[match.entry_id] = FrameMatch(nearest, shown, seen.frames + 1)

    def _nearest(self) -> list[FrameMatch]:
        return sorted(self._images.values(), key=lambda each: (each.match.distance, each.match.entry_id))

    def _known(self) -> dict[VideoKey, KnownVideo]:
        places = {key: progress.place for key, progress in self._progress.items()}
        return self._snapshot.known_videos(self._space, places, self._now)

    def _video_match(self, progress: _Progress, known: KnownVideo) -> VideoMatch:
        bank = known.bank
        lowest = bank.minimum_quality_of(self._space.kind)
        compared = sum(count for quality, count in self._qualities.items() if quality >= lowest)
        counts = _reaches(progress.query_frames, compared, bank.video_query_share) or _is_known(progress, known)
        return VideoMatch(
            bank=bank.name,
            action=_action(progress, bank),
            provenance=known.provenance,
            counts=counts,
            query_frames=progress.query_frames,
            query_compared=compared,
            known_frames=len(progress.known),
            known_compared=known.frames,
            distance=progress.distance,
            passages=progress.passages.longest(MOST_PASSAGES),
        )

    @staticmethod
    def _actions(
        actions: frozenset[Action], keys: Sequence[VideoKey], videos: Mapping[VideoKey, VideoMatch]
    ) -> frozenset[Action]:
        """What known images in a frame ask for, and the known videos that count and that it is of."""
        return actions | {videos[key].action for key in keys if videos[key].counts}


def _action(progress: _Progress, bank: Bank) -> Action:
    """What the known video asks for: REVIEW unless any frame of it that was seen is trusted."""
    return bank.action if progress.trusted else Action.REVIEW


def _is_known(progress: _Progress, known: KnownVideo) -> bool:
    """Whether enough of the known video was seen."""
    return _reaches(len(progress.known), known.frames, known.bank.video_known_share)


def _reaches(part: int, whole: int, percentage: int) -> bool:
    """Whether a share reaches its threshold, where there is one."""
    return percentage > 0 and part > 0 and 100 * part >= percentage * whole
