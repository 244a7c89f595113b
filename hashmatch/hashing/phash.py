"""The kind `phash`: 64 bits, the DCT coefficients of the 32 x 32 picture above their median.

Bit for bit `imagehash.phash` of the same pixels with Pillow 13, which first turns them grey and resizes them.
"""

from typing import Final

from hashmatch import _core
from hashmatch.hashing.kind import FrameKind
from hashmatch.types import Frame, Hash


def _hash_frame(frame: Frame) -> tuple[Hash, ...]:
    return tuple(Hash("phash", row.tobytes()) for row in _core.small_hash(frame.pixels, "phash", order="bgr"))


# 17 of a million pairs of unrelated pictures are as near: benchmarks/robustness.md.
KIND: Final = FrameKind(name="phash", bits=64, default_threshold=8, hash_frame=_hash_frame)
