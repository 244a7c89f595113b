"""A log of what was hashed: no media, only the callers' names of them, kinds, hashes, qualities and times, as Parquet.

Of a video it has a row for each run of near-identical frames, with the time in the video in `frame_us`.

A folder for each day, `date=2025-05-31`, UTC, with a file for every few seconds in which something was hashed.
`hashmatch backfill rescan` reads it. Several processes, and several machines, may write to one directory.
"""

import os
import shutil
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import structlog

from hashmatch.errors import ConfigurationError
from hashmatch.types import Hash

MOST_HELD: Final = 500_000
"""Rows that are held where the disk does not take them; what comes then is lost, and counted."""
_FLUSH_ROWS: Final = 50_000
_RETENTION_SECONDS: Final = 600.0

_log = structlog.get_logger(__name__)


class _Row(NamedTuple):
    time: datetime
    content_id: str
    kind: str
    hash: bytes
    quality: int | None
    frame_us: int | None


class HashLog:
    """Writes in a thread of its own; any thread may append, and none waits for a disk.

    After a crash, what was appended in the last `seconds`, or the last 50,000 rows where that is less, is lost. A day
    is deleted once it lies more than `days` days back: by whichever process notices first.
    """

    def __init__(self, folder: Path, days: int, seconds: float) -> None:
        """Raises ConfigurationError where the folder cannot be made or written to, or pyarrow is not installed."""
        try:
            import pyarrow  # noqa: F401, PLC0415 - of an extra: missed here rather than when there is something to keep
        except ImportError as error:
            raise ConfigurationError("the hash log needs pyarrow: pip install 'hashmatch[backfill]'") from error
        self._folder = folder
        self._days = days
        self._seconds = seconds
        self._rows: list[_Row] = []
        self._lost = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._failing = False
        self._try_folder()
        self._thread = threading.Thread(target=self._run, name="hash-log", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, content_id: str, hashes: Sequence[Hash], frame_us: int | None = None) -> None:
        """Keep one item's hashes, or those of a video's frame at so many microseconds."""
        now = datetime.now(UTC)
        with self._lock:
            if len(self._rows) >= MOST_HELD:
                self._lost += len(hashes)
                return
            self._rows += (_Row(now, content_id, item.kind, item.bits, item.quality, frame_us) for item in hashes)
            full = len(self._rows) >= _FLUSH_ROWS
        if full and not self._failing:
            self._wake.set()

    def close(self) -> None:
        """Write what is held, and end the thread."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping:
            if time.monotonic() >= due:
                with suppress(OSError):  # a disk that fails is told of by who writes
                    retain(self._folder, self._days, datetime.now(UTC).date())
                due = time.monotonic() + _RETENTION_SECONDS
            self._flush()
            self._wake.wait(self._seconds)
            self._wake.clear()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            rows, self._rows = self._rows, []
            lost, self._lost = self._lost, 0
        try:
            for day, some in groupby(rows, key=lambda row: row.time.date()):
                _write(self._folder, day, list(some))
        except Exception as error:  # noqa: BLE001 - whatever it is, uploads go on, and so does the next attempt
            with self._lock:
                held = rows + self._rows
                self._rows = held[:MOST_HELD]
                self._lost += lost + len(held) - len(self._rows)
            if not self._failing:
                _log.exception("hash log failing", held=len(rows), error=str(error))
            self._failing = True
        else:
            if self._failing or lost:
                _log.warning("hash log recovered", lost=lost)
            self._failing = False

    def _try_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            proof = self._folder / f".{uuid.uuid4().hex}"
            proof.touch()
            proof.unlink()
        except OSError as error:
            raise ConfigurationError(f"the hash log cannot be kept in {self._folder}: {error.strerror}") from error


def retain(folder: Path, days: int, today: date) -> None:
    """Delete the days before the last `days` and today."""
    oldest = today - timedelta(days=days)
    for place in folder.glob("date=*"):
        with suppress(ValueError):
            if date.fromisoformat(place.name.removeprefix("date=")) < oldest:
                shutil.rmtree(place, ignore_errors=True)
                _log.info("hash log deleted", day=place.name)


def _write(folder: Path, day: date, rows: Sequence[_Row]) -> None:
    """Make one file, whole or not at all."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = pa.schema(
        [
            ("time", pa.timestamp("us", "UTC")),
            ("content_id", pa.string()),
            ("kind", pa.string()),
            ("hash", pa.binary()),
            ("quality", pa.uint8()),
            ("frame_us", pa.int64()),
        ]
    )
    columns: list[Any] = list(zip(*rows, strict=True))
    place = folder / f"date={day.isoformat()}"
    place.mkdir(exist_ok=True)
    name = f"{rows[0].time:%H%M%S.%f}-{uuid.uuid4().hex[:12]}.parquet"
    unfinished = place / f".{name}.unfinished"
    with unfinished.open("wb") as file:
        pq.write_table(pa.table(columns, schema=schema), file, compression="zstd", use_dictionary=["kind"])
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(place / name)
