"""Rows as the audit log hashes them, against the canonical JSON of their plain values."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.store.audit.forms import FORMS, Form, canonical
from hashmatch.tlog import leaf_hash

TEXTS = st.text(st.characters(exclude_categories=()))
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), TEXTS, st.sampled_from(["null", "[]", '{"b":1}'])
)


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
@settings(max_examples=30)
@given(data=st.data())
def test_a_hash_is_that_of_the_canonical_json_whatever_a_column_holds(form: Form, data: st.DataObject) -> None:
    names = [column.name for column in form.table.c]
    rows: list[dict[str, Any]] = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, VALUES)), max_size=3))
    texts = [canonical(form.plain(row)).encode("utf-8", "surrogatepass") for row in rows]
    assert form.digests(rows) == list(map(leaf_hash, texts))
