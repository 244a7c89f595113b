"""The kind `ahash`: 64 bits, the pixels of the 8 x 8 picture above their mean.

Bit for bit `imagehash.average_hash` of the same pixels with Pillow 13, which first turns them grey and resizes them.
"""

from typing import Final

from hashmatch import _core
from hashmatch.hashing.kind import FrameKind
from hashmatch.types import Frame, Hash


def _hash_frame(frame: Frame) -> tuple[Hash, ...]:
    return tuple(Hash("ahash", row.tobytes()) for row in _core.small_hash(frame.pixels, "ahash", order="bgr"))


# 2,000 of a million pairs of unrelated pictures, mostly smooth ones, are as near: benchmarks/robustness.md.
KIND: Final = FrameKind(name="ahash", bits=64, default_threshold=3, hash_frame=_hash_frame)
