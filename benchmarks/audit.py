"""What the audit log costs a bulk write, and how long it takes to compare the tables with it: on SQLite and PostgreSQL.

    python -m benchmarks.audit --rows 200000

The peer is the same write without the log: the same rows, checked alike, into the same table of the same database, in
a transaction each. Both take turns, batch by batch. Times are of a core, of this process alone.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.machine import described
from hashmatch.store import Store
from hashmatch.store.checks import check_entries
from hashmatch.store.connect import connect
from hashmatch.store.rows import entry_values
from hashmatch.store.schema import entries
from hashmatch.types import PDQ, Bank, Hash, NewEntry, Provenance
from tests.postgresql import PostgreSQLServer, programs

BATCH = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_args().rows
    print(described())
    print("| database | rows | a batch of 5,000 with the log, core ms | without | ratio | verify, core s | rows/s |")
    print("|---|---|---|---|---|---|---|")
    for name in ("sqlite", "postgresql"):
        with database(name) as url:
            measure(url, rows, name)


@contextmanager
def database(name: str) -> Iterator[str]:
    """The URL of an empty database."""
    where = programs()
    if name == "sqlite":
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/hashmatch.db"
    elif where is None:
        raise SystemExit("PostgreSQL is not installed (Debian: apt-get install postgresql-15)")
    else:
        with PostgreSQLServer(where) as server:
            yield server.new_url()


def measure(url: str, rows: int, title: str) -> None:
    logged, bare = [], []
    with Store.open(url) as store:
        store.create_bank(Bank("a"))
        plain = connect(url)
        for start in range(0, rows, BATCH):
            batch = [new_entry(number) for number in range(start, start + BATCH)]
            began = time.process_time()
            store.add_entries("a", batch)
            logged.append(time.process_time() - began)
            began = time.process_time()
            check_entries(batch)
            same = {"bank_id": 1, "created": 0, "revision": 0}
            numbered = [{"id": 2**40 + start + at, **same, **row} for at, row in enumerate(entry_values(batch))]
            with plain.writes.begin() as connection:
                plain.load(connection, entries, numbered)
            bare.append(time.process_time() - began)
        with plain.writes.begin() as connection:
            connection.execute(entries.delete().where(entries.c.id >= 2**40))
        plain.close()
        began = time.process_time()
        assert store.audit.verify().problems == ()
        took = time.process_time() - began
    with_log, without = median(logged) * 1e3, median(bare) * 1e3
    figures = f"{with_log:.0f} | {without:.0f} | {with_log / without:.2f} | {took:.1f} | {rows / took:,.0f}"
    print(f"| {title} | {rows:,} | {figures} |", flush=True)


def new_entry(number: int) -> NewEntry:
    """A row as an exchange hands them out."""
    bits = sha256(str(number).encode()).digest()
    provenance = Provenance(f"case-{number}", f"programme {number % 7}", (f"label {number % 50}", "b"))
    return NewEntry(Hash(PDQ, bits, number % 101), provenance)


if __name__ == "__main__":
    main()
