"""Texts and origins in arrays are the lists of values they were made from, however they are taken and joined."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.index import origins, texts
from hashmatch.index.origins import Origins
from hashmatch.index.texts import Texts
from hashmatch.types import Provenance

VALUES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=12)
PROVENANCES = st.lists(
    st.builds(
        Provenance,
        source=st.sampled_from(("", "a list", "été")),
        labels=st.sampled_from(((), ("one",), ("one", "two"))),
        note=st.sampled_from(("", "a\0note\n")),
    ),
    max_size=12,
)


@given(parts=st.lists(VALUES, min_size=1, max_size=4), data=st.data(), at_once=st.integers(1, 20))
def test_texts(parts: list[list[str]], data: st.DataObject, at_once: int) -> None:
    values = [value for part in parts for value in part]
    whole = Texts.concatenate([Texts.of(part) for part in parts])
    assert list(whole) == values
    assert len(whole) == len(values)
    rows = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=20)) if values else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "_BYTES_AT_ONCE", at_once)
        taken = whole.take(np.array(rows, dtype=np.int64))
    assert list(taken) == whole.at(np.array(rows, dtype=np.int64)) == [values[row] for row in rows]


@given(parts=st.lists(PROVENANCES, min_size=1, max_size=4), data=st.data(), compared=st.sampled_from((0, 3, 100)))
def test_origins(parts: list[list[Provenance]], data: st.DataObject, compared: int) -> None:
    columns = []
    for part in parts:
        rows = data.draw(st.lists(st.integers(0, len(part) - 1), max_size=9)) if part else []
        part[:] = [part[row] for row in rows]
        columns.append(Origins.of(part).take(np.arange(len(part))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origins, "_MOST_COMPARED", compared)
        whole = Origins.concatenate(columns)
    values = [value for part in parts for value in part]
    everything, nobody = np.arange(len(whole)), [None] * len(whole)
    assert whole.provenances(everything, [value.content_id for value in values], nobody) == values
    assert len(whole.told) <= sum(len(each.told) for each in columns)


def test_what_is_said_alike_is_kept_once_and_what_nobody_says_is_dropped() -> None:
    one, other = (Origins.of([Provenance("", source)] * 50) for source in ("a", "b"))
    rows = np.arange(50)
    assert [json.loads(told)[0] for told in Origins.concatenate([one, other, one]).told] == ["a", "b"]
    assert len(Origins.concatenate([one, other.take(rows[:0])]).told) == 1
