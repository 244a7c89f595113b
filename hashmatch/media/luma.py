"""A decoded video frame as pixels to hash: its luma plane where it has one, and its colours where asked for."""

from typing import Final

import cv2
import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Interpolation
from numpy.typing import NDArray

from hashmatch.media.footage import Picked
from hashmatch.media.picture import Picture
from hashmatch.media.white import opaque
from hashmatch.types import Frame

_AS_THE_REFERENCE: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
"""The same bits on every processor: those of the hashes that come with vPDQ."""
_UNSPECIFIED: Final = 2
"""As FFmpeg numbers what a frame says of its colours (ITU-T H.273)."""


def picked(time: int, frame: VideoFrame, media_type: str) -> Picked:
    """A frame's pixels as they are stored: cropped, but neither turned nor stretched to the shape of display.

    What has no luma plane, such as RGB, becomes BGR, on a white page where it is transparent. Samples of more than 8
    bits are rounded to 8. The pixels may be a view of the frame's memory, which then lives as long.
    """
    parts = frame.format.components
    has_luma = parts[0].is_luma and not frame.format.is_rgb and not frame.format.has_palette
    alone = all(part.plane != parts[0].plane for part in parts[1:])
    width, height = frame.width, frame.height
    if not has_luma or not alone or frame.format.is_big_endian or frame.planes[0].line_size <= 0:
        return Picked(time, Frame(_shown(frame), media_type, width, height))
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    luma = Frame(_plane(frame, parts[0].bits), media_type, width, height, limited=not full)
    if len(parts) == 1:
        return Picked(time, luma)
    return Picked(time, luma, lambda: Frame(_converted(frame), media_type, width, height))


def _converted(frame: VideoFrame) -> NDArray[np.uint8]:
    """BGR as vPDQ makes it: by the coefficients of BT.601 and rounded to 8 bits, whatever the frame says it is."""
    frame.colorspace = _UNSPECIFIED
    shown = frame.reformat(format="bgr24", interpolation=_AS_THE_REFERENCE, threads=1)
    return shown.to_ndarray().astype(np.uint8, copy=False)


def _plane(frame: VideoFrame, bits: int) -> NDArray[np.uint8]:
    plane = frame.planes[0]
    if bits == 8:
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        pixels: NDArray[np.uint8] = rows[: frame.height, : frame.width]
        return pixels
    rows = np.frombuffer(plane, np.uint16).reshape(-1, plane.line_size // 2)  # type: ignore[call-overload]
    samples: NDArray[np.uint16] = rows[: frame.height, : frame.width]
    return cv2.convertScaleAbs(samples, alpha=2.0 ** (8 - bits)).astype(np.uint8, copy=False)


def _shown(frame: VideoFrame) -> NDArray[np.uint8]:
    if any(part.is_alpha for part in frame.format.components) or frame.format.has_palette:
        samples = frame.to_ndarray(format="bgra")
        return opaque(samples, Picture(b"", frame.width, frame.height, frame.width, frame.height))
    return frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
