"""What was reported of matches, as it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, bindparam, case, func, select

from hashmatch.store.history import MATCHING, pieces
from hashmatch.store.named import LAST_ID, bank_number, no_entry
from hashmatch.store.schema import IS_FLAGGED, entries, reporters, reports
from hashmatch.types import Entry, Feedback, Finding, Report, SourceFeedback
from hashmatch.types.moments import moment

FALSE: Final = func.sum(case((reports.c.finding == Finding.FALSE.value, 1), else_=0))
_OF_ENTRIES: Final = (
    select(reports.c.entry_id, FALSE, func.count())
    .where(reports.c.entry_id.in_(bindparam("ids", expanding=True)))
    .group_by(reports.c.entry_id)
)


def with_feedback(connection: Connection, found: Sequence[Entry]) -> list[Entry]:
    """The entries with what was reported of them."""
    said: dict[int, Feedback] = {}
    for some in pieces([entry.id for entry in found]):
        said |= {id_: _feedback(false, all_) for id_, false, all_ in connection.execute(_OF_ENTRIES, {"ids": some})}
    return [replace(entry, feedback=said[entry.id]) if entry.id in said else entry for entry in found]


def reports_of(connection: Connection, bank: str, entry: int, after: int, limit: int) -> list[Report]:
    """At most `limit` reports of an entry, removed or not, from `after`, exclusive; raises NotFound."""
    number = bank_number(connection, bank)
    known = select(entries.c.id).where(entries.c.bank_id == number, entries.c.id == min(entry, LAST_ID))
    if connection.execute(known).first() is None:
        raise no_entry(bank, entry)
    page = select(reports, reporters.c.name).join(reporters, reporters.c.id == reports.c.reporter_id)
    page = page.where(reports.c.entry_id == entry, reports.c.id > min(after, LAST_ID))
    rows = connection.execute(page.order_by(reports.c.id).limit(limit))
    return [
        Report(row.id, row.content_id, Finding(row.finding), row.note, row.name, moment(row.created)) for row in rows
    ]


def sources(connection: Connection, bank: str, after: str | None, limit: int) -> list[SourceFeedback]:
    """At most `limit` sources of a bank, in the database's order, from `after`, exclusive; raises NotFound."""
    mine = entries.c.bank_id == bank_number(connection, bank)
    matching, flagged = (func.sum(case((which, 1), else_=0)) for which in (MATCHING, IS_FLAGGED))
    page = select(entries.c.source, matching, flagged).where(mine)
    if after is not None:
        page = page.where(entries.c.source > after)
    found = connection.execute(page.group_by(entries.c.source).order_by(entries.c.source).limit(limit)).all()
    said = _said_of(connection, found, mine)
    return [SourceFeedback(source, int(m), int(f), said.get(source, Feedback())) for source, m, f in found]


def _said_of(connection: Connection, found: Sequence[Any], mine: Any) -> Mapping[str, Feedback]:
    """What was reported of a page of sources."""
    if not found:
        return {}
    counted = select(entries.c.source, FALSE, func.count()).join(entries, entries.c.id == reports.c.entry_id)
    counted = counted.where(mine, entries.c.source.between(found[0].source, found[-1].source))
    rows = connection.execute(counted.group_by(entries.c.source))
    return {source: _feedback(false, all_) for source, false, all_ in rows}


def _feedback(false: int, all_: int) -> Feedback:
    return Feedback(int(all_ - false), int(false))
