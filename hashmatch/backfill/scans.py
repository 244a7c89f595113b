"""`scan`: everything that a source holds, hashed and looked up, as tables; recorded in a folder where one is given."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final

import pyarrow as pa

from hashmatch import hashing
from hashmatch.backfill import banks, jobs
from hashmatch.backfill.banks import Wanted
from hashmatch.backfill.counts import Counts
from hashmatch.backfill.engines import Where
from hashmatch.backfill.folder import Folder, LocalFolder, open_folder
from hashmatch.backfill.lookups import Banks
from hashmatch.backfill.manifests import is_manifest
from hashmatch.backfill.pace import Pace
from hashmatch.backfill.plan import Plan, parts_of
from hashmatch.backfill.scanning import Scanner
from hashmatch.backfill.sources import Source
from hashmatch.backfill.storage import check_location, is_url
from hashmatch.client import Security
from hashmatch.client.security import OPEN
from hashmatch.errors import ConfigurationError
from hashmatch.sandbox import Job, Pool
from hashmatch.settings import MediaLimits
from hashmatch.types import MatchOptions, Sandbox, VideoOptions

PART_ITEMS: Final = 10_000
READERS: Final = 2
"""Files of a local disk that are read at once, besides those that are hashed."""
REMOTE_READERS: Final = 16
"""The same of an object store, where a read is mostly waiting."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How to scan; the defaults hash with pdq, on every core, and look nothing up."""

    banks: str = ""
    """Where the banks are, as for `hashmatch.backfill.banks.load`; empty: nothing is looked up."""
    match: MatchOptions = field(default_factory=MatchOptions)
    """Kinds to hash by, banks to look into, orientations and views to look for."""
    video: VideoOptions = field(default_factory=VideoOptions)
    """Which frames of videos are looked at; the kinds are those of `match`."""
    column: str = "location"
    exclude: tuple[str, ...] = ()
    """As of `Source`."""
    part_items: int = PART_ITEMS
    """Items of a part, 1 or more: what at most is done again after a crash."""
    workers: int = 0
    """Items hashed at once by this process, where 0 one a core; a cluster hashes one on each of its cores."""
    readers: int = 0
    """Items read at once besides; where 0, READERS or REMOTE_READERS."""
    bytes_a_second: float | None = None
    """The most that is read, over all; None: no limit."""
    limits: MediaLimits = field(default_factory=MediaLimits)
    sandbox: Sandbox = Sandbox.ON
    """Whether the kernel seals the processes that decode."""
    where: Where = field(default_factory=Where)
    """Who does it: this process unless told otherwise; failures are tried again by this process."""
    timeout: float = 10.0
    """Seconds that each call to the server of the banks may take."""
    security: Security = OPEN
    """What it takes to be let in there; it is written nowhere."""

    def order(self, source: str) -> dict[str, Any]:
        """What decides the rows: a folder's job is gone on with by the same order alone."""
        match = {name: value for name, value in asdict(self.match).items() if name != "min_revision"}
        said = {"source": source, "column": self.column, "exclude": self.exclude, "looked_up": bool(self.banks)}
        return said | match | {"selection": self.video.selection, "interval": self.video.interval}


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told how a scan goes on, by the thread that scans; every call is quick to return."""

    on_listed: Callable[[int], None] = lambda _: None
    """How many items were found so far."""
    on_begin: Callable[[jobs.Report], None] = lambda _: None
    """What there is to do, and what of it an earlier run has done."""
    on_batch: Callable[[Counts], None] = lambda _: None
    """What became of the next few items."""


UNWATCHED: Final = Watch()
DEFAULTS: Final = ScanOptions()


def scan(
    source: str, out: str | None = None, options: ScanOptions = DEFAULTS, watch: Watch = UNWATCHED
) -> Generator[pa.Table, None, None]:
    """Hash all media of a source and look them up; yields tables of `hashmatch.backfill.SCHEMA`, one a part, in order.

    With `out`, a path or URL of a folder, a part is durable there before it is yielded; the same call goes on after
    whatever ended an earlier one, and yields what was missing. An item that fails is a row with its reason.

    Raises ConfigurationError, NotFound (a bank), Unavailable (the banks), and AlreadyExists where `out` holds another
    job, or another process is at work in it.
    """
    check_location(source)
    hashing.check_kinds(options.match.kinds)
    with ExitStack() as stack:
        begin = partial(scanning, source, options)
        if out is None:
            work = stack.enter_context(begin(watch.on_batch))
            runs = parts_of(Source(source, options.column, options.exclude).items(), options.part_items)
            yield from (part.rows for part in work(enumerate(runs)))
            return
        if options.banks:
            banks.check(options.banks, options.match.banks, options.timeout, options.security)
        folder = open_folder(out)
        stack.enter_context(folder.alone())
        jobs.claim(folder, options.order(source))
        plan = Plan.load(folder) or record(folder, source, options, watch)
        watch.on_begin(jobs.report(folder))
        yield from (part.rows for part in options.where.run(out, plan, begin, watch.on_batch))


def retry_failed(
    source: str, out: str, options: ScanOptions = DEFAULTS, watch: Watch = UNWATCHED
) -> Generator[pa.Table, None, None]:
    """Scan again what failed in a scan that is recorded in `out`; yields each part that had a failure, anew.

    Raises as `scan` does, and ConfigurationError where no scan is recorded.
    """
    with ExitStack() as stack:
        folder = open_folder(out)
        stack.enter_context(folder.alone())
        plan = Plan.load(folder)
        if plan is None:
            raise ConfigurationError(f"there is no scan in {out} whose failures could be tried again")
        jobs.claim(folder, options.order(source))
        watch.on_begin(jobs.report(folder))
        work = stack.enter_context(scanning(source, options, watch.on_batch))
        yield from (part.rows for part in jobs.retry(folder, plan, work))


def record(folder: Folder, source: str, options: ScanOptions, watch: Watch) -> Plan:
    """List a source into a job's folder; raises ConfigurationError."""
    besides = folder.path if isinstance(folder, LocalFolder) else None
    items = Source(source, options.column, options.exclude).items(besides)
    return Plan.record(folder, parts_of(items, options.part_items), watch.on_listed)


@contextmanager
def scanning(source: str, options: ScanOptions, on_batch: Callable[[Counts], None]) -> Iterator[jobs.Work]:
    """What scans parts, with all that the options ask for.

    Raises ConfigurationError, InvalidField, NotFound, Unavailable.
    """
    kinds = hashing.check_kinds(options.match.kinds)
    local = not is_url(source) and not is_manifest(source)
    workers = options.where.workers(options.workers)
    with _looked_up(options) as found, Pool(options.limits, workers, options.sandbox) as pool:
        yield Scanner(
            pool,
            Job(kinds, options.match.all_views),
            options.limits,
            found,
            options.video,
            workers,
            options.readers or (READERS if local else REMOTE_READERS),
            Pace(options.bytes_a_second),
            on_batch,
        ).scan


@contextmanager
def _looked_up(options: ScanOptions) -> Iterator[Banks | None]:
    if not options.banks:
        yield None
        return
    wanted = Wanted(banks=options.match.banks)
    load = partial(banks.load, options.banks, wanted, options.timeout, options.security)
    with options.where.banks(load) as snapshot:
        yield Banks(snapshot, options.match)
