"""Codes as real hashes are and as they are worst, and queries near to them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.mih import substrings

BITS = 256
THRESHOLD = 31
CLUSTERS = 1350

Codes = NDArray[np.uint8]


def flipped(codes: Codes, most: int, random: np.random.Generator) -> Codes:
    """Return copies with 0 to `most` bits changed."""
    copies = codes.copy()
    times = random.integers(0, most + 1, len(codes))
    for step in range(most):
        rows = np.flatnonzero(times > step)
        bit = random.integers(0, BITS, len(rows))
        copies[rows, bit >> 3] ^= (1 << (bit & 7)).astype(np.uint8)
    return copies


def uniform(count: int, random: np.random.Generator) -> Codes:
    return random.integers(0, 256, (count, BITS // 8), dtype=np.uint8)


def clustered(count: int, random: np.random.Generator, centres: Codes | None = None) -> Codes:
    """Codes around few centres, most of them within the threshold of each other."""
    if centres is None:
        centres = uniform(CLUSTERS, np.random.default_rng(0))
    return flipped(centres[random.integers(0, len(centres), count)], 24, random)


def skewed(count: int, random: np.random.Generator) -> Codes:
    """The worst for substrings: each has a value that 30 % of all codes share."""
    codes = np.unpackbits(uniform(count, random), axis=1)
    parts = substrings(count, BITS // 8)
    for part in range(parts):
        rows = random.random(count) < 0.3
        codes[rows, BITS * part // parts : BITS * (part + 1) // parts] = 0
    return np.packbits(codes, axis=1)


DATA: Final[Mapping[str, Callable[[int, np.random.Generator], Codes]]] = MappingProxyType(
    {"uniform": uniform, "clustered": clustered, "skewed": skewed}
)


def material(data: str, count: int, haystack: Path | None) -> tuple[Codes, Codes]:
    """Return codes, and queries: (1024, 32)."""
    random = np.random.default_rng(count)
    if data == "clustered" and haystack:
        centres = np.array([list(bytes.fromhex(line)) for line in haystack.read_text().split()], dtype=np.uint8)
        codes, unknown = (clustered(size, random, centres) for size in (count, 512))
    else:
        codes, unknown = (DATA[data](size, random) for size in (count, 512))
    near = flipped(codes[random.integers(0, count, 512)], THRESHOLD, random)
    queries = np.empty((1024, BITS // 8), dtype=np.uint8)
    queries[::2], queries[1::2] = near, unknown
    return codes, queries
