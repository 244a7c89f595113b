"""Entries as columns: a fifth of the memory of the objects, and nothing for the garbage collector to visit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.asked import UNKNOWN_QUALITY
from hashmatch.index.origins import Origins
from hashmatch.index.texts import Texts
from hashmatch.types import Entry, Hash, TimeRange

NOT_SHOWN: Final = -1
"""Stands for no time within a video."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Column: TypeAlias = NDArray[Any] | Texts | Origins
"""All have a length, and `take` of an index array."""


def video_number(content_id: str) -> int:
    """A number of 64 bits, never 0, that stands for a known video where its name would be slow to compare."""
    return int.from_bytes(blake2b(content_id.encode(), digest_size=8).digest(), "little") or 1


@dataclass(frozen=True, eq=False, slots=True)
class Columns:
    """Everything of n entries of one kind but their bits; arrays have the shape (n,).

    Another field, of any of these types, is all that another property of entries needs to be kept, here and in files.
    """

    ids: NDArray[np.int64]
    slots: NDArray[np.int32]
    """The banks, by their number in the roster."""
    qualities: NDArray[np.uint8]
    """0 to 100, or UNKNOWN_QUALITY."""
    created: NDArray[np.int64]
    """Microseconds since 1970, UTC."""
    revisions: NDArray[np.int64]
    shown_from: NDArray[np.int64]
    """Microseconds since the video's beginning, or NOT_SHOWN of a still."""
    shown_until: NDArray[np.int64]
    """Inclusive, or NOT_SHOWN."""
    videos: NDArray[np.uint64]
    """What `video_number` says of a video frame's content id; 0 of a still."""
    contents: Texts
    """The content ids."""
    origins: Origins

    @classmethod
    def of(cls, entries: Sequence[Entry], slots: Mapping[str, int]) -> Self:
        """Take the entries apart; `slots` numbers the banks and raises KeyError on one that is unknown."""
        qualities = (entry.hash.quality for entry in entries)
        provenances = [entry.provenance for entry in entries]
        shown = [entry.shown for entry in entries]
        times = {time: (time - _EPOCH) // _MICROSECOND for time in {entry.created for entry in entries}}
        return cls(
            ids=np.array([entry.id for entry in entries], dtype=np.int64),
            slots=np.array([slots[entry.bank] for entry in entries], dtype=np.int32),
            qualities=np.array([UNKNOWN_QUALITY if q is None else q for q in qualities], dtype=np.uint8),
            created=np.array([times[entry.created] for entry in entries], dtype=np.int64),
            revisions=np.array([entry.revision for entry in entries], dtype=np.int64),
            shown_from=np.array([NOT_SHOWN if at is None else at.start for at in shown], dtype=np.int64),
            shown_until=np.array([NOT_SHOWN if at is None else at.end for at in shown], dtype=np.int64),
            videos=np.array(
                [0 if entry.shown is None else video_number(entry.provenance.content_id) for entry in entries],
                dtype=np.uint64,
            ),
            contents=Texts.of([said.content_id for said in provenances]),
            origins=Origins.of(provenances),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.integer[Any]]) -> Self:
        """Return the rows that an index array chooses, in its order."""
        return type(self)(*(getattr(self, field.name).take(rows) for field in fields(self)))

    def entries(
        self, rows: NDArray[np.integer[Any]], banks: Sequence[str], kind: str, bits: Sequence[bytes]
    ) -> list[Entry]:
        """Put entries together again; their banks' names, their kind and the bits of each are kept elsewhere."""
        qualities, starts, ends, created = (
            column[rows].tolist() for column in (self.qualities, self.shown_from, self.shown_until, self.created)
        )
        times = {time: _EPOCH + time * _MICROSECOND for time in set(created)}
        hashes = [
            Hash(kind, code, None if quality == UNKNOWN_QUALITY else quality)
            for code, quality in zip(bits, qualities, strict=True)
        ]
        shown = [None if start == NOT_SHOWN else TimeRange(start, end) for start, end in zip(starts, ends, strict=True)]
        return list(
            map(
                Entry,
                self.ids[rows].tolist(),
                banks,
                hashes,
                self.origins.provenances(rows, self.contents.at(rows)),
                map(times.__getitem__, created),
                self.revisions[rows].tolist(),
                shown,
            )
        )


def joined(parts: Sequence[Column]) -> Column:
    """Put columns of one type one after another."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return np.concatenate(parts) if isinstance(first, np.ndarray) else type(first).concatenate(parts)  # type: ignore[arg-type]  # all are of the first's type
