"""Any media as footage: videos and animated images by their frames, a still as one."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hashmatch.errors import MediaTooLarge
from hashmatch.media import avif, webp
from hashmatch.media.animation import open_animation
from hashmatch.media.container import Source, identify, is_animated, is_cut_off
from hashmatch.media.decode import decode
from hashmatch.media.footage import Footage, Picked
from hashmatch.media.picture import Picture
from hashmatch.media.video import DEMUXERS, open_video
from hashmatch.settings import MediaLimits
from hashmatch.types import Incomplete, VideoInfo, VideoOptions

_CANVAS: Final[Mapping[str, Callable[[bytes, MediaLimits], Picture]]] = MappingProxyType(
    {"image/webp": webp.read, "image/avif": avif.read}
)


def open_footage(source: Source, options: VideoOptions, limits: MediaLimits) -> Footage:
    """What a file says of itself and its frames, which are decoded as they are drawn.

    Videos (MP4, QuickTime, Matroska, WebM, AVI) by the selection of the options; of animated GIF, WebP and AVIF every
    frame as it is shown; a still as one frame at 0. Raises the errors of `decode`.
    """
    size = source.seek(0, 2)
    if size > limits.max_video_bytes:
        raise MediaTooLarge("max_video_bytes", limits.max_video_bytes, size)
    media_type, head = identify(source)
    if media_type in DEMUXERS:
        cut_off = is_cut_off(source, media_type, head)
        footage = open_video(source, media_type, options, limits)
        footage.incomplete = Incomplete.DAMAGED if cut_off else None
        return footage
    if size > limits.max_media_bytes:
        raise MediaTooLarge("max_media_bytes", limits.max_media_bytes, size)
    data = source.read(size)
    if is_animated(media_type, head):
        return open_animation(data, media_type, _CANVAS[media_type](data, limits), limits)
    still = decode(data, limits)
    return Footage(VideoInfo(still.media_type, still.width, still.height), iter((Picked(0, still),)))
