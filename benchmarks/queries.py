"""Hashes of a query as the service looks them up, and how far they are from known ones, for every kind of hash."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hashmatch import hashing
from hashmatch.media import without_margins
from hashmatch.types import Bank, Frame, Orientation

TURNS = len(Orientation)
WAYS = MappingProxyType(
    {
        "as stored": slice(0, 1),
        "orientations": slice(0, TURNS),
        "border view": slice(0, None, TURNS),
        "both": slice(0, None),
    }
)
"""What may be looked for: the rows of a query's hashes."""
FAR = 10_000
"""The distance of what a bank does not compare."""


class Query(NamedTuple):
    """The hashes of one kind: the 8 orientations of the whole, then those of what is within its border, if any."""

    codes: NDArray[np.uint8]
    """(8 or 16, bytes)"""
    good: NDArray[np.bool_]
    """(8 or 16,): whether the quality is what a bank asks for by default; kinds without quality always are."""


def hashed(frame: Frame) -> Mapping[str, Query]:
    """The hashes of a picture by kind, for all kinds that see pictures."""
    inner = without_margins(frame)
    found = {}
    for kind in hashing.KINDS:
        views = [hashing.hash_frame(part, kind) for part in (frame, inner) if part is not None]
        hashes = [value for view in views for value in view]
        if hashes:
            lowest = Bank("any").minimum_quality
            codes = np.array([list(value.bits) for value in hashes], np.uint8)
            found[kind] = Query(codes, np.array([value.quality is None or value.quality >= lowest for value in hashes]))
    return found


def distances(query: Query, known: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(ways, known): from the nearest hash that each way looks for, FAR where there is none; `known` is uint8 codes."""
    width = max(8, known.shape[1])
    words, others = (
        np.pad(codes, ((0, 0), (0, width - codes.shape[1]))).view(np.uint64) for codes in (query.codes, known)
    )
    apart = np.bitwise_count(words[:, None] ^ others).sum(axis=2, dtype=np.int64)
    apart[~query.good] = FAR
    return np.stack([apart[rows].min(axis=0) for rows in WAYS.values()])
