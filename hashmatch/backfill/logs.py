"""Logs of hashes: Parquet files of earlier scans, of the service's hash log, or of anyone with the same columns."""

import posixpath
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from hashmatch.backfill.folder import open_folder
from hashmatch.backfill.item import Item
from hashmatch.backfill.jobs import ORDER, ROWS
from hashmatch.backfill.sources import files
from hashmatch.backfill.storage import open_file
from hashmatch.errors import ConfigurationError

SCHEMA: Final = pa.schema(
    [
        ("content_id", pa.string()),
        ("location", pa.string()),
        ("time", pa.timestamp("us", "UTC")),
        ("kind", pa.string()),
        ("hash", pa.binary()),
        ("quality", pa.uint8()),
        ("frame_us", pa.int64()),  # where in a video
    ]
)
"""What is read of a log; `kind` and `hash` must be there, the others are null where they are not."""
SUFFIX: Final = ".parquet"
REASON: Final = "CORRUPT_LOG"

_BATCH_ROWS: Final = 2**17
_BUFFER_BYTES: Final = 2**20


def row_groups(log: str) -> Iterator[Item]:
    """The row groups of all files of a log, a file, a folder or a URL of either, with their rows as their size.

    A folder of a scan stands for what it found. A file that cannot be read is one item with the reason. Raises
    ConfigurationError where there is nothing.
    """
    found = False
    for item in _files(log):
        if item.location.endswith(SUFFIX):
            found = True
            yield from _groups(item.location)
    if not found:
        raise ConfigurationError(f"there are no Parquet files in {log}")


def batches(items: Sequence[Item]) -> Iterator[pa.Table | Item]:
    """The rows of row groups as tables of `SCHEMA`, some at once; a failed item where they cannot be read."""
    for item in items:
        if item.reason:
            yield item
            continue
        done = 0
        try:
            for batch in _read(item):
                done += batch.num_rows
                yield batch
        except (OSError, ValueError, pa.ArrowException) as error:
            yield Item(item.location, (item.size or 0) - done, reason=f"{REASON}: {error}")


def _files(log: str) -> Iterator[Item]:
    if not log.endswith(SUFFIX) and open_folder(log).get(ORDER) is not None:
        return files(posixpath.join(log, ROWS))
    return files(log)


def _groups(location: str) -> Iterator[Item]:
    try:
        with open_file(location) as file, pq.ParquetFile(file) as opened:
            missing = {"kind", "hash"} - set(opened.schema_arrow.names)
            if missing:
                yield Item(location, 1, reason=f"{REASON}: no column {' and '.join(sorted(missing))}")
                return
            sizes = [opened.metadata.row_group(at).num_rows for at in range(opened.num_row_groups)]
    except (OSError, ValueError, pa.ArrowException) as error:
        yield Item(location, 1, reason=f"{REASON}: {error}")
        return
    yield from (Item(location, size, member=at) for at, size in enumerate(sizes))


def _read(item: Item) -> Iterator[pa.Table]:
    with open_file(item.location) as file, pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False) as opened:
        columns = [name for name in SCHEMA.names if name in opened.schema_arrow.names]
        for batch in opened.iter_batches(_BATCH_ROWS, row_groups=[item.member], columns=columns):
            yield _uniform(pa.table(batch))


def _uniform(batch: pa.Table) -> pa.Table:
    """The batch with all columns of `SCHEMA`; raises ArrowException where a column holds something else."""
    empty = pa.nulls(batch.num_rows)
    columns = [batch[field.name] if field.name in batch.column_names else empty.cast(field.type) for field in SCHEMA]
    return pa.table(columns, names=SCHEMA.names).cast(SCHEMA).combine_chunks()
