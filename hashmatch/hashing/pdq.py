"""The kind `pdq`: Meta's perceptual hash of 256 bits, computed by the native core."""

from typing import Final

import numpy as np

from hashmatch import _core
from hashmatch.hashing.kind import FrameKind
from hashmatch.types import PDQ, PDQ_BITS, Frame, Hash

_FULL_RANGE: Final = ((np.arange(256) - 16) * 255 / 219).round().clip(0, 255).astype(np.uint8)
"""Limited luma to full."""


def _hash_frame(frame: Frame) -> tuple[Hash, ...]:
    """Contrast changes no bit, but the quality grows with it, up to 100."""
    if frame.reduction == 1:
        hashes, quality = _core.pdq(frame.pixels, order="bgr")
        if frame.limited and quality < 100:
            _, quality = _core.pdq(_FULL_RANGE[frame.pixels], order="bgr")
    else:
        hashes, quality = _core.pdq_reduced(frame.pixels, frame.height, frame.width, frame.reduction)
    return tuple(Hash(PDQ, row.tobytes(), quality, approximate=frame.reduction > 1) for row in hashes)


# 31 of 256 bits is the distance that the authors of PDQ recommend.
KIND: Final = FrameKind(
    name=PDQ, bits=PDQ_BITS, default_threshold=31, has_quality=True, hash_frame=_hash_frame, takes_reduced=True
)
