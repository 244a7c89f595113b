"""The sweeper removes what has expired, again and again, whatever the database does."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hashmatch.errors import Unavailable
from hashmatch.server.sweeping import Sweeper
from hashmatch.store import Store
from hashmatch.types import PDQ, Bank, Hash, NewEntry


def swept(sweep: Callable[[], int], until: threading.Event) -> None:
    sweeper = Sweeper(sweep, seconds=0.01)
    sweeper.start()
    try:
        assert until.wait(20)
    finally:
        sweeper.stop()


def test_what_has_expired_is_removed_from_the_bank(tmp_path: Path) -> None:
    done = threading.Event()
    past = datetime.now(UTC) - timedelta(seconds=1)
    with Store.open(f"sqlite:///{tmp_path / 'banks.db'}") as store:
        store.create_bank(Bank("a"))
        store.add_entries("a", [NewEntry(Hash(PDQ, bytes(32)), expires=past) for _ in range(3)])

        def sweep() -> int:
            count = store.remove_expired()
            if not count:
                done.set()
            return count

        swept(sweep, done)
        assert store.count_entries("a") == 0


def test_it_goes_on_after_failures_and_until_nothing_is_left() -> None:
    done = threading.Event()
    outcomes: list[int | Exception] = [Unavailable("the database does not answer"), 2, 1, 0, 5]

    def sweep() -> int:
        outcome = outcomes.pop(0) if outcomes else 0
        if not outcomes:
            done.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    swept(sweep, done)
