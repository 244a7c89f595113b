"""Videos made for the tests: scenes of photographs that move, in any codec and container."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
SIZE = (160, 120)

H264 = {"preset": "ultrafast", "crf": "20"}
QUICK: Mapping[str, Mapping[str, str]] = {
    "libx264": H264,
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "2M"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "b": "2M"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
    "mpeg4": {"b": "4M"},
    "mjpeg": {"b": "8M"},
}


def encoded(
    pictures: Iterable[Pixels],
    codec: str = "libx264",
    container: str = "mp4",
    *,
    rate: int = 10,
    pix_fmt: str = "yuv420p",
    samples: str = "rgb24",
    options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
    prepare: Callable[[Any], None] = lambda _: None,
) -> bytes:
    """A file of pictures of one size, in RGB or as `samples` says; `prepare` is given the stream before all else."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=dict(container_options or {})) as output:
        stream: Any = None
        for number, picture in enumerate(pictures):
            if stream is None:
                stream = output.add_stream(codec, rate=rate, options={**QUICK.get(codec, {}), **(options or {})})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.codec_context.thread_count = 1
                prepare(stream)
            frame = av.VideoFrame.from_ndarray(picture, format=samples)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def scene(
    photo: Pixels, count: int, size: tuple[int, int] = (160, 120), first: int = 0, of: int = 0
) -> Iterator[Pixels]:
    """`count` RGB frames of a camera that moves over a photograph; a part of a scene of `of` frames, from `first`."""
    width, height = size
    large = cv2.resize(photo, (2 * width, 2 * height), interpolation=cv2.INTER_AREA)
    for number in range(first, first + count):
        t = number / max(1, (of or count) - 1)
        x, y = int(width * t), int(height * (1 - t))
        yield np.ascontiguousarray(large[y : y + height, x : x + width]).astype(np.uint8)


def turned(photo: Pixels, how: int) -> Pixels:
    """One of four pictures, of which none matches another in any orientation."""
    if how == 1:
        return np.roll(photo, photo.shape[1] // 3, 1)
    if how == 2:
        return (255 - photo).astype(np.uint8)
    return np.roll(photo, photo.shape[0] // 2, 0) if how == 3 else photo


def film(
    photos: Sequence[Pixels], seconds: int, rate: int = 10, size: tuple[int, int] = (160, 120)
) -> Iterator[Pixels]:
    """A scene of 4 seconds of each photograph, another part or a negative of it each time that they are through."""
    count = 4 * rate
    for number in range(seconds // 4):
        photo = photos[number % len(photos)]
        shift = number // (4 * len(photos)) * 37
        yield from scene(np.ascontiguousarray(np.roll(turned(photo, number // len(photos) % 4), shift, 1)), count, size)


def animated(pictures: Sequence[Pixels], kind: str, milliseconds: int = 40, **options: Any) -> bytes:
    """An animated image of RGB or RGBA pictures, as Pillow writes it."""
    first, *rest = (Image.fromarray(picture) for picture in pictures)
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=rest, duration=milliseconds, **options)
    return file.getvalue()
