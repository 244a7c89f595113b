"""Banks and entries by their names, for a transaction."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from hashmatch.errors import NotFound
from hashmatch.store.rows import SELECT_BANKS, bank_from
from hashmatch.store.schema import banks
from hashmatch.types import Bank

LAST_ID: Final = 2**63 - 1


class BankRow(NamedTuple):
    """A bank's row, with what is counted in it."""

    number: int
    policy: Bank
    matching: int
    """How many entries match."""
    window_start: int | None
    window_count: int


def bank_named(connection: Connection, name: str) -> Bank:
    """Return a bank; raises NotFound."""
    row = connection.execute(SELECT_BANKS.where(banks.c.name == name)).one_or_none()
    if row is None:
        raise no_bank(name)
    return bank_from(row._asdict())


def bank_row(connection: Connection, name: str) -> BankRow:
    """Return a bank's row; raises NotFound."""
    counted = select(banks.c.id, banks.c.entry_count, banks.c.window_start, banks.c.window_count)
    row = connection.execute(counted.where(banks.c.name == name)).one_or_none()
    if row is None:
        raise no_bank(name)
    return BankRow(row.id, bank_named(connection, name), row.entry_count, row.window_start, row.window_count or 0)


def bank_number(connection: Connection, name: str) -> int:
    """Return the number of a bank's row; raises NotFound."""
    number: int | None = connection.execute(select(banks.c.id).where(banks.c.name == name)).scalar_one_or_none()
    if number is None:
        raise no_bank(name)
    return number


def no_bank(name: str) -> NotFound:
    return NotFound(f"no bank is named {name!r}", bank=name)


def no_entry(bank: str, id_: int, sort: str = "") -> NotFound:
    """The error for an entry that is not there; `sort` says which sort was looked for, for example `removed `."""
    return NotFound(f"bank {bank!r} has no {sort}entry {id_}", bank=bank, entry=id_)
