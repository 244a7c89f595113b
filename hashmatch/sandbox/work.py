"""What a worker can do: a function for each sort of job. It sees strangers' bytes, and no part of the service."""

import os
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hashmatch import media
from hashmatch.sandbox import image, video
from hashmatch.sandbox.failure import send_answer
from hashmatch.sandbox.in_process import InProcess
from hashmatch.sandbox.line import Line
from hashmatch.sandbox.watching import Descriptor, watch
from hashmatch.settings import MediaLimits

_LONGEST_SILENCE: Final = 0.1
"""Seconds for which frames are held back, so that they travel together."""


def hash_image(line: Line, request: bytes, limits: MediaLimits) -> None:
    """Answer an `ImageTask`."""
    data, job = image.read_request(line, request)
    send_answer(line, image.pack(InProcess(limits).hash_image(data, job)))


def hash_video(line: Line, request: bytes, limits: MediaLimits) -> None:
    """Answer a `VideoTask`: what the video is, its frames as they come, and whether these were all."""
    file, job = video.read_request(line, request)
    try:
        footage = media.open_footage(Descriptor(file), job.options, limits)
        send_answer(line, video.pack_info(footage.info))
        packed: list[bytes] = []
        sent = time.monotonic()
        for frame in watch(footage, job):
            packed.append(video.pack_frame(frame))
            if len(packed) == video.MOST_AT_ONCE or time.monotonic() - sent > _LONGEST_SILENCE:
                send_answer(line, b"".join(packed))
                packed, sent = [], time.monotonic()
        if packed:
            send_answer(line, b"".join(packed))
        send_answer(line, video.pack_end(footage.incomplete))
    finally:
        os.close(file)


WORK: Final[Mapping[int, Callable[[Line, bytes, MediaLimits], None]]] = MappingProxyType(
    {image.ImageTask.number: hash_image, video.VideoTask.number: hash_video}
)
"""By the number of a `Task`. Each is given the first message, reads all else that its task sends, then answers or
raises MediaError.
"""
