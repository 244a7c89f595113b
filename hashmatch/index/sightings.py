"""Frames of known videos among what was found, apart from the stills."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.columns import NOT_SHOWN
from hashmatch.index.segment import Segment
from hashmatch.index.tally import Matches, Tally

NEVER: Final = 256
"""A quality that no hash reaches."""


class VideoKey(NamedTuple):
    """A known video within one snapshot."""

    slot: int
    """Its bank's number in the roster."""
    number: int
    """What `columns.video_number` says of its content id."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Frames of one known video that are near enough to one frame of a query."""

    video: VideoKey
    place: tuple[int, int]
    """One of them: the position of its segment and its row there."""
    ids: NDArray[np.int64]
    """(frames,): their entries."""
    starts: NDArray[np.int64]
    """(frames,): microseconds since the video's beginning."""
    ends: NDArray[np.int64]
    """(frames,): the same, inclusive."""
    distance: int
    """Bits, of the nearest."""
    trusted: bool
    """Whether the bank's action holds for any of them, rather than REVIEW."""


class _Part(NamedTuple):
    """Frames found in one segment; arrays of integers are (frames,)."""

    groups: NDArray[Any]
    segment: NDArray[Any]
    rows: NDArray[Any]
    slots: NDArray[Any]
    videos: NDArray[Any]
    ids: NDArray[Any]
    starts: NDArray[Any]
    ends: NDArray[Any]
    distances: NDArray[Any]
    trusted: NDArray[Any]


class FrameTally(Tally):
    """Counts stills as a tally does, and keeps all frames of known videos."""

    def __init__(self, groups: int, slots: int, limit: int) -> None:
        super().__init__(groups, slots, limit)
        self._frames: list[_Part] = []

    def add(self, number: int, segment: Segment, matches: Matches) -> None:
        columns = segment.columns
        shown = columns.shown_from[matches.rows] != NOT_SHOWN
        frames = matches.take(shown)
        rows = frames.rows
        if len(rows):
            self._frames.append(
                _Part(
                    frames.groups,
                    np.full(len(rows), number),
                    rows,
                    columns.slots[rows],
                    columns.videos[rows],
                    columns.ids[rows],
                    columns.shown_from[rows],
                    columns.shown_until[rows],
                    frames.distances,
                    frames.trusted,
                )
            )
        super().add(number, segment, matches.take(~shown))

    def sightings(self) -> list[list[Sighting]]:
        """By group, the known videos of which frames matched, in no particular order."""
        sighted: list[list[Sighting]] = [[] for _ in self.totals]
        if not self._frames:
            return sighted
        part = _Part(*(np.concatenate(columns) for columns in zip(*self._frames, strict=True)))
        order = np.lexsort((part.starts, part.videos, part.slots, part.groups))
        part = _Part(*(column[order] for column in part))
        new = np.zeros(len(order), dtype=np.bool_)
        new[0] = True
        for known in (part.groups, part.slots, part.videos):
            new[1:] |= known[1:] != known[:-1]
        firsts = np.flatnonzero(new).tolist()
        for first, last in pairwise([*firsts, len(new)]):
            sighted[part.groups[first]].append(
                Sighting(
                    video=VideoKey(int(part.slots[first]), int(part.videos[first])),
                    place=(int(part.segment[first]), int(part.rows[first])),
                    ids=part.ids[first:last],
                    starts=part.starts[first:last],
                    ends=part.ends[first:last],
                    distance=int(part.distances[first:last].min()),
                    trusted=bool(part.trusted[first:last].any()),
                )
            )
        return sighted


def count_frames(segments: Sequence[Segment], lowest: Mapping[VideoKey, int], now: int) -> Counter[VideoKey]:
    """How many frames each of some known videos has at a moment, of its lowest quality or better."""
    counts = Counter[VideoKey]()
    for number in {video.number for video in lowest}:
        for segment in segments:
            columns = segment.columns
            rows = segment.frames(number)
            rows = rows[columns.expires[rows] > now]
            pairs = zip(columns.slots[rows].tolist(), columns.qualities[rows].tolist(), strict=True)
            for slot, quality in pairs:
                video = VideoKey(slot, number)
                counts[video] += quality >= lowest.get(video, NEVER)
    return counts
