"""Logs of hashes streamed past a few known ones: whole columns at a time, no Python for a row that matches nothing."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import structlog
from numpy.typing import NDArray

from hashmatch import hashing, matching
from hashmatch.backfill import logs
from hashmatch.backfill.counts import Counts
from hashmatch.backfill.item import Item
from hashmatch.backfill.rows import SCHEMA as SCAN_SCHEMA
from hashmatch.backfill.rows import decision_values
from hashmatch.backfill.scanning import Part
from hashmatch.index import Sieve, Snapshot
from hashmatch.types import Decision, Hash, MatchOptions

_FOUND: Final = ("verdict", "matches", "total_matches", "banks_not_compared", "revision")
SCHEMA: Final = pa.schema([*logs.SCHEMA, *(SCAN_SCHEMA.field(name) for name in _FOUND)])
"""The rows of a log that match, as they are there, and what was found for each, as a scan says it."""
BAD_HASH: Final = "BAD_HASH"

_log = structlog.get_logger(__name__)


class Sifter:
    """Finds the logged hashes that match entries of a snapshot, on threads of its own while it runs."""

    def __init__(
        self,
        snapshot: Snapshot,
        options: MatchOptions,
        workers: int,
        on_batch: Callable[[Counts], None] = lambda _: None,
    ) -> None:
        """Raises NotFound for a bank of the options; their orientations and views do not apply."""
        self._snapshot = snapshot
        self._options = options
        self._workers = workers
        self._on_batch = on_batch
        self._ceilings = hashing.ceilings()
        self._sieve = Sieve(snapshot, options.banks, self._ceilings)

    def sift(self, parts: Iterable[tuple[int, Sequence[Item]]]) -> Iterator[Part]:
        """The matching rows of numbered parts, each of some row groups; each is yielded when it is done."""
        with ThreadPoolExecutor(self._workers, "rescan") as pool:
            for number, items in parts:
                yield self._part(number, items, pool)

    def _part(self, number: int, items: Sequence[Item], pool: ThreadPoolExecutor) -> Part:
        counts, tables = Counts(), [SCHEMA.empty_table()]
        pending: deque[Future[tuple[pa.Table, Counts]]] = deque()

        def take() -> None:
            table, found = pending.popleft().result()
            tables.append(table)
            counts.add(found)
            self._on_batch(found)

        for batch in logs.batches(items):
            pending.append(pool.submit(self._lost if isinstance(batch, Item) else self._sifted, batch))
            if len(pending) > 2 * self._workers:
                take()
        while pending:
            take()
        return Part(number, pa.concat_tables(tables).unify_dictionaries().combine_chunks(), counts)

    def _lost(self, item: Item) -> tuple[pa.Table, Counts]:
        _log.error("log unreadable", location=item.location, rows=item.size, reason=item.reason)
        counts = Counts(found=item.size or 0)
        counts.failed[logs.REASON] += item.size or 0
        return SCHEMA.empty_table(), counts

    def _sifted(self, batch: pa.Table) -> tuple[pa.Table, Counts]:
        there = pc.and_(pc.is_valid(batch["hash"]), pc.is_valid(batch["kind"]))
        counts = Counts(found=batch.num_rows, skipped=batch.num_rows - (pc.sum(there).as_py() or 0))
        counts.scanned = counts.found - counts.skipped
        tables = [SCHEMA.empty_table()]
        for kind in sorted(self._sieve.kinds):
            of_kind = batch.filter(pc.and_(there, pc.equal(batch["kind"], kind)))
            tables.append(self._of_kind(kind, of_kind, counts))
        return pa.concat_tables(tables), counts

    def _of_kind(self, kind: str, rows: pa.Table, counts: Counts) -> pa.Table:
        width = hashing.KINDS[kind].bits // 8
        whole = pc.equal(pc.binary_length(rows["hash"]), width)
        if bad := rows.num_rows - (pc.sum(whole).as_py() or 0):
            counts.failed[BAD_HASH] += bad
            counts.scanned -= bad
            rows = rows.filter(whole)
        passed = rows.take(self._sieve.passing(kind, codes(rows["hash"], width)))
        if not passed.num_rows:
            return SCHEMA.empty_table()
        return self._decided(kind, passed, counts)

    def _decided(self, kind: str, rows: pa.Table, counts: Counts) -> pa.Table:
        """The rows that match in banks that want them; what is the same in many rows is looked up once."""
        qualities = rows["quality"].to_pylist()
        hashes = [Hash(kind, bits, quality) for bits, quality in zip(rows["hash"].to_pylist(), qualities, strict=True)]
        unique = {value: at for at, value in enumerate(dict.fromkeys(hashes))}
        decisions = matching.lookup_hashes(self._snapshot, list(unique), self._options, self._ceilings)
        which = np.array([unique[value] for value in hashes], dtype=np.int64)
        matched = np.array([decision.total_matches > 0 for decision in decisions])[which]
        which = which[matched]
        for at in which.tolist():
            counts.decided(decisions[at])
        columns = _columns(decisions, kind)
        found = [columns[field.name].take(which) for field in SCHEMA if field.name in _FOUND]
        return pa.table([*rows.filter(matched).columns, *found], schema=SCHEMA)


def codes(column: pa.ChunkedArray, width: int) -> NDArray[np.uint8]:
    """A column of hashes that are all `width` bytes, and none null: uint8 (n, width), C-contiguous."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if not len(array):
        return np.empty((0, width), dtype=np.uint8)
    _, offsets, data = array.buffers()
    first = np.frombuffer(offsets, dtype=np.int32)[array.offset]
    return np.frombuffer(data, dtype=np.uint8, count=len(array) * width, offset=first).reshape(len(array), width)


def _columns(decisions: Sequence[Decision], kind: str) -> dict[str, pa.Array]:
    values: list[dict[str, Any]] = [decision_values(decision, kind) for decision in decisions]
    return {name: pa.array([value[name] for value in values], SCHEMA.field(name).type) for name in _FOUND}
