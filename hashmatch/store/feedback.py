"""What people report of matches, and what becomes of entries that match what they should not."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from hashmatch.errors import TooManyReports
from hashmatch.store.approvals import check_other
from hashmatch.store.checks import check_batch, check_report
from hashmatch.store.database import Database, answering
from hashmatch.store.history import MATCHING
from hashmatch.store.named import LAST_ID, BankRow, bank_number, bank_row, no_entry
from hashmatch.store.reports import FALSE, reports_of, sources
from hashmatch.store.schema import IS_FLAGGED, What, banks, batches, entries, reporters, reports
from hashmatch.store.standing import check_all, chosen, numbers
from hashmatch.store.writing import Write, Writer
from hashmatch.types import LOCAL, Action, Approval, Author, Bank, Finding, Report, Reported, SourceFeedback, State

MOST_AN_HOUR: Final = 2_000
"""Reports of one reporter within an hour, over all banks; each may be of any entry."""
MOST_KEPT: Final = 100
"""Of one reporter and entry; a newer one takes the place of the oldest."""
LEAST_DEMOTED: Final = 10
"""So many entries of a bank may be demoted in 24 hours, or one in a hundred where those are more."""
_HOUR: Final = 3_600 * 1_000_000


class FeedbackStore:
    """What was reported of the matches of one database, for any number of threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database)

    def report(self, bank: str, entry: int, content_id: str, finding: Finding, author: Author = LOCAL) -> Reported:
        """Take up what the author found of an upload that matched an entry; its reason is a note to go with it.

        It takes the place of what the author said of that entry and upload before; saying the same again changes
        nothing. Raises InvalidField, TooManyReports, and NotFound for the bank, or an entry that does not match.
        """
        check_report(content_id, finding, author.reason)
        said = {"content_id": content_id, "finding": finding.value, "note": author.reason}
        with answering(), self._database.reads.connect() as connection:
            flagged = _matching(connection, bank, entry).state is State.FLAGGED
            if _is_said(connection, entry, author, said):
                return Reported(flagged, demoted=False, revision=0)
        with self._writer.write(author, "", ("report_match",)) as write:
            write.banks.add(bank)
            before = _matching(write.connection, bank, entry)
            _put(write, entry, _reporter(write), said)
            row = bank_row(write.connection, bank)
            if not is_false(row.policy, _counts(write.connection, entry)):
                return Reported(before.state is State.FLAGGED, demoted=False, revision=0)
            changed, demoted = _flag(write, row, entry, before)
            return Reported(True, demoted, write.revision if changed else 0)

    def reinstate(self, bank: str, ids: Sequence[int], request_id: str = "", author: Author = LOCAL) -> int:
        """Let 1 to 10,000 flagged entries match as before, all or none; returns the revision.

        The reports that they are false are settled by that, and forgotten but for the audit log. Where the bank wants
        two persons, another than who added them must do it: raises NeedsAnotherPerson, as approving does. Raises
        InvalidField, and NotFound for the bank, or for the first number that is no flagged entry of it.
        """
        check_batch("names", ids)
        with self._writer.write(author, request_id, ("reinstate_entries", bank, list(ids))) as write:
            if write.repeated:
                return write.revision
            row = bank_row(write.connection, bank)
            back: set[int] = set()
            for some in chosen(ids):
                flagged = some & (entries.c.bank_id == row.number) & IS_FLAGGED
                _check_another(write, row, flagged)
                of_them = select(entries.c.id).where(flagged)
                settled = reports.c.entry_id.in_(of_them) & (reports.c.finding == Finding.FALSE.value)
                write.tables.delete(reports, settled)
                live: dict[str, Any] = {"state": State.LIVE.value, "review_from": None}
                back.update(numbers(write.tables.update(entries, flagged, live)))
            check_all(bank, ids, back, "flagged ")
            write.log_entries(What.ENTRIES_PUT, bank, sorted(back))
            return write.revision

    def reports(self, bank: str, entry: int, after: int = 0, limit: int = 100) -> list[Report]:
        """At most `limit` reports of an entry, removed or not, oldest first, from `after`, exclusive; raises
        NotFound.
        """
        with answering(), self._database.reads.connect() as connection:
            return reports_of(connection, bank, entry, after, limit)

    def sources(self, bank: str, after: str | None = None, limit: int = 100) -> list[SourceFeedback]:
        """At most `limit` sources of a bank in the database's order, from `after`, exclusive, or from the first;
        raises NotFound. It goes through all entries of the bank.
        """
        with answering(), self._database.reads.connect() as connection:
            return sources(connection, bank, after, limit)


def is_false(policy: Bank, counts: Iterable[tuple[int, int]]) -> bool:
    """Whether a bank takes an entry for false; `counts` has, of each reporter, how many reports say so, and of how
    many.
    """
    said = list(counts)
    false, reporters_ = sum(each for each, _ in said), sum(each > 0 for each, _ in said)
    if not policy.false_share or false < policy.false_reports or reporters_ < policy.false_reporters:
        return False
    mean = sum((Fraction(each, of) for each, of in said), Fraction()) / len(said)
    return float(mean) >= policy.false_share


