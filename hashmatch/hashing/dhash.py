"""The kind `dhash`: 64 bits, the pixels of the 9 x 8 picture above their left neighbour.

Bit for bit `imagehash.dhash` of the same pixels with Pillow 13, which first turns them grey and resizes them.
"""

from typing import Final

from hashmatch import _core
from hashmatch.hashing.kind import FrameKind
from hashmatch.types import Frame, Hash


def _hash_frame(frame: Frame) -> tuple[Hash, ...]:
    return tuple(Hash("dhash", row.tobytes()) for row in _core.small_hash(frame.pixels, "dhash", order="bgr"))


# 2,300 of a million pairs of unrelated pictures, mostly smooth ones, are as near: benchmarks/robustness.md.
KIND: Final = FrameKind(name="dhash", bits=64, default_threshold=4, hash_frame=_hash_frame)
