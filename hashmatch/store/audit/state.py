"""The state of the tables that follows from the log."""

import heapq
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hashmatch.store.audit.forms import FORMS, Form, Key, digest
from hashmatch.store.audit.records import count_in
from hashmatch.tlog import HASH_BYTES, root_hash


class Contradiction(Exception):
    """A record cannot follow those before it."""


class TableState:
    """Which rows one table must hold: the hash of each by its key.

    Rows that were inserted in bulk stand in spans of their hashes, so that 10 million of them fit in memory.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._firsts: list[int] = []
        self._spans: list[tuple[int, int, bytes, int]] = []
        """First and last number, and where in which bytes the hash of the first is; ascending."""
        self._single: dict[Any, bytes | None] = {}
        """The hashes of other rows; None for those of a span that are gone."""

    def get(self, key: Key) -> bytes | None:
        """The hash of a row; None where there must be none."""
        if key in self._single:
            return self._single[key]
        if not isinstance(key, int) or not self._spans:
            return None
        at = bisect_right(self._firsts, key) - 1
        if at < 0 or key > self._spans[at][1]:
            return None
        first, _, hashes, start = self._spans[at]
        return _slice(hashes, start + key - first)

    def insert(self, key: Key, hash_: bytes) -> None:
        """Raises Contradiction where there is such a row."""
        if self.get(key) is not None:
            raise Contradiction(f"inserts {self.row(key)}, which is there")
        self._single[key] = hash_

    def insert_runs(self, runs: Sequence[Sequence[int]], hashes: bytes) -> None:
        """Insert rows by runs of numbers; raises Contradiction."""
        start = 0
        for first, last in runs:
            if not self._spans or first > self._spans[-1][1]:
                self._firsts.append(first)
                self._spans.append((first, last, hashes, start))
            else:
                for key in range(first, last + 1):
                    self.insert(key, _slice(hashes, start + key - first))
            start += last - first + 1

    def replace(self, key: Key, hash_: bytes | None, before: bytes | None = None) -> None:
        """Change a row, or delete it where `hash_` is None; raises Contradiction where it was not `before`."""
        found = self.get(key)
        if found is None:
            raise Contradiction(f"changes {self.row(key)}, which is not there")
        if before is not None and before != found:
            raise Contradiction(f"changes {self.row(key)}, which was not what it says it was")
        if hash_ is not None or (isinstance(key, int) and self._spans):
            self._single[key] = hash_
        else:
            del self._single[key]

    def rows(self) -> Iterator[tuple[Any, bytes]]:
        """The keys and hashes of all rows, in the order of their keys."""
        spanned = (
            (key, _slice(hashes, start + key - first))
            for first, last, hashes, start in self._spans
            for key in range(first, last + 1)
            if key not in self._single
        )
        single = sorted(
            ((key, hash_) for key, hash_ in self._single.items() if hash_ is not None),
            key=lambda item: self._form.order(item[0]),
        )
        return heapq.merge(spanned, single) if self._spans else iter(single)

    def row(self, key: Any) -> str:
        """A row in words."""
        return f"row {key if self._form.numbered else '/'.join(map(str, key))} of {self._form.table.name}"


class State:
    """All audited tables."""

    def __init__(self) -> None:
        self.tables: Final = {name: TableState(form) for name, form in FORMS.items()}

    def apply(self, changes: Sequence[Mapping[str, Any]], hashes: bytes) -> None:
        """Apply the changes of one record and the row hashes beside it; raises Contradiction."""
        start = 0
        for change in changes:
            if change["table"] not in FORMS:
                raise Contradiction(f"tells of a table {change['table']!r}, which is none")
            form, table = FORMS[change["table"]], self.tables[change["table"]]
            if "root" in change:
                some = hashes[start * HASH_BYTES : (start + count_in(change)) * HASH_BYTES]
                start += count_in(change)
                _apply_hashes(table, change, some)
            elif change["do"] == "delete" and "before" not in change:
                for key in _keys(change):
                    table.replace(key, None)
            else:
                _apply_rows(table, form, change)
        if len(hashes) != start * HASH_BYTES:
            raise Contradiction("has other hashes of rows beside it than it tells of")


def _apply_hashes(table: TableState, change: Mapping[str, Any], hashes: bytes) -> None:
    leaves = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    if len(leaves) != count_in(change) or root_hash(leaves).hex() != change["root"]:
        raise Contradiction("has other hashes of rows beside it than it tells of")
    if change["do"] == "insert" and "runs" in change:
        table.insert_runs(change["runs"], hashes)
        return
    for key, hash_ in zip(_keys(change), leaves, strict=True):
        if change["do"] == "insert":
            table.insert(key, hash_)
        else:
            table.replace(key, hash_)


def _apply_rows(table: TableState, form: Form, change: Mapping[str, Any]) -> None:
    before, after = change.get("before", ()), change.get("after", ())
    match change["do"]:
        case "insert":
            for row in after:
                table.insert(form.key(row), digest(row))
        case "update":
            for old, new in zip(before, after, strict=True):
                table.replace(form.key(old), digest(new), digest(old))
        case "delete":
            for row in before:
                table.replace(form.key(row), None, digest(row))
        case other:
            raise Contradiction(f"does {other!r}, which is unknown")


def _keys(change: Mapping[str, Any]) -> Iterator[Key]:
    for first, last in change.get("runs", ()):
        yield from range(first, last + 1)
    yield from map(tuple, change.get("keys", ()))


def _slice(hashes: bytes, at: int) -> bytes:
    return hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES]
