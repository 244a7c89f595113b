"""The pipeline: reading, hashing, looking up and making rows overlap, and come out in the order of the items."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, count, groupby, islice
from threading import BoundedSemaphore
from typing import Final

import pyarrow as pa
import structlog

from hashmatch.backfill import rows
from hashmatch.backfill.archives import contents
from hashmatch.backfill.counts import Counts
from hashmatch.backfill.filming import Camera
from hashmatch.backfill.item import Item, Outcome
from hashmatch.backfill.lookups import Banks
from hashmatch.backfill.pace import Pace
from hashmatch.backfill.reading import Content, Media, read, size_of
from hashmatch.errors import HashmatchError, MediaError
from hashmatch.sandbox import Hasher, Job
from hashmatch.settings import MediaLimits
from hashmatch.types import VideoOptions

BATCH: Final = 64
"""Items that are looked up at once: `python -m benchmarks.backfill` measures sizes."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One part that is done: its rows, and what they add up to."""

    number: int
    rows: pa.Table
    counts: Counts


class Scanner:
    """Turns items into rows, on threads of its own while it runs; one scan at a time.

    At most `workers` items are hashed at once, and `workers` + `readers` are held in memory. An item that cannot be
    read or hashed costs itself alone.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts that it puts together
        self,
        hasher: Hasher,
        job: Job,
        limits: MediaLimits,
        banks: Banks | None,
        video: VideoOptions,
        workers: int,
        readers: int,
        pace: Pace,
        on_batch: Callable[[Counts], None] = lambda _: None,
    ) -> None:
        """`on_batch` is told what became of every few items, by the thread that scans."""
        self._hasher = hasher
        self._job = job
        self._limits = limits
        self._banks = banks
        self._camera = Camera(hasher, job.kinds, banks, video)
        self._threads = workers + readers
        self._window = 4 * self._threads + 2 * BATCH
        self._hashing = BoundedSemaphore(workers)
        self._held = BoundedSemaphore(self._threads)
        self._pace = pace
        self._on_batch = on_batch

    def scan(self, parts: Iterable[tuple[int, Sequence[Item]]]) -> Iterator[Part]:
        """Scan numbered parts; each is yielded when it is done, while the next are at work."""
        sizes: deque[tuple[int, int]] = deque()

        def items() -> Iterator[Item]:
            for number, some in parts:
                sizes.append((number, len(some)))
                yield from some

        outcomes = self._outcomes(items())
        try:
            for first in outcomes:
                number, size = sizes.popleft()
                yield self._part(number, size, chain([first], outcomes))
        finally:
            outcomes.close()

    def _part(self, number: int, size: int, outcomes: Iterator[Outcome]) -> Part:
        counts, tables = Counts(), []
        for start in range(0, size, BATCH):
            batch = list(islice(outcomes, min(BATCH, size - start)))
            decisions = self._banks.decide(batch) if self._banks else [None] * len(batch)
            found = Counts()
            for outcome, decision in zip(batch, decisions, strict=True):
                found.take(outcome, decision)
            tables.append(rows.table(zip(count(start), batch, decisions, strict=False)))
            counts.add(found)
            self._on_batch(found)
        return Part(number, pa.concat_tables(tables).unify_dictionaries().combine_chunks(), counts)

    def _outcomes(self, items: Iterator[Item]) -> Generator[Outcome, None, None]:
        """What becomes of items, in their order, with a bounded number at work."""
        pool = ThreadPoolExecutor(self._threads, "backfill")
        pending: deque[Future[Outcome]] = deque()
        try:
            for item, content in self._contents(items):
                pending.append(pool.submit(self._outcome, item, content))
                if len(pending) >= self._window:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _contents(self, items: Iterator[Item]) -> Iterator[tuple[Item, Content | None]]:
        """Items, with their bytes where these can be had in a row only: those of archives, a few at once."""
        for archive, some in groupby(items, key=lambda item: item.archive):
            if not archive:
                yield from ((item, None) for item in some)
                continue
            for item, content in contents(archive, some, self._limits):
                self._held.acquire()
                yield item, content

    def _outcome(self, item: Item, content: Content | None) -> Outcome:
        try:
            if item.reason:
                reason, _, error = item.reason.partition(": ")
                return Outcome(item, item.size, reason=reason, error=error)
            media = read(item.location, item.size, self._limits) if content is None else content
            if isinstance(media, MediaError):
                return Outcome(item, item.size, reason=media.reason, error=media.message)
            with nullcontext() if isinstance(media, bytes) else media:
                self._pace.spend(size_of(media))
                return self._hashed(item, media)
        except HashmatchError as error:
            return Outcome(item, item.size, reason=error.reason, error=error.message)
        finally:
            if content is not None:
                self._held.release()

    def _hashed(self, item: Item, media: Media) -> Outcome:
        size = size_of(media)
        try:
            with self._hashing:
                if isinstance(media, bytes):
                    return Outcome(item, size, self._hasher.hash_image(media, self._job))
                return Outcome(item, size, films=self._camera.film(media))
        except HashmatchError as error:
            return Outcome(item, size, reason=error.reason, error=error.message)
        except Exception as error:  # noqa: BLE001  # one file, whatever it does, must not end the job
            _log.exception("item failed", location=item.location)
            return Outcome(item, size, reason=HashmatchError.reason, error=f"{type(error).__name__}: {error}")
