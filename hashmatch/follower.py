"""Keeps a snapshot at the newest revision of a store."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

import structlog

from hashmatch.index import Snapshot
from hashmatch.types import Change

PROGRESS_SECONDS: Final = 5.0
"""How often a long load is logged."""
LONGEST_BACKOFF: Final = 2.0
"""The longest pause, in seconds, between two attempts to reach a source that fails; each is twice the one before."""

_log = structlog.get_logger(__name__)


class Source(Protocol):
    """Where the banks' history comes from: `hashmatch.store.Store`, for one."""

    def head(self) -> int:
        """Return the newest revision."""

    def changes(self, after: int) -> tuple[int, list[Change]]:
        """Return some whole revisions after that one, exclusive, and the last of them; (after, []) where none is."""


class Follower:
    """Tails a source in a thread of its own and swaps snapshots; any thread may use it.

    While the source fails, the last snapshot stays in service, `error` says why and `behind_seconds` grows; it is
    tried again after pauses that grow up to LONGEST_BACKOFF.
    """

    def __init__(self, source: Source, poll_seconds: float = 0.25) -> None:
        self._source = source
        self._poll_seconds = poll_seconds
        self._snapshot = Snapshot.empty()
        self._error: Exception | None = None
        self._failures = 0
        self._current_at = monotonic()
        self._on_revision: Callable[[int], None] = lambda _: None
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot; it never blocks."""
        return self._snapshot

    @property
    def error(self) -> Exception | None:
        """What keeps the snapshot from following the source, None while nothing does."""
        return self._error

    @property
    def behind_seconds(self) -> float:
        """How long ago the snapshot was known to be the source's newest state; under a poll while all is well."""
        return monotonic() - self._current_at

    def start(self, on_revision: Callable[[int], None] = lambda _: None) -> None:
        """Load all there is, then go on following in the background; raises what the source raises.

        `on_revision` is told every revision that `snapshot` reaches from then on, by the thread that made it.
        """
        began = monotonic()
        self._catch_up()
        self._on_revision = on_revision
        on_revision(self._snapshot.revision)
        entries, seconds = dict(self._snapshot.entries), round(monotonic() - began, 3)
        _log.info("index_loaded", revision=self._snapshot.revision, entries=entries, seconds=seconds)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the last snapshot remains."""
        self._stopping = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def wake(self) -> None:
        """Look for changes now rather than at the next poll."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._pause())
            self._wake.clear()
            try:
                self._catch_up()
            except Exception as error:  # noqa: BLE001  # whatever it is, the last snapshot must stay in service
                if self._error is None:
                    _log.exception("follower_failing", revision=self._snapshot.revision)
                self._error = error
                self._failures += 1
            else:
                if self._error is not None:
                    _log.info("follower_recovered", revision=self._snapshot.revision)
                self._error = None
                self._failures = 0

    def _pause(self) -> float:
        if not self._failures:
            return self._poll_seconds
        return float(min(self._poll_seconds * 2 ** min(self._failures, 16), max(LONGEST_BACKOFF, self._poll_seconds)))

    def _catch_up(self) -> None:
        reported = monotonic()
        while not self._stopping:
            asked = monotonic()
            revision, changes = self._source.changes(self._snapshot.revision)
            if revision == self._snapshot.revision:
                self._current_at = asked
                return
            self._snapshot = self._snapshot.apply(changes, revision)
            self._on_revision(revision)
            if monotonic() - reported > PROGRESS_SECONDS:
                reported = monotonic()
                _log.info("index_loading", revision=revision, head=self._source.head())
