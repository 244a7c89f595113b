"""A process of its own that writes to a store, and says after each write that it is done.

Usage: python -m tests.store_suite.writer URL BANK ENTRIES WRITES. A line on standard output for each write:
its revision, the first number and the last.
"""

import sys

from hashmatch.store import Store

from .samples import new_entries


def main() -> None:
    url, bank, entries, writes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with Store.open(url) as store:
        for number in range(writes):
            added, revision = store.add_entries(bank, new_entries(number, entries))
            sys.stdout.write(f"{revision} {added[0].id} {added[-1].id}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
