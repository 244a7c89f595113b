"""What many entries say alike of where they come from, kept once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.texts import Texts
from hashmatch.types import Provenance

_MOST_COMPARED: Final = 2**16
"""Of so many texts those that are the same are found when sequences are joined; more are taken as they are."""


@dataclass(frozen=True, eq=False, slots=True)
class Origins:
    """An immutable sequence of n sources with their labels, notes and programmes."""

    places: NDArray[np.int32]
    """(n,): of the text in `told` that says it."""
    told: Texts
    """JSON arrays of source, labels, note and programme."""

    @classmethod
    def of(cls, provenances: Sequence[Provenance]) -> Self:
        """Take apart what provenances say, the content ids and times left out."""
        numbers: dict[tuple[str, tuple[str, ...], str, str], int] = {}
        places = [
            numbers.setdefault((each.source, each.labels, each.note, each.programme), len(numbers))
            for each in provenances
        ]
        return cls(np.array(places, dtype=np.int32), Texts.of([json.dumps(said) for said in numbers]))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Put several one after another; what none of them refers to is dropped."""
        used = [np.flatnonzero(np.bincount(part.places, minlength=len(part.told))) for part in parts]
        told = Texts.concatenate([part.told.take(each) for part, each in zip(parts, used, strict=True)])
        numbers = np.arange(len(told), dtype=np.int32)
        if len(told) <= _MOST_COMPARED:
            distinct: dict[str, int] = {}
            numbers = np.array([distinct.setdefault(text, len(distinct)) for text in told], dtype=np.int32)
            told = Texts.of(list(distinct))
        places, first = [], 0
        for part, each in zip(parts, used, strict=True):
            new = np.zeros(len(part.told), dtype=np.int32)
            new[each] = numbers[first : first + len(each)]
            places.append(new[part.places])
            first += len(each)
        return cls(np.concatenate(places), told)

    def __len__(self) -> int:
        return len(self.places)

    def take(self, rows: NDArray[np.integer[Any]]) -> Self:
        """Return the rows that an index array chooses, in its order; what they refer to is shared."""
        return type(self)(self.places[rows], self.told)

    def provenances(
        self, rows: NDArray[np.integer[Any]], content_ids: Sequence[str], reported: Sequence[datetime | None]
    ) -> list[Provenance]:
        """Put the provenances of rows together again; their content ids and times are kept elsewhere."""
        places = self.places[rows].tolist()
        said = {}
        for place in set(places):
            source, labels, note, programme = json.loads(self.told[place])
            said[place] = source, tuple(labels), note, programme
        return [
            Provenance(content_id, *said[place], time)
            for content_id, place, time in zip(content_ids, places, reported, strict=True)
        ]
