"""Whether new entries match at once: the two-person rule, urgent banks, and the brake on sudden growth."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import select

from hashmatch.store.named import BankRow
from hashmatch.store.rows import moment_or_none
from hashmatch.store.schema import banks, batches, entries
from hashmatch.store.writing import Write
from hashmatch.types import Adding, Approval, Entry, Hold, NewEntry, State
from hashmatch.types.moments import moment

WINDOW: Final = 24 * 3_600 * 1_000_000
"""Growth is counted over so many microseconds, beginning with the first addition after the last such time."""
SMALL: Final = 1_000
"""A bank that had fewer entries when that began may grow without limit."""
_HOUR: Final = 3_600 * 1_000_000


class Standing(NamedTuple):
    """How new entries stand."""

    state: State = State.LIVE
    review_from: int | None = None
    batch: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The same as columns of `entries`."""
        return {"state": self.state.value, "review_from": self.review_from, "batch": self.batch}

    @property
    def logged(self) -> dict[str, Any] | None:
        """What the history keeps of it; None for entries that just match."""
        return None if self.state is State.LIVE else {"state": self.state.value, "review_from": self.review_from}

    @classmethod
    def told(cls, logged: Mapping[str, Any] | None) -> Self:
        """What `logged` gave."""
        return cls() if logged is None else cls(State(logged["state"]), logged["review_from"])

    def entry(self, number: int, bank: str, new: NewEntry, write: Write) -> Entry:
        """An entry of that number as a write adds it."""
        return Entry(
            id=number,
            bank=bank,
            hash=new.hash,
            provenance=new.provenance,
            created=moment(write.created),
            revision=write.revision,
            review_from=moment_or_none(self.review_from),
            state=self.state,
        )


def admit(write: Write, bank: BankRow, count: int, adding: Adding) -> Standing:
    """Decide how `count` new entries are to stand, and count those that match in the bank's growth."""
    state, hold = _decide(write, bank, count, adding)
    since, before = _window(write, bank)
    counted = {"window_start": since, "window_count": before}
    if state is not State.PENDING:
        counted["entry_count"] = bank.matching + count
    write.tables.update(banks, banks.c.id == bank.number, counted)
    if hold is None:
        return Standing(state)
    review = write.created + bank.policy.review_hours * _HOUR if state is State.UNREVIEWED else None
    return Standing(state, review, batch_number(write, bank, adding.batch, hold))


def batch_number(write: Write, bank: BankRow, name: str, hold: Hold) -> int:
    """The row of the author's batch of that name, of the write itself where it has none; made where there is none."""
    name = name or f"r{write.revision}"
    mine = (batches.c.bank_id == bank.number) & (batches.c.name == name) & (batches.c.author == write.author.name)
    found = write.connection.execute(select(batches.c.id).where(mine)).scalar_one_or_none()
    if found is None:
        row = {"bank_id": bank.number, "name": name, "author": write.author.name, "created": write.created}
        write.tables.insert(batches, [{**row, "hold": hold.value}])
        found = write.connection.execute(select(batches.c.id).where(mine)).scalar_one()
    return int(found)


def _decide(write: Write, bank: BankRow, count: int, adding: Adding) -> tuple[State, Hold | None]:
    if bank.policy.approval is Approval.BEFORE:
        return State.PENDING, Hold.APPROVAL
    if _grows_too_fast(write, bank, count + adding.following) or _goes_on(write, bank, adding.batch):
        return State.PENDING, Hold.GROWTH
    if bank.policy.approval is Approval.AFTER:
        return State.UNREVIEWED, Hold.REVIEW
    return State.LIVE, None


def _window(write: Write, bank: BankRow) -> tuple[int, int]:
    """Since when growth is counted, and how many entries there were then."""
    if bank.window_start is None or write.created - bank.window_start >= WINDOW:
        return write.created, bank.matching
    return bank.window_start, bank.window_count


def _grows_too_fast(write: Write, bank: BankRow, more: int) -> bool:
    _, before = _window(write, bank)
    limit = bank.policy.growth_limit
    return limit > 0 and before >= SMALL and 100 * (bank.matching + more - before) > limit * before


def _goes_on(write: Write, bank: BankRow, name: str) -> bool:
    """Whether entries of the same batch wait already for the bank having grown too fast."""
    if not name:
        return False
    mine = (batches.c.bank_id == bank.number) & (batches.c.name == name) & (batches.c.author == write.author.name)
    waiting = select(entries.c.id).join(batches, entries.c.batch == batches.c.id)
    waiting = waiting.where(mine, batches.c.hold == Hold.GROWTH.value)
    waiting = waiting.where(entries.c.state == State.PENDING.value, entries.c.removed.is_(None))
    return write.connection.execute(waiting.limit(1)).first() is not None
