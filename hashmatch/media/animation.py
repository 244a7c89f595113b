"""Animated WebP and AVIF: every frame as shown, a few at a time."""

from collections.abc import Iterator
from time import monotonic
from typing import Final

import cv2
import numpy as np

from hashmatch.errors import CorruptMedia
from hashmatch.media.footage import Footage, Picked
from hashmatch.media.picture import Picture
from hashmatch.media.white import opaque
from hashmatch.settings import MediaLimits
from hashmatch.types import Frame, Incomplete, VideoInfo

_BYTES_AT_ONCE: Final = 64 * 2**20
"""The decoder gives whole runs of frames, and begins anew for each."""


def open_animation(data: bytes, media_type: str, canvas: Picture, limits: MediaLimits) -> Footage:
    """The frames of an animation whose header says that its canvas is within the limits."""
    footage = Footage(VideoInfo(media_type, canvas.width, canvas.height), iter(()))
    footage.frames = _frames(data, footage, canvas.depth, limits)
    return footage


def _frames(data: bytes, footage: Footage, depth: int, limits: MediaLimits) -> Iterator[Picked]:
    info = footage.info
    canvas = Picture(b"", info.width, info.height, info.width, info.height, depth=depth)
    end = monotonic() + limits.max_video_decode_seconds
    run = max(1, _BYTES_AT_ONCE // (4 * info.width * info.height))
    time = start = 0
    while True:
        try:
            done, animation = cv2.imdecodeanimation(np.frombuffer(data, np.uint8), start=start, count=run)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError from error
            raise CorruptMedia("damaged: the decoder gave up") from error
        if not done and not start:
            raise CorruptMedia("damaged: the decoder gave up")
        frames = animation.frames if done else ()
        for samples, milliseconds in zip(frames, animation.durations, strict=False):
            if start >= limits.max_video_frames or monotonic() > end:
                footage.incomplete = Incomplete.FRAMES if start >= limits.max_video_frames else Incomplete.TIME
                return
            yield Picked(time, Frame(opaque(samples, canvas), info.media_type, info.width, info.height))
            time += max(0, int(milliseconds)) * 1000
            start += 1
        if len(frames) < run:
            return
