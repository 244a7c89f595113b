"""One fetch of one exchange: what is new there, into the bank that follows it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from hashmatch.errors import ExchangeFailed, HashmatchError, Unavailable
from hashmatch.exchange.api import Api
from hashmatch.exchange.apis import api_named
from hashmatch.exchange.credentials import Secret
from hashmatch.store import Store
from hashmatch.types import Applied, Author, ExchangeStatus, NewEntry, Page

_ENTRIES_A_WRITE: Final = 5_000
_MOST_TOLD: Final = 20
"""Hashes that could not be taken over; more are counted alone."""

_Records = Mapping[str, tuple[NewEntry, ...]]
_Checkpoint = Mapping[str, Any] | None


class Fetch:
    """A fetch, which may be broken off at any moment: the next goes on after the last page that was kept.

    A page is written whole, with the checkpoint after it, unless it has more than 5,000 entries: then in parts of
    so many, with the checkpoint in the last. Where everything is fetched again, what was not seen is removed in the
    end, and no checkpoint kept before.
    """

    def __init__(
        self, store: Store, name: str, author: Author, tell: Callable[[str], None], show: Callable[["Fetch"], None]
    ) -> None:
        """`tell` is given what goes wrong in passing; `show` is called after each write."""
        self.applied = Applied()
        self.bad = 0
        """How many hashes could not be taken over."""
        self._exchanges = store.exchanges
        self._name = name
        self._author = author
        self._tell = tell
        self._show = show
        self._fetch = ""

    def run(self, *, anew: bool = False) -> None:
        """Fetch, everything again if `anew`.

        Raises NotFound for the exchange or its bank, ConfigurationError for the secret, ExchangeFailed, Superseded,
        and Unavailable where the database is.
        """
        status = self._exchanges.get(self._name)
        api = api_named(status.exchange.api)
        secret = Secret.of(status.exchange, api)
        self._fetch = self._exchanges.begin(self._name, self._author)
        try:
            with secret.logged(self._tell):
                self._follow(status, api, secret, anew=anew)
        except Unavailable:
            raise
        except HashmatchError as error:
            self._exchanges.fail(self._name, self._fetch, str(error), self._author)
            raise

    def _follow(self, status: ExchangeStatus, api: Api, secret: Secret, *, anew: bool) -> None:
        start = status.checkpoint
        if anew or (start is not None and api.is_stale(start)):
            start = None
        seen: set[str] | None = None
        if start is None and self._exchanges.records(self._name, limit=1):
            seen = set()
        reached = start
        for page in _pages(api, status, secret, start):
            reached = page.checkpoint
            self._take(page, status.exchange.source, seen)
        if seen is not None:
            self._remove_all_but(seen)
        self._exchanges.finish(self._name, self._fetch, reached, self._author)

    def _take(self, page: Page, source: str, seen: set[str] | None) -> None:
        parts = list(_parts(page.records, source))
        for at, part in enumerate(parts, 1):
            checkpoint = page.checkpoint if at == len(parts) and seen is None else None
            self._write(part, checkpoint)
        if seen is not None:
            seen.update(name for name, entries in page.records.items() if entries)
        for problem in page.bad[: max(0, _MOST_TOLD - self.bad)]:
            self._tell(problem)
        self.bad += len(page.bad)

    def _write(self, records: _Records, checkpoint: _Checkpoint = None) -> None:
        self.applied += self._exchanges.apply(self._name, self._fetch, records, checkpoint, self._author)
        self._show(self)

    def _remove_all_but(self, seen: set[str]) -> None:
        after = ""
        while held := self._exchanges.records(self._name, after):
            after = held[-1]
            self._write({record: () for record in held if record not in seen})


def _pages(api: Api, status: ExchangeStatus, secret: Secret, start: _Checkpoint) -> Iterator[Page]:
    """Draw pages; whatever the library raises is ExchangeFailed, without the secret."""
    pages = api.pages(status.exchange.options, secret.reveal(), start)
    while True:
        try:
            page = next(pages)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - the library raises anything
            said = secret.hide(f"{type(error).__name__}: {error}")
            raise ExchangeFailed(f"{status.exchange.name}: {said[:1_000]}") from None
        yield page


def _parts(records: _Records, source: str) -> Iterator[_Records]:
    """Yield the records in parts of not too many entries, at least one part; every entry carries the source."""
    part: dict[str, tuple[NewEntry, ...]] = {}
    count = 0
    for name, entries in records.items():
        if part and count + max(len(entries), 1) > _ENTRIES_A_WRITE:
            yield part
            part, count = {}, 0
        part[name] = tuple(_from(entry, source) for entry in entries)
        count += max(len(entries), 1)
    yield part


def _from(entry: NewEntry, source: str) -> NewEntry:
    return replace(entry, provenance=replace(entry.provenance, source=source))
