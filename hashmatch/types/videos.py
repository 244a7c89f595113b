"""Videos: which frames are looked at, what they are, and what is answered to them."""

import enum
from dataclasses import dataclass
from typing import Final

from hashmatch.types.answers import Match, Verdict
from hashmatch.types.banks import Action, Provenance
from hashmatch.types.hashes import PDQ, Hash, TimeRange

SECOND: Final = 1_000_000
"""In the unit of all times in a video."""


class Selection(enum.StrEnum):
    """Which frames of a video are looked at; of an animated image it is always every one."""

    INTERVAL = "INTERVAL"
    """The first at or after every multiple of the interval."""
    KEYFRAMES = "KEYFRAMES"
    """Those that are stored whole: the cheapest, and as far apart as whoever made the file liked."""
    ALL = "ALL"


class Incomplete(enum.StrEnum):
    """Why a part of a video was not looked at."""

    DAMAGED = "DAMAGED"
    """The file is truncated, or frames of it cannot be decoded."""
    SECONDS = "SECONDS"
    """It is longer than the server's limit."""
    FRAMES = "FRAMES"
    """More frames were selected than the server's limit."""
    TIME = "TIME"
    """Decoding took longer than the server's limit."""
    STOPPED = "STOPPED"
    """It was asked to stop at the first BLOCK."""


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """What of a video to look at."""

    selection: Selection = Selection.INTERVAL
    interval: int = SECOND
    """Microseconds, 1 or more."""
    kind: str = PDQ
    """A kind that hashes pixels."""
    stop_at_block: bool = False
    """Give the rest of the video up once what was seen of it amounts to BLOCK."""
    keep_repeats: bool = False
    """Answer every frame that was looked at, not one for each run of near-identical ones."""


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A frame that was looked at."""

    time: int
    """Microseconds since the video's beginning."""
    hashes: tuple[Hash, ...]
    """One for each `Orientation` in its order, all of the same quality."""
    inner: tuple[Hash, ...] = ()
    """Those of what is within its border or letterbox bars, where that was asked for and there is one."""


@dataclass(frozen=True, slots=True)
class LumaPlane:
    """The luma of a frame that was decoded elsewhere.

    A dull frame (PDQ quality below 80) of a video file is hashed by its colours, which are not here: its hash may
    differ from that, and from the reference's, by some bits.
    """

    width: int
    height: int
    samples: bytes
    """width x height, row by row."""
    limited_range: bool = False
    """From 16 for black to 235 for white, as most videos have it, and not from 0 to 255."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a file was found to be."""

    media_type: str
    """For example `video/mp4` or `image/gif`."""
    width: int
    height: int
    """Of the video as it is stored, in pixels: neither turned nor stretched."""
    duration: int | None = None
    """Microseconds, as the file says; None where it does not."""


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a video was looked at by now."""

    duration: int | None
    """Microseconds, as the file says; None where it does not."""
    scanned_until: int
    """The time of the last frame that was hashed, in microseconds."""


@dataclass(frozen=True, slots=True)
class Scan:
    """How much of a video was looked at: what was not is never `no match`."""

    info: VideoInfo
    frames_scanned: int
    """How many frames were hashed."""
    scanned_until: int
    """The time of the last of them, in microseconds."""
    incomplete: Incomplete | None = None
    """Why the video was not looked at to its end; None where it was."""

    @property
    def complete(self) -> bool:
        return self.incomplete is None


@dataclass(frozen=True, slots=True)
class HashedFrame:
    """One frame, or a run of near-identical ones in a row."""

    shown: TimeRange
    """From the first of the run to the last."""
    count: int
    """How many frames that were looked at it stands for."""
    hash: Hash
    """Of the first, in its original orientation; every other is within 4 bits of it."""


@dataclass(frozen=True, slots=True)
class HashedVideo:
    """A video's frames by their times."""

    scan: Scan
    frames: tuple[HashedFrame, ...]


@dataclass(frozen=True, slots=True)
class FrameMatch:
    """A known image, or a frame of a known video, in a query: nearest where its distance is the least."""

    match: Match
    shown: TimeRange
    """From the first to the last of the query's frames that matched it."""
    frames: int
    """How many of the query's frames matched it; near-identical ones in a row count once."""


@dataclass(frozen=True, slots=True, order=True)
class Passage:
    """A part of the query that is a part of a known video."""

    query: TimeRange
    known: TimeRange
    frames: int
    """How many frames of the query matched."""


@dataclass(frozen=True, slots=True)
class VideoMatch:
    """A known video of which frames are in the query; near-identical frames in a row count once on either side."""

    bank: str
    action: Action
    """The bank's; REVIEW where every frame of it that was seen is past its `review_from`."""
    provenance: Provenance
    """Of one of its frames; `content_id` names the video."""
    counts: bool
    """Whether a share reaches its threshold, so that the bank's action bears on the verdict."""
    query_frames: int
    """How many of the query's frames are in it."""
    query_compared: int
    """Of how many: those that reach the bank's minimum quality."""
    known_frames: int
    """How many of its frames are in the query."""
    known_compared: int
    """Of how many: those that reach the bank's minimum quality."""
    distance: int
    """The least of any two frames, in bits."""
    passages: tuple[Passage, ...]
    """By the query's time."""


@dataclass(frozen=True, slots=True)
class VideoDecision:
    """The answer to one video."""

    verdict: Verdict
    images: tuple[FrameMatch, ...]
    """Known images, nearest first."""
    total_images: int
    """How many known images matched; `images` holds the nearest of them."""
    videos: tuple[VideoMatch, ...]
    """Known videos, those that count first, then by how many frames matched."""
    total_videos: int
    low_quality_frames: int
    """How many frames looked at are below the minimum quality of one bank looked into at least."""
    banks_not_compared: tuple[str, ...]
    """Enabled banks of which no frame reaches the minimum quality."""
    scan: Scan
    revision: int
