"""Entries as columns: a fifth of the memory of the objects, and nothing for the garbage collector to visit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.asked import UNKNOWN_QUALITY
from hashmatch.index.origins import Origins
from hashmatch.index.roster import LOTS
from hashmatch.index.texts import Texts
from hashmatch.types import Entry, Hash, State, TimeRange
from hashmatch.types.moments import EVER, microseconds, moment

NOT_SHOWN: Final = -1
"""Stands for no time within a video."""

NOT_REPORTED: Final = -1
"""Stands for no time of a report."""

_STATES: Final = tuple(State)
_NUMBER_OF: Final = {state: number for number, state in enumerate(_STATES)}

Column: TypeAlias = NDArray[Any] | Texts | Origins
"""All have a length, and `take` of an index array."""


def video_number(content_id: str) -> int:
    """A number of 64 bits, never 0, that stands for a known video where its name would be slow to compare."""
    return int.from_bytes(blake2b(content_id.encode(), digest_size=8).digest(), "little") or 1


def lot(entry: Entry) -> int:
    """Which part of a staged roll-out an entry is in, 0 inclusive to LOTS exclusive: that of all of its content."""
    content = entry.provenance.content_id
    return int.from_bytes(blake2b(content.encode() or entry.hash.bits, digest_size=8).digest(), "little") % LOTS


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
    lots: NDArray[np.uint16]
    """What `lot` says."""
    expires: NDArray[np.int64]
    """Microseconds since 1970, UTC, or EVER."""
    review_from: NDArray[np.int64]
    """The same."""
    states: NDArray[np.uint8]
    """Positions in `State`."""
    reported: NDArray[np.int64]
    """Microseconds since 1970, UTC, or NOT_REPORTED."""
    contents: Texts
    """The content ids."""
    origins: Origins

    @classmethod
    def of(cls, entries: Sequence[Entry], slots: Mapping[str, int]) -> Self:
        """Take the entries apart; `slots` numbers the banks and raises KeyError on one that is unknown."""
        qualities = (entry.hash.quality for entry in entries)
        provenances = [entry.provenance for entry in entries]
        shown = [entry.shown for entry in entries]
        times = {time: microseconds(time) for time in {entry.created for entry in entries}}
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
            lots=np.array([lot(entry) for entry in entries], dtype=np.uint16),
            expires=_numbers([entry.expires for entry in entries], EVER),
            review_from=_numbers([entry.review_from for entry in entries], EVER),
            states=np.array([_NUMBER_OF[entry.state] for entry in entries], dtype=np.uint8),
            reported=_numbers([said.reported for said in provenances], NOT_REPORTED),
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
        times = {time: moment(time) for time in set(created)}
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
                self.origins.provenances(rows, self.contents.at(rows), _moments(self.reported[rows], NOT_REPORTED)),
                map(times.__getitem__, created),
                self.revisions[rows].tolist(),
                shown,
                _moments(self.expires[rows], EVER),
                _moments(self.review_from[rows], EVER),
                map(_STATES.__getitem__, self.states[rows].tolist()),
            )
        )


def _numbers(moments: Sequence[datetime | None], none: int) -> NDArray[np.int64]:
    return np.array([none if each is None else microseconds(each) for each in moments], dtype=np.int64)


def _moments(numbers: NDArray[np.int64], none: int) -> list[datetime | None]:
    return [None if number == none else moment(number) for number in numbers.tolist()]


def joined(parts: Sequence[Column]) -> Column:
    """Put columns of one type one after another."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return np.concatenate(parts) if isinstance(first, np.ndarray) else type(first).concatenate(parts)  # type: ignore[arg-type]  # all are of the first's type
