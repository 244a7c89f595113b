"""Rows of the tables as canonical JSON: equal rows give equal bytes, and others do not."""

import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any, Final, TypeAlias

from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, RowMapping, Table, type_coerce
from sqlalchemy.types import NullType, TypeEngine

from hashmatch.store.runs import runs
from hashmatch.store.schema import AUDITED
from hashmatch.tlog import leaf_hash

Key: TypeAlias = int | tuple[Any, ...]
"""The primary key of a row: a number, or else the values of its columns."""
Row: TypeAlias = Mapping[str, Any] | RowMapping
"""The values of a row by its columns' names."""

canonical: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""Keys sorted, no spaces, nothing escaped that need not be."""


def _odd(value: Any) -> Any:
    """Something that no value of the column's type is written as."""
    return {"odd": repr(value)}


def _number(value: Any) -> Any:
    return value if type(value) is int else _odd(value)


def _fraction(value: Any) -> Any:
    return float(value) if type(value) in {int, float} else _odd(value)


def _boolean(value: Any) -> Any:
    """SQLite keeps 0 and 1."""
    return bool(value) if type(value) is bool or (type(value) is int and value in {0, 1}) else _odd(value)


def _binary(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else _odd(value)


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else _odd(value)


def _json(value: Any) -> Any:
    """SQLite keeps text."""
    try:
        return _odd(value) if isinstance(value, bytes) else json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return _odd(value)


_PLAIN: Final[Sequence[tuple[type[TypeEngine[Any]], Callable[[Any], Any]]]] = (
    (Boolean, _boolean),
    (Integer, _number),
    (Float, _fraction),
    (LargeBinary, _binary),
    (JSON, _json),
)


_QUICK: Final[Mapping[Callable[[Any], Any], tuple[type, Callable[[Any], str]]]] = {
    _number: (int, repr),
    _binary: (bytes, lambda value: f'"{value.hex()}"'),
    _text: (str, encode_basestring),
}
"""How values of exactly that type are written, for the columns that mostly hold them: as `canonical` does."""
_LEFT_OUT: Final = object()


class _Member:
    """How one column's values are written."""

    def __init__(self, column: Column[Any]) -> None:
        self.name = column.name
        self.plain = _plain(column)
        self.default = _default(column)
        self._prefix = f'"{column.name}":'
        self._exact, self._quick = _QUICK.get(self.plain, (type(None), canonical))

    def written(self, values: Sequence[Any]) -> list[str]:
        """Each value as a member of a JSON object, canonical; "" where it is left out."""
        if self.default is None and values.count(None) == len(values):
            return [""] * len(values)
        prefix, exact, quick, default = self._prefix, self._exact, self._quick, self.default
        return [
            prefix + quick(value) if type(value) is exact and value != default else self._one(value) for value in values
        ]

    def said(self, value: Any) -> Any:
        """A value that JSON knows, `_LEFT_OUT` for what the form leaves out."""
        if value is None:
            return _LEFT_OUT if self.default is None else None
        found = self.plain(value)
        return _LEFT_OUT if self.default is not None and found == self.default else found

    def _one(self, value: Any) -> str:
        found = self.said(value)
        return "" if found is _LEFT_OUT else self._prefix + canonical(found)


class Form:
    """How the rows of one table are written.

    A column that holds its default, or NULL where it has none, is left out, so that a column that is added later
    changes no row's form.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.raw = [type_coerce(column, NullType()).label(column.name) for column in table.c]
        """The columns as the driver gives them, whatever somebody else may have put there."""
        self.numbered = len(table.primary_key.columns) == 1 and isinstance(
            next(iter(table.primary_key.columns)).type, Integer
        )
        """Whether a number is the primary key."""
        self._key = [column.name for column in table.primary_key.columns]
        self._members = sorted(map(_Member, table.c), key=lambda member: member.name)

    def key(self, row: Row) -> Key:
        """The primary key of a row."""
        return row[self._key[0]] if self.numbered else tuple(row[name] for name in self._key)

    def order(self, key: Any) -> Any:
        """What to sort keys by, whatever is in them: numbers by themselves."""
        return key if self.numbered else [(type(part).__name__, part) for part in key]

    def plain(self, row: Row) -> dict[str, Any]:
        """A row by its columns' names, in values that JSON knows: bytes as hexadecimal digits."""
        said = {member.name: member.said(row[member.name]) for member in self._members if member.name in row}
        return {name: value for name, value in said.items() if value is not _LEFT_OUT}

    def digests(self, rows: Sequence[Row]) -> list[bytes]:
        """The hashes of rows that have the same columns, as leaves."""
        held = [member for member in self._members if rows and member.name in rows[0]]
        columns = [member.written([row[member.name] for row in rows]) for member in held]
        return [_leaf("{" + ",".join(filter(None, members)) + "}") for members in zip(*columns, strict=True)]

    def digest(self, row: Row) -> bytes:
        """The hash of a row, as a leaf."""
        return self.digests((row,))[0]

    def named(self, keys: Sequence[Any]) -> dict[str, Any]:
        """Keys as a record holds them: numbers in runs, both ends inclusive, and all others one by one."""
        return {"runs": [list(run) for run in runs(keys)]} if self.numbered else {"keys": [list(key) for key in keys]}


def digest(plain: Mapping[str, Any]) -> bytes:
    """The hash, as a leaf, of a row that is plain already."""
    return _leaf(canonical(plain))


def _leaf(text: str) -> bytes:
    return leaf_hash(text.encode("utf-8", "surrogatepass"))


def _plain(column: Column[Any]) -> Callable[[Any], Any]:
    return next((plain for kind, plain in _PLAIN if isinstance(column.type, kind)), _text)


def _default(column: Column[Any]) -> Any:
    """What rows from before the column hold in it; None for NULL."""
    if column.server_default is None:
        return None
    text = str(column.server_default.arg)  # type: ignore[attr-defined]  # a DefaultClause
    if isinstance(column.type, Boolean):
        return text.lower() in {"1", "true"}
    kind: type = column.type.python_type
    return kind(text)


FORMS: Final = {table.name: Form(table) for table in AUDITED}
"""By the tables' names."""
