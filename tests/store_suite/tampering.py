"""Somebody who can write the database changes it at random, past the log."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    RowMapping,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from hashmatch.store.schema import METADATA, audit, changes, head
from hashmatch.tlog import leaf_hash, node_hash

TABLES: Final = tuple(METADATA.sorted_tables)


def tamper(connection: Connection, random: Random) -> str:
    """Make one change, within a transaction that the caller undoes; returns what was done."""
    return random.choice(_WAYS)(connection, random)


def _edit(connection: Connection, random: Random) -> str:
    """Change one value of one row."""
    table, row = _row(connection, random)
    column = random.choice([column for column in table.c if not column.primary_key or random.random() < 0.1])
    value = _other(row[column.name], column, random)
    connection.execute(update(table).where(_is(table, row)).values({column: value}))
    return f"edited {table.name}.{column.name}: {row[column.name]!r} to {value!r}"


def _delete(connection: Connection, random: Random) -> str:
    """Delete one row, or some in a row."""
    table, row = _row(connection, random)
    if random.random() < 0.8:
        connection.execute(delete(table).where(_is(table, row)))
        return f"deleted {_key(table, row)} of {table.name}"
    key = next(iter(table.primary_key.columns))
    connection.execute(delete(table).where(key >= row[key.name]))
    return f"deleted {_key(table, row)} of {table.name} and all after it"


def _insert(connection: Connection, random: Random) -> str:
    """Insert a row like another, with another key."""
    table, row = _row(connection, random)
    key = random.choice(list(table.primary_key.columns))
    copy = dict(row) | {key.name: _other(row[key.name], key, random)}
    for column in table.c:
        if column.unique or (table is audit and column.name == "revision"):
            copy[column.name] = _other(row[column.name], column, random)
    connection.execute(insert(table).values(copy))
    return f"inserted {copy[key.name]!r} into {table.name}"


def _swap(connection: Connection, random: Random) -> str:
    """Put one row in the place of another, and that in its place."""
    table, one = _row(connection, random)
    _, other = _row(connection, random, table)
    names = [column.name for column in table.c if not column.primary_key]
    if all(one[name] == other[name] for name in names):
        raise LookupError("the same rows")
    connection.execute(delete(table).where(_is(table, one) | _is(table, other)))
    for key, values in ((one, other), (other, one)):
        kept = {column.name: key[column.name] for column in table.primary_key.columns}
        connection.execute(insert(table).values({**dict(values), **kept}))
    return f"swapped {_key(table, one)} and {_key(table, other)} of {table.name}"


def _truncate(connection: Connection, random: Random) -> str:
    """Cut the log's tail off, and put the head back so that it fits."""
    kept = random.randrange(_size(connection))
    connection.execute(delete(audit).where(audit.c.number >= kept))
    last = connection.execute(select(func.max(audit.c.revision))).scalar() or 0
    connection.execute(update(head).values(revision=last))
    if random.random() < 0.5:
        connection.execute(delete(changes).where(changes.c.revision > last))
    return f"cut the log to {kept} records"


def _rewrite(connection: Connection, random: Random) -> str:
    """Change what a record says and compute the whole tree anew, which only a checkpoint gives away."""
    at = random.randrange(_size(connection))
    row = connection.execute(select(audit.c.record).where(audit.c.number == at)).scalar_one()
    record = json.loads(row)
    field = random.choice(("who", "why", "what", "time"))
    record[field] = record[field] + 1 if field == "time" else record[field] + "x"
    _write(connection, at, json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    return f"rewrote the log with another {field} in record {at}"


def _exchange(connection: Connection, random: Random) -> str:
    """Exchange what two records say of who and why, and compute the whole tree anew."""
    one, other = sorted(random.sample(range(_size(connection)), 2))
    texts = [connection.execute(select(audit.c.record).where(audit.c.number == at)).scalar_one() for at in (one, other)]
    first, second = map(json.loads, texts)
    if first["who"] == second["who"]:
        raise LookupError("the same author")
    first["who"], second["who"] = second["who"], first["who"]
    for at, record in ((one, first), (other, second)):
        _write(connection, at, json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    return f"exchanged the authors of records {one} and {other}"


_WAYS: Final[tuple[Callable[[Connection, Random], str], ...]] = (
    *(_edit,) * 8,
    *(_delete,) * 4,
    *(_insert,) * 3,
    *(_swap,) * 4,
    _truncate,
    _rewrite,
    _exchange,
)


def _write(connection: Connection, at: int, record: str) -> None:
    connection.execute(update(audit).where(audit.c.number == at).values(record=record))
    peaks: list[bytes] = []
    for number, text in connection.execute(select(audit.c.number, audit.c.record).order_by(audit.c.number)).all():
        tree, rest = [leaf_hash(text.encode())], number
        while rest & 1:
            tree.append(node_hash(peaks.pop(), tree[-1]))
            rest >>= 1
        peaks.append(tree[-1])
        connection.execute(update(audit).where(audit.c.number == number).values(tree=b"".join(tree)))


def _size(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(audit)).scalar_one())


def _row(connection: Connection, random: Random, table: Table | None = None) -> tuple[Table, RowMapping]:
    """A row of any table, all tables being equally likely."""
    chosen = random.choice(TABLES) if table is None else table
    rows = connection.execute(select(chosen)).mappings().all()
    if not rows:
        raise LookupError(f"{chosen.name} is empty")
    return chosen, random.choice(rows)


def _key(table: Table, row: RowMapping) -> list[Any]:
    return [row[column.name] for column in table.primary_key.columns]


def _is(table: Table, row: RowMapping) -> Any:
    condition: Any = None
    for column in table.primary_key.columns:
        same = column == row[column.name]
        condition = same if condition is None else condition & same
    return condition


def _other(value: Any, column: Column[Any], random: Random) -> Any:  # noqa: PLR0911 - one for each type
    """Another value of the column."""
    if value is not None and column.nullable and random.random() < 0.2:
        return None
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, Integer):
        return (value or 0) + random.choice((-1, 1, 7, 1_000))
    if isinstance(column.type, LargeBinary):
        if not value:
            return bytes(32)
        at = random.randrange(len(value))
        return value[:at] + bytes([value[at] ^ 1 << random.randrange(8)]) + value[at + 1 :]
    if isinstance(value, dict):
        name = random.choice(sorted(value))
        return {**value, name: f"{value[name]}x"}
    if isinstance(value, float):
        return value / 2 + 0.1
    text = "" if value is None else str(value)
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice("aZ09 \N{SNOWMAN}") + text[at + random.randrange(2) :] + "~"
