"""Moving pictures, or one still, as frames that come one after another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from hashmatch.types import Frame, Incomplete, VideoInfo


class Picked(NamedTuple):
    """A frame to hash; its pixels may be gone once the next one is asked for."""

    time: int
    """Microseconds since the beginning."""
    frame: Frame
    colours: Callable[[], Frame] | None = None
    """The same picture in BGR, as long as its pixels are there; None where `frame` is all that there is of it."""


@dataclass(slots=True)
class Footage:
    """What a file says of itself, and the frames picked of it, which can be drawn once."""

    info: VideoInfo
    frames: Iterator[Picked]
    """Raises CorruptMedia where there is none, and MemoryError."""
    incomplete: Incomplete | None = None
    """Known once the frames are drawn: why some are not among them."""

    @property
    def sampled(self) -> bool:
        """Whether frames are left out on purpose; an animated image is short, and each of its frames may matter."""
        return not self.info.media_type.startswith("image/")
