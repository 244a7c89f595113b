"""The kind `pdq`: Meta's perceptual hash of 256 bits, computed by the native core."""

from typing import Final

from hashmatch import _core
from hashmatch.hashing.kind import FrameKind
from hashmatch.types import PDQ, PDQ_BITS, Frame, Hash
from hashmatch.types.quick import quick

_hash = quick(Hash)


def _hash_frame(frame: Frame) -> tuple[Hash, ...]:
    if frame.reduction == 1:
        hashes, quality = _core.pdq(frame.pixels, order="bgr", limited=frame.limited)
    else:
        hashes, quality = _core.pdq_reduced(frame.pixels, frame.height, frame.width, frame.reduction)
    approximate = frame.reduction > 1
    return tuple(_hash(PDQ, row.tobytes(), quality, approximate) for row in hashes)


# 31 of 256 bits is the distance that the authors of PDQ recommend.
KIND: Final = FrameKind(
    name=PDQ, bits=PDQ_BITS, default_threshold=31, has_quality=True, hash_frame=_hash_frame, takes_reduced=True
)
