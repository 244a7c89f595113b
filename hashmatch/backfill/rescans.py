"""`rescan`: what is new in the banks, or a few urgent hashes, matched against every hash of the logs."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any, Final

import pyarrow as pa

from hashmatch.backfill import banks, jobs
from hashmatch.backfill.banks import Wanted
from hashmatch.backfill.counts import Counts
from hashmatch.backfill.engines import Where
from hashmatch.backfill.folder import open_folder
from hashmatch.backfill.item import Item
from hashmatch.backfill.logs import row_groups
from hashmatch.backfill.plan import Plan, parts_of
from hashmatch.backfill.scans import UNWATCHED, Watch
from hashmatch.backfill.sifting import Sifter
from hashmatch.backfill.storage import check_location
from hashmatch.client import Security
from hashmatch.client.security import OPEN
from hashmatch.index import Snapshot
from hashmatch.types import Action, Bank, BankPut, Entry, EntryAdded, Hash, MatchOptions, Provenance

PART_ROWS: Final = 5_000_000
ASKED: Final = "asked"
"""The name that hashes which are in no bank are reported under."""


@dataclass(frozen=True, slots=True)
class RescanOptions:
    """What to look for in the logs: entries of banks, or hashes."""

    banks: str = ""
    """Where the banks are, as for `hashmatch.backfill.banks.load`; not needed for `hashes`."""
    wanted: Wanted = field(default_factory=Wanted)
    """Which entries; all where it says nothing."""
    hashes: tuple[Hash, ...] = ()
    """Hashes to look for instead, in no bank and whatever the quality of what they are compared with."""
    threshold: int = 31
    """The largest distance of `hashes`, inclusive; that of the kind holds where it is smaller."""
    max_matches: int = 100
    """How many matches a row holds, the nearest."""
    part_rows: int = PART_ROWS
    """Rows of a part, or of a row group where that has more."""
    workers: int = 0
    """Threads that search in this process, where 0 one a core; in a cluster it is one on each of its cores."""
    where: Where = field(default_factory=Where)
    """Who does it: this process unless told otherwise."""
    timeout: float = 10.0
    """Seconds that each call to the server of the banks may take."""
    security: Security = OPEN
    """What it takes to be let in there; it is written nowhere."""

    def order(self, logs: Sequence[str]) -> dict[str, Any]:
        """What decides the rows, as `ScanOptions.order`."""
        hashes = [(value.kind, value.hex) for value in self.hashes]
        said = {jobs.RESCAN: list(logs), "hashes": hashes, "threshold": self.threshold, "max_matches": self.max_matches}
        return said | asdict(self.wanted)

    def snapshot(self) -> Snapshot:
        """What is looked for; raises ConfigurationError, NotFound, Unavailable."""
        if not self.hashes:
            return banks.load(self.banks, self.wanted, self.timeout, self.security)
        bank = Bank(ASKED, action=Action.REVIEW, threshold=self.threshold, minimum_quality=0)
        now = datetime.now(UTC)
        entries = (Entry(at, ASKED, value, Provenance(), now, 0) for at, value in enumerate(self.hashes, start=1))
        return Snapshot.empty().apply([BankPut(bank), *map(EntryAdded, entries)], 0)


def rescan(
    logs: Sequence[str], out: str | None = None, options: RescanOptions | None = None, watch: Watch = UNWATCHED
) -> Generator[pa.Table, None, None]:
    """Match hashes of earlier scans and uploads again; yields tables of `RESCAN_SCHEMA`, the rows that match, by part.

    Logs are folders of scans or of the hash log, or Parquet files with columns `kind` and `hash`, and maybe `quality`,
    `content_id`, `location` and `time`. Hashes are compared as they were logged: in their stored orientation. `out` is
    as for `scan`. Raises as `scan` does.
    """
    options = options or RescanOptions()
    for log in logs:
        check_location(log)
    with ExitStack() as stack:
        begin = partial(sifting, options)
        runs = parts_of(chain.from_iterable(map(row_groups, logs)), options.part_rows, _rows)
        if out is None:
            work = stack.enter_context(begin(watch.on_batch))
            yield from (part.rows for part in work(enumerate(runs)))
            return
        options.snapshot()  # what cannot be looked for is said before anything is written
        folder = open_folder(out)
        stack.enter_context(folder.alone())
        jobs.claim(folder, options.order(logs))
        plan = Plan.load(folder) or Plan.record(folder, runs, watch.on_listed)
        watch.on_begin(jobs.report(folder))
        yield from (part.rows for part in options.where.run(out, plan, begin, watch.on_batch))


@contextmanager
def sifting(options: RescanOptions, on_batch: Callable[[Counts], None]) -> Iterator[jobs.Work]:
    """What rescans parts; raises ConfigurationError, NotFound, Unavailable."""
    match = MatchOptions(banks=options.wanted.banks, max_matches=options.max_matches)
    with options.where.banks(options.snapshot) as snapshot:
        yield Sifter(snapshot, match, options.where.workers(options.workers), on_batch).sift


def _rows(item: Item) -> int:
    return item.size or 0
