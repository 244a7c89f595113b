"""What must change for records of an exchange to hold what they should."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select

from hashmatch.store.checks import LONGEST_REASON
from hashmatch.store.history import pieces
from hashmatch.store.named import bank_number
from hashmatch.store.schema import OF_EXCHANGE, entries
from hashmatch.types import Applied, Exchange, NewEntry


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be added and removed."""

    new: Sequence[NewEntry]
    gone: Sequence[int]
    unchanged: int

    @property
    def is_done(self) -> bool:
        """Whether nothing has to be changed."""
        return not self.new and not self.gone

    @property
    def applied(self) -> Applied:
        """What it comes to."""
        return Applied(len(self.new), len(self.gone), self.unchanged)


def plan(connection: Connection, exchange: Exchange, records: Mapping[str, Sequence[NewEntry]]) -> Plan:
    """Compare what records hold with what they should; raises NotFound for the bank.

    A hash that was removed from a record, but not because it was withdrawn there, counts as being there: whoever
    removed it knew better than the exchange, which may send it again and again.
    """
    there, refused = _held(connection, exchange, list(records))
    new = []
    unchanged = 0
    for some in records.values():
        for entry in some:
            content = _content(entry)
            if there.pop(content, None) is None and content[:3] not in refused:
                new.append(entry)
            else:
                unchanged += 1
    return Plan(new, sorted(id_ for ids in there.values() for id_ in ids), unchanged)


def own(connection: Connection, exchange: Exchange) -> ColumnElement[bool]:
    """The condition for an exchange's entries, removed ones included; raises NotFound for the bank."""
    number = bank_number(connection, exchange.bank)
    return and_(entries.c.bank_id == number, entries.c.source == exchange.source, OF_EXCHANGE)


def _held(
    connection: Connection, exchange: Exchange, names: Sequence[str]
) -> tuple[dict[tuple[Any, ...], list[int]], set[tuple[Any, ...]]]:
    """The entries of records by what they hold, and the hashes that somebody removed from them."""
    columns = entries.c
    mine = own(connection, exchange)
    page = select(
        columns.removed,
        columns.removal_reason,
        columns.content_id,
        columns.kind,
        columns.bits,
        columns.labels,
        columns.note,
        columns.id,
    )
    own_reason = reason(exchange.name)
    there: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    refused = set()
    for some in pieces(names):
        for removed, why, *content, id_ in connection.execute(page.where(mine, columns.content_id.in_(some))):
            if removed is None:
                there[tuple(content)].append(id_)
            elif not why.startswith(own_reason):
                refused.add(tuple(content[:3]))
    return there, refused


def reason(name: str, why: str = "") -> str:
    """With which reason an exchange of that name changes its entries."""
    return f"exchange:{name}: {why}"[:LONGEST_REASON]


def _content(entry: NewEntry) -> tuple[Any, ...]:
    origin = entry.provenance
    return origin.content_id, entry.hash.kind, entry.hash.bits, json.dumps(origin.labels), origin.note