class _Before(NamedTuple):
    """How an entry stands when it is reported."""

    state: State
    review_from: int | None


def _matching(connection: Connection, bank: str, entry: int) -> _Before:
    """An entry that matches; raises NotFound."""
    there = select(entries.c.state, entries.c.review_from).join(banks, banks.c.id == entries.c.bank_id)
    there = there.where(banks.c.name == bank, entries.c.id == min(entry, LAST_ID), MATCHING)
    row = connection.execute(there).one_or_none()
    if row is None:
        bank_number(connection, bank)
        raise no_entry(bank, entry, "matching ")
    return _Before(State(row.state), row.review_from)


def _is_said(connection: Connection, entry: int, author: Author, said: dict[str, str]) -> bool:
    """Whether the author has said the very same of an entry."""
    same = select(reports.c.id).join(reporters, reporters.c.id == reports.c.reporter_id)
    same = same.where(reports.c.entry_id == entry, reporters.c.name == author.name)
    same = same.where(*(reports.c[name] == value for name, value in said.items()))
    return connection.execute(same).first() is not None


def _reporter(write: Write) -> int:
    """The number of the author as a reporter, whose report is counted; raises TooManyReports."""
    mine = reporters.c.name == write.author.name
    row = write.connection.execute(select(reporters).where(mine)).one_or_none()
    anew: dict[str, Any] = {"window_start": write.created, "window_count": 1}
    if row is None:
        write.tables.insert(reporters, [{"name": write.author.name, **anew}])
        return int(write.connection.execute(select(reporters.c.id).where(mine)).scalar_one())
    if not 0 <= write.created - row.window_start < _HOUR:
        write.tables.update(reporters, mine, anew)
    elif row.window_count >= MOST_AN_HOUR:
        wait = ceil((row.window_start + _HOUR - write.created) / 1_000_000)
        said = f"{write.author.name} has made {MOST_AN_HOUR:,} reports within an hour; it may go on in {wait:,} s"
        raise TooManyReports(said, wait, maximum=MOST_AN_HOUR)
    else:
        write.tables.update(reporters, mine, {"window_count": reporters.c.window_count + 1})
    return int(row.id)


def _put(write: Write, entry: int, reporter: int, said: dict[str, str]) -> None:
    """Put a report in the place of the reporter's earlier one of that upload, or of its oldest of that entry."""
    mine = (reports.c.entry_id == entry) & (reports.c.reporter_id == reporter)
    write.tables.delete(reports, mine & (reports.c.content_id == said["content_id"]))
    kept = write.connection.execute(select(func.count()).select_from(reports).where(mine)).scalar_one()
    if kept >= MOST_KEPT:
        oldest = select(func.min(reports.c.id)).where(mine).scalar_subquery()
        write.tables.delete(reports, reports.c.id == oldest)
    row = {"entry_id": entry, "reporter_id": reporter, "created": write.created, **said}
    write.tables.insert(reports, [row])


def _counts(connection: Connection, entry: int) -> list[tuple[int, int]]:
    """Of each reporter of an entry, how many of its reports say that it is false, and how many there are."""
    counted = select(FALSE, func.count()).where(reports.c.entry_id == entry).group_by(reports.c.reporter_id)
    return [(int(false), all_) for false, all_ in connection.execute(counted)]


def _flag(write: Write, bank: BankRow, entry: int, before: _Before) -> tuple[bool, bool]:
    """Flag an entry, and let its matches ask for REVIEW; whether anything changed, and whether these did ask for BLOCK.

    Entries of an ALLOW bank are only flagged, and so are those beyond what feedback may demote of a bank in a day.
    """
    doubted = before.review_from is not None and before.review_from <= write.created
    demoted = bank.policy.action is not Action.ALLOW and not doubted and _may_demote(write, bank)
    if before.state is State.FLAGGED and not demoted:
        return False, False
    values: dict[str, Any] = {"state": State.FLAGGED.value}
    write.tables.update(entries, entries.c.id == entry, values | ({"review_from": write.created} if demoted else {}))
    write.log_entries(What.ENTRIES_PUT, bank.policy.name, [entry])
    return True, demoted and bank.policy.action is Action.BLOCK


def _may_demote(write: Write, bank: BankRow) -> bool:
    lately = entries.c.review_from.between(write.created - 24 * _HOUR, write.created)
    done = select(func.count()).select_from(entries).where(entries.c.bank_id == bank.number, IS_FLAGGED, lately)
    return bool(write.connection.execute(done).scalar_one() < max(LEAST_DEMOTED, bank.matching // 100))


def _check_another(write: Write, bank: BankRow, which: ColumnElement[bool]) -> None:
    """Raise NeedsAnotherPerson where it takes two and the author added one of these entries."""
    if bank.policy.approval is Approval.NONE:
        return
    by = select(batches.c.author).distinct().join(entries, entries.c.batch == batches.c.id).where(which)
    for added_by in write.connection.execute(by).scalars().all() or [""]:
        check_other(write.author, added_by, bank)
