"""Manifests: CSV, JSON lines or Parquet that name what to scan, one location a row, read as a stream."""

import csv
import io
import json
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from hashmatch.backfill.item import Item
from hashmatch.backfill.storage import is_url, local_location, local_path, open_file
from hashmatch.errors import ConfigurationError

CONTENT_ID: Final = "content_id"
"""The column of the callers' names for what is scanned; it may be missing."""
BAD_ROW: Final = "BAD_ROW"

_CSV: Final = (".csv", ".csv.gz")
_JSON: Final = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_PARQUET: Final = (".parquet",)
_LONGEST_LINE: Final = 2**20


def is_manifest(location: str) -> bool:
    """Whether a location is named as a manifest is."""
    return location.lower().endswith((*_CSV, *_JSON, *_PARQUET))


def rows(manifest: str, column: str) -> Iterator[Item]:
    """What a manifest names; raises ConfigurationError where it cannot be read or lacks the column.

    A relative path is below the manifest's own folder. A row without a location is an item that has failed.
    """
    for number, row in enumerate(_rows(manifest, column), start=1):
        location, content_id = row.get(column), row.get(CONTENT_ID)
        if isinstance(location, str) and location.strip() and _is_text(location):
            known_as = "" if content_id is None else str(content_id).encode(errors="replace").decode()
            yield Item(_beside(manifest, location.strip()), content_id=known_as)
        else:
            yield Item(f"{manifest}#{number}", reason=f"{BAD_ROW}: row {number} has no text under {column!r}")


def _rows(manifest: str, column: str) -> Iterator[Mapping[str, Any]]:
    name = manifest.lower()
    try:
        with open_file(manifest) as file:
            if name.endswith(_PARQUET):
                yield from _parquet(file, manifest, column)
                return
            plain = fsspec.utils.infer_compression(name)
            stream = fsspec.compression.compr[plain](file, mode="rb") if plain else file
            yield from _csv(stream, manifest, column) if name.endswith(_CSV) else _json(stream, manifest)
    except (OSError, EOFError, ValueError, csv.Error, pa.ArrowException) as error:
        raise ConfigurationError(f"the manifest {manifest} cannot be read: {error}") from error


def _csv(file: BinaryIO, manifest: str, column: str) -> Iterator[Mapping[str, Any]]:
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        _check(reader.fieldnames or (), manifest, column)
        yield from reader


def _json(file: BinaryIO, manifest: str) -> Iterator[Mapping[str, Any]]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise ConfigurationError(f"{manifest}, line {number}: longer than {_LONGEST_LINE:,} bytes")
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ConfigurationError(f"{manifest}, line {number}: not JSON: {error}") from error
        yield row if isinstance(row, dict) else {}


def _parquet(file: BinaryIO, manifest: str, column: str) -> Iterator[Mapping[str, Any]]:
    with pq.ParquetFile(file) as opened:
        _check(opened.schema_arrow.names, manifest, column)
        columns = [name for name in (column, CONTENT_ID) if name in opened.schema_arrow.names]
        for batch in opened.iter_batches(batch_size=8192, columns=columns):
            yield from batch.to_pylist()


def _check(names: Any, manifest: str, column: str) -> None:
    if column not in names:
        raise ConfigurationError(f"the manifest {manifest} has no column {column!r}, but {', '.join(names)}: name one")


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: JSON may hold halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _beside(manifest: str, location: str) -> str:
    if "://" in location or location.startswith("/"):
        return location
    if is_url(manifest):
        return posixpath.join(posixpath.dirname(manifest), location)
    return local_location(str(Path(local_path(manifest).parent, location)))
