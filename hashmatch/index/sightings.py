"""Frames of known videos among what was found, apart from the stills."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.columns import NOT_SHOWN
from hashmatch.index.lookup import Ints, Matches, Near, Tally
from hashmatch.index.segment import Segment

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


class _Part(NamedTuple):
    """Frames found in one segment; arrays of integers are (frames,)."""

    segment: NDArray[Any]
    rows: NDArray[Any]
    slots: NDArray[Any]
    videos: NDArray[Any]
    ids: NDArray[Any]
    starts: NDArray[Any]
    ends: NDArray[Any]
    distances: NDArray[Any]


@dataclass(slots=True)
class FrameTally(Tally):
    """Counts stills as a tally does, and keeps all frames of known videos."""

    parts: list[_Part] = field(default_factory=list)

    def add(self, number: int, segment: Segment, near: Near, matches: Matches, places: Ints, limit: int) -> None:
        columns = segment.columns
        shown = columns.shown_from[matches.rows] != NOT_SHOWN
        frames = matches.take(np.flatnonzero(shown))
        rows = frames.rows
        if len(rows):
            self.parts.append(
                _Part(
                    np.full(len(rows), number),
                    rows,
                    columns.slots[rows],
                    columns.videos[rows],
                    columns.ids[rows],
                    columns.shown_from[rows],
                    columns.shown_until[rows],
                    near.distances[frames.source],
                )
            )
        Tally.add(self, number, segment, near, matches.take(np.flatnonzero(~shown)), places, limit)

    @property
    def sightings(self) -> Iterator[Sighting]:
        """By known video, in no particular order."""
        if not self.parts:
            return
        part = _Part(*(np.concatenate(columns) for columns in zip(*self.parts, strict=True)))
        order = np.lexsort((part.starts, part.videos, part.slots))
        part = _Part(*(column[order] for column in part))
        new = (np.diff(part.slots, prepend=-1) != 0) | (part.videos != np.roll(part.videos, 1))
        firsts = np.flatnonzero(new)
        for first, last in zip(firsts, [*firsts[1:], len(new)], strict=True):
            yield Sighting(
                video=VideoKey(int(part.slots[first]), int(part.videos[first])),
                place=(int(part.segment[first]), int(part.rows[first])),
                ids=part.ids[first:last],
                starts=part.starts[first:last],
                ends=part.ends[first:last],
                distance=int(part.distances[first:last].min()),
            )


def count_frames(segments: Sequence[Segment], lowest: Mapping[VideoKey, int]) -> Counter[VideoKey]:
    """How many frames each of some known videos has, of its lowest quality or better."""
    counts = Counter[VideoKey]()
    numbers = np.unique(np.array([video.number for video in lowest], dtype=np.uint64))
    for segment in segments:
        columns = segment.columns
        rows = np.flatnonzero(np.isin(columns.videos, numbers))
        rows = rows[segment.live[rows]]
        found = zip(columns.slots[rows].tolist(), columns.videos[rows].tolist(), strict=True)
        for key, quality in zip(found, columns.qualities[rows].tolist(), strict=True):
            video = VideoKey(*key)
            counts[video] += quality >= lowest.get(video, NEVER)
    return counts
