"""The job of hashing a video's frames: what is sent, and the answers that come one after another."""

import json
import os
import struct
from typing import Final

from hashmatch.hashing import KINDS
from hashmatch.sandbox.failure import answer
from hashmatch.sandbox.image import MEDIA_TYPE
from hashmatch.sandbox.job import Take, VideoJob
from hashmatch.sandbox.line import Line, Malformed
from hashmatch.sandbox.stop import Stopped
from hashmatch.settings import MediaLimits
from hashmatch.types import Hash, Incomplete, Orientation, Scan, SeenFrame, Selection, VideoInfo, VideoOptions

MOST_AT_ONCE: Final = 32
"""Frames of one answer."""
_INFO: Final = struct.Struct("<24sIIq")
"""Media type, padded; width; height; duration, or _NONE."""
_FRAME: Final = struct.Struct("<qBBB")
"""Time, quality, whether there are hashes of what is within a border, and their quality."""
_NONE: Final = -1
_NO_QUALITY: Final = 255
_COMPLETE: Final = 255
_LAST_TIME: Final = 2**53
_GRACE_SECONDS: Final = 10.0
"""How much longer than a worker's own limit it may take before it is taken to hang."""


class VideoTask:
    """Hashes the frames of the file behind a descriptor, from its beginning."""

    number = 1

    def __init__(self, file: int, job: VideoJob, take: Take, limits: MediaLimits) -> None:
        self._file = file
        self._job = job
        self._take = take
        self._limits = limits
        self._kind = KINDS[job.options.kind]
        self._width = self._kind.bits // 8
        self._count = self._until = 0
        self.seconds = limits.max_video_decode_seconds + _GRACE_SECONDS

    def ask(self, worker: Line) -> Scan:
        """Raises Stopped, besides."""
        with self._job.stop.doing(worker.hang_up):
            try:
                return self._ask(worker)
            except (EOFError, OSError):
                self._job.stop.check()
                raise

    def _ask(self, worker: Line) -> Scan:
        options = self._job.options
        request = (options.selection, options.interval, options.kind, self._job.all_views)
        worker.send(bytes((self.number,)) + json.dumps(request).encode())
        reader = os.open(f"/proc/self/fd/{self._file}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            worker.send_descriptor(reader)
        finally:
            os.close(reader)
        info = self._info(answer(worker, _INFO.size, self._limits))
        self._job.told(info)
        longest = MOST_AT_ONCE * self._size(both=True)
        while len(message := answer(worker, longest, self._limits)) > 1:
            if not self._take(self._frames(message)):
                raise Enough(Scan(info, self._count, self._until, Incomplete.STOPPED))
        if not message or (message[0] >= len(Incomplete) and message[0] != _COMPLETE):
            raise Malformed("an end that is none")
        incomplete = None if message[0] == _COMPLETE else tuple(Incomplete)[message[0]]
        return Scan(info, self._count, self._until, incomplete)

    def _info(self, data: bytes) -> VideoInfo:
        if len(data) != _INFO.size:
            raise Malformed("an answer without a head")
        media_type, width, height, duration = _INFO.unpack(data)
        limits = self._limits
        if not MEDIA_TYPE.fullmatch(media_type) or not _NONE <= duration < _LAST_TIME:
            raise Malformed("a media type or duration that is none")
        if not 0 < width <= limits.max_side or not 0 < height <= limits.max_side or width * height > limits.max_pixels:
            raise Malformed("a video beyond the limits")
        return VideoInfo(media_type.rstrip(b"\0").decode(), width, height, None if duration == _NONE else duration)

    def _size(self, *, both: bool) -> int:
        return _FRAME.size + self._width * len(Orientation) * (1 + both)

    def _frames(self, message: bytes) -> list[SeenFrame]:
        frames, at = [], 0
        while at < len(message):
            if len(message) < at + _FRAME.size:
                raise Malformed("a frame without a head")
            time, quality, both, inner_quality = _FRAME.unpack_from(message, at)
            end = at + self._size(both=bool(both))
            if both > self._job.all_views or not self._until <= time < _LAST_TIME or end > len(message):
                raise Malformed("frames out of order, or cut off")
            bits, at = message[at + _FRAME.size : end], end
            half = self._width * len(Orientation)
            inner = self._hashes(bits[half:], inner_quality) if both else ()
            frames.append(SeenFrame(time, self._hashes(bits[:half], quality), inner))
            self._until = time
        self._count += len(frames)
        if self._count > self._limits.max_video_frames:
            raise Malformed("more frames than were asked for")
        return frames

    def _hashes(self, bits: bytes, quality: int) -> tuple[Hash, ...]:
        if (quality > 100) if self._kind.has_quality else (quality != _NO_QUALITY):
            raise Malformed(f"{self._kind.name} of quality {quality}")
        said = quality if self._kind.has_quality else None
        width = self._width
        return tuple(Hash(self._kind.name, bits[at : at + width], said) for at in range(0, len(bits), width))


class Enough(Stopped):
    """Whoever takes the frames wants no more."""

    def __init__(self, scan: Scan) -> None:
        super().__init__()
        self.scan = scan


def read_request(line: Line, request: bytes) -> tuple[int, VideoJob]:
    """In the worker: the file's descriptor and what to compute."""
    selection, interval, kind, all_views = json.loads(request[1:])
    options = VideoOptions(Selection(selection), interval, kind)
    return line.receive_descriptor(), VideoJob(options, all_views)


def pack_info(info: VideoInfo) -> bytes:
    """In the worker: the first answer."""
    duration = _NONE if info.duration is None else min(info.duration, _LAST_TIME - 1)
    return _INFO.pack(info.media_type.encode(), info.width, info.height, duration)


def pack_frame(frame: SeenFrame) -> bytes:
    """In the worker: one of the frames of an answer."""
    inner = frame.inner[0].quality if frame.inner else None
    time, quality = min(frame.time, _LAST_TIME - 1), frame.hashes[0].quality
    head = _FRAME.pack(time, _packed(quality), bool(frame.inner), _packed(inner))
    return head + b"".join(value.bits for value in (*frame.hashes, *frame.inner))


def pack_end(incomplete: Incomplete | None) -> bytes:
    """In the worker: the last answer."""
    return bytes((_COMPLETE if incomplete is None else tuple(Incomplete).index(incomplete),))


def _packed(quality: int | None) -> int:
    return _NO_QUALITY if quality is None else quality
