"""Videos by FFmpeg, through PyAV: a few containers and codecs, from one open file, in one thread."""

import time
from collections.abc import Iterator
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

import av
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from hashmatch.errors import CorruptMedia, MediaTooLarge, UnsupportedMedia
from hashmatch.media.container import Source
from hashmatch.media.footage import Footage, Picked
from hashmatch.media.gops import next_due, steps
from hashmatch.media.luma import picked
from hashmatch.media.picture import check_size
from hashmatch.settings import MediaLimits
from hashmatch.types import SECOND, Incomplete, Selection, VideoInfo, VideoOptions

DEMUXERS: Final = MappingProxyType(
    {
        "video/mp4": "mov",
        "video/quicktime": "mov",
        "video/webm": "matroska",
        "video/x-matroska": "matroska",
        "video/x-msvideo": "avi",
        "image/gif": "gif",
    }
)
"""FFmpeg's names. None of these opens another file, but for external data of QuickTime, which stay closed."""
CODECS: Final = ("h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "mjpeg", "gif")
"""FFmpeg's decoders that may run."""
_MOST_ERRORS: Final = 1000
"""So many packets in a row that cannot be decoded, and the rest is given up."""

av.logging.set_level(None)


def open_video(source: Source, media_type: str, options: VideoOptions, limits: MediaLimits) -> Footage:
    """What a video says of itself, and its frames; raises CorruptMedia, UnsupportedMedia, MediaTooLarge."""
    keyframes = options.selection is Selection.KEYFRAMES and not media_type.startswith("image/")
    container = _open(source, media_type, keyframes=keyframes)
    try:
        stream = _stream(container)
        context = stream.codec_context
        check_size(context.width, context.height, limits)
        footage = Footage(VideoInfo(media_type, context.width, context.height, _duration(container, stream)), iter(()))
        _configure(stream, limits, keyframes=keyframes)
    except BaseException:
        container.close()
        raise
    footage.frames = _frames(container, stream, options, limits, footage)
    return footage


def _refuse(*_: object) -> Any:
    raise UnsupportedMedia("the video refers to another file")


def _open(source: Source, media_type: str, *, keyframes: bool) -> InputContainer:
    options = {
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif",
        "codec_whitelist": ",".join(CODECS),
        "protocol_whitelist": "",
        "enable_drefs": "0",
    }
    demuxer = DEMUXERS[media_type]
    if demuxer != "mov":
        del options["enable_drefs"]
    if keyframes:
        # Else a frame is decoded here already, to learn how far frames are out of order: keyframes stand alone.
        options["skip_frame"] = "all"
    try:
        return av.open(source, mode="r", format=demuxer, options=options, io_open=_refuse, metadata_errors="ignore")
    except av.error.MemoryError as error:
        raise MemoryError from error
    except (av.error.FFmpegError, ValueError) as error:
        raise CorruptMedia(f"damaged: this is no readable {media_type}") from error


def _stream(container: InputContainer) -> VideoStream:
    """The stream that a player shows; covers and thumbnails are none."""
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise UnsupportedMedia("there is no video in the file")
    if stream.codec_context is None or stream.codec_context.name not in CODECS:
        name = stream.codec_context.name if stream.codec_context else "an unknown codec"
        raise UnsupportedMedia(f"videos in {name} are not supported; {', '.join(CODECS)} are")
    return stream


def _configure(stream: VideoStream, limits: MediaLimits, *, keyframes: bool) -> None:
    context = stream.codec_context
    context.thread_count = 1
    context.thread_type = "NONE"
    context.options = {"max_pixels": str(limits.max_pixels)}
    if keyframes:
        context.skip_frame = "NONKEY"


def _duration(container: InputContainer, stream: VideoStream) -> int | None:
    if stream.duration is not None and stream.time_base is not None:
        return max(0, int(stream.duration * stream.time_base * SECOND))
    return None if container.duration is None else max(0, int(container.duration * Fraction(SECOND, av.time_base)))


def _frames(
    container: InputContainer, stream: VideoStream, options: VideoOptions, limits: MediaLimits, footage: Footage
) -> Iterator[Picked]:
    """The frames that are picked; what went wrong or was left out is said in `footage.incomplete`."""
    count = 0
    with container:
        try:
            for each in _picked(container, stream, options, limits, footage):
                count += 1
                yield each
        except av.error.MemoryError as error:
            raise MemoryError from error
        except MediaTooLarge:
            if not count:
                raise
            footage.incomplete = Incomplete.DAMAGED
    if not count and footage.incomplete is Incomplete.TIME:
        raise MediaTooLarge("max_video_decode_seconds", limits.max_video_decode_seconds, None)
    if not count:
        raise CorruptMedia("damaged: not one frame of the video can be decoded")


def _picked(
    container: InputContainer, stream: VideoStream, options: VideoOptions, limits: MediaLimits, footage: Footage
) -> Iterator[Picked]:
    """Decode, pick, and stop at the limits."""
    clock = _Clock(container, stream)
    end = time.monotonic() + limits.max_video_decode_seconds
    sampled = options.selection is Selection.INTERVAL and footage.sampled
    due = count = 0
    for frame in _decoded(container, stream, options, clock, footage):
        at = clock.time(frame)
        if time.monotonic() > end:
            footage.incomplete = Incomplete.TIME
            return
        if at >= limits.max_video_seconds * SECOND:
            footage.incomplete = Incomplete.SECONDS
            return
        if sampled and at < due:
            continue
        if count >= limits.max_video_frames:
            footage.incomplete = Incomplete.FRAMES
            return
        due, count = next_due(at, options.interval), count + 1
        check_size(frame.width, frame.height, limits)
        yield picked(at, frame, footage.info.media_type)


class _Clock:
    """Times of frames in microseconds: they never go back, and begin at 0."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        unit = (stream.time_base or Fraction(1, SECOND)) * SECOND
        self._over, self._under = unit.numerator, unit.denominator
        # AVI knows no times but an order, and what FFmpeg makes of it begins where the decoder's delay ends.
        self._base = None if container.format.name == "avi" else stream.start_time
        rate = stream.average_rate or stream.guessed_rate or 25
        self._frame = int(SECOND / rate) if rate > 0 else 0
        self._last = -self._frame

    def at(self, pts: int) -> int:
        """When what has that pts is shown, unless something before it is shown later."""
        if self._base is None:
            self._base = pts
        return max(0, (pts - self._base) * self._over // self._under)

    def time(self, frame: VideoFrame) -> int:
        """When a frame is shown; one frame's length after the last where it does not say."""
        said = self._last + self._frame if frame.pts is None else self.at(frame.pts)
        self._last = max(said, self._last)
        return self._last


def _decoded(
    container: InputContainer, stream: VideoStream, options: VideoOptions, clock: _Clock, footage: Footage
) -> Iterator[VideoFrame]:
    """The frames that come out of the packets worth decoding; what cannot be decoded is left out."""
    errors, context = 0, stream.codec_context
    for packet in _packets(container, stream, options, clock, footage):
        try:
            decoded = context.decode(packet)
            if packet is None:
                context.flush_buffers()
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            footage.incomplete = Incomplete.DAMAGED
            errors += 1
            if errors > _MOST_ERRORS:
                return
            continue
        for frame in decoded:
            errors = 0
            if frame.is_corrupt:
                footage.incomplete = Incomplete.DAMAGED
            yield frame


def _packets(
    container: InputContainer, stream: VideoStream, options: VideoOptions, clock: _Clock, footage: Footage
) -> Iterator[Any]:
    """What the decoder is given; None where it is to give what it holds back, and begin anew with a keyframe."""
    packets = _demuxed(container, stream, footage)
    if options.selection is Selection.KEYFRAMES and footage.sampled:
        for packet in packets:
            if packet.is_keyframe:
                yield packet
                yield None
    elif options.selection is Selection.INTERVAL and footage.sampled:
        for step in steps(packets, clock.at, options.interval):
            stream.codec_context.skip_frame = "DEFAULT" if step is None or step.wanted else "NONREF"
            yield None if step is None else step.packet
    else:
        yield from packets
    yield None


def _demuxed(container: InputContainer, stream: VideoStream, footage: Footage) -> Iterator[Any]:
    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed, None)
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            footage.incomplete = Incomplete.DAMAGED
            return
        if packet is None:
            return
        if packet.size:
            yield packet
