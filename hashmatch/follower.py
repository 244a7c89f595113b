"""Keeps a snapshot at the newest revision of a store."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

import structlog

from hashmatch.errors import HashmatchError
from hashmatch.index import Directory, Snapshot, Source
from hashmatch.types import Progress

PROGRESS_SECONDS: Final = 5.0
"""How often a long load is logged."""
LONGEST_BACKOFF: Final = 2.0
"""The longest pause, in seconds, between two attempts to reach a source that fails; each is twice the one before."""
MOST_LOADED: Final = 200_000
"""Changes that a process applies by itself when it begins; more are left to a build of files."""
MOST_RECENT: Final = 2**16
"""Entries that are in no file, or this share of those that are: a build is due from there on."""
RECENT_SHARE: Final = 0.01

_log = structlog.get_logger(__name__)


class Follower:
    """Tails a source in a thread of its own and swaps snapshots; any thread may use it.

    With a directory, it begins with the files there and leaves large loads to whoever builds them: somebody must, as
    `build_due` says. New files are taken up by a second snapshot that catches up with the first beside it.

    While the source fails, the last snapshot stays in service, `error` says why and `behind_seconds` grows; it is
    tried again after pauses that grow up to LONGEST_BACKOFF.
    """

    def __init__(self, source: Source, directory: Directory | None = None, poll_seconds: float = 0.25) -> None:
        self._source = source
        self._directory = directory
        self._poll_seconds = poll_seconds
        self._snapshot = Snapshot.empty()
        self._next: Snapshot | None = None
        self._complete = False
        self._pending = 0
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
    def complete(self) -> bool:
        """Whether the snapshot has once had all there was; before, nothing may be concluded from what is not found."""
        return self._complete

    @property
    def error(self) -> Exception | None:
        """What keeps the snapshot from following the source, None while nothing does."""
        return self._error

    @property
    def behind_seconds(self) -> float:
        """How long ago the snapshot was known to be the source's newest state; under a poll while all is well."""
        return monotonic() - self._current_at

    @property
    def progress(self) -> Progress | None:
        """How far a build of files has come; None where there is none under way."""
        return None if self._directory is None else self._directory.progress()

    @property
    def build_due(self) -> bool:
        """Whether the files lack so much, or hold so much that was removed or damaged, that they are to be built."""
        refused = self._directory is not None and self._directory.refused
        return refused or self._pending > MOST_LOADED or self._snapshot.build_due(MOST_RECENT, RECENT_SHARE)

    def start(self, on_revision: Callable[[int], None] = lambda _: None) -> None:
        """Load all there is, then go on following in the background; raises what the source raises.

        `on_revision` is told every revision that `snapshot` reaches from then on, by the thread that made it.
        """
        began = monotonic()
        self._load()
        if self._stopping:
            return
        self._complete = True
        self._on_revision = on_revision
        on_revision(self._snapshot.revision)
        entries, seconds = dict(self._snapshot.entries), round(monotonic() - began, 3)
        _log.info("index loaded", revision=self._snapshot.revision, entries=entries, seconds=seconds)
        self._thread.start()

    def cancel(self) -> None:
        """Let `start` return early, and the thread end soon."""
        self._stopping = True
        self._wake.set()

    def stop(self) -> None:
        """End the thread; the last snapshot remains."""
        self.cancel()
        if self._thread.ident is not None:
            self._thread.join()

    def wake(self) -> None:
        """Look for changes now rather than at the next poll."""
        self._wake.set()

    def _load(self) -> None:
        """Take files up until the rest is little, then the rest."""
        reported = monotonic()
        while not self._stopping:
            if self._directory is not None and self._directory.changed():
                base = self._directory.load(self._source)
                self._snapshot = base.snapshot if base is not None else Snapshot.empty()
            self._pending = self._source.pending(self._snapshot.revision)
            if self._directory is None or self._pending <= MOST_LOADED:
                break
            if monotonic() - reported > PROGRESS_SECONDS:
                reported = monotonic()
                _log.info("index waiting for build", pending=self._pending, progress=self._directory.progress())
            self._wake.wait(self._poll_seconds)
        while not self._stopping and self._follow():
            if monotonic() - reported > PROGRESS_SECONDS:
                reported = monotonic()
                _log.info("index loading", revision=self._snapshot.revision, head=self._source.head())
        self._pending = 0

    def _run(self) -> None:
        moved = False
        while not self._stopping:
            if not moved:
                self._wake.wait(self._pause())
                self._wake.clear()
            try:
                moved = self._follow()
                moved |= self._take_up()
            except Exception as error:  # noqa: BLE001  # whatever it is, the last snapshot must stay in service
                moved = False
                first, self._error = self._error is None, error
                self._failures += 1
                if first:
                    self._tell(error)
            else:
                if self._error is not None:
                    _log.info("follower recovered", revision=self._snapshot.revision)
                self._error = None
                self._failures = 0

    def _tell(self, error: Exception) -> None:
        """Log a failure: an outage in one line, a defect with its trace."""
        if isinstance(error, HashmatchError):
            _log.error("follower failing", revision=self._snapshot.revision, error=str(error))
        else:
            _log.exception("follower failing", revision=self._snapshot.revision)

    def _pause(self) -> float:
        if not self._failures:
            return self._poll_seconds
        return float(min(self._poll_seconds * 2 ** min(self._failures, 16), max(LONGEST_BACKOFF, self._poll_seconds)))

    def _follow(self) -> bool:
        """Apply the next changes; whether there were any."""
        asked = monotonic()
        following = self._advanced(self._snapshot)
        if following is self._snapshot:
            self._current_at = asked
            return False
        self._snapshot = following
        self._on_revision(following.revision)
        return True

    def _take_up(self) -> bool:
        """Go on with the snapshot of new files, a few changes at a time; whether there is one."""
        if self._directory is None:
            return False
        if self._directory.changed():
            base = self._directory.load(self._source)
            self._next = None if base is None else base.snapshot
        if self._next is None:
            return False
        self._next = self._advanced(self._next)
        if self._next.revision >= self._snapshot.revision:
            self._snapshot, self._next = self._next, None
            _log.info("segments taken up", revision=self._snapshot.revision)
            return False
        return True

    def _advanced(self, snapshot: Snapshot) -> Snapshot:
        revision, changes = self._source.changes(snapshot.revision)
        return snapshot if revision == snapshot.revision else snapshot.apply(changes, revision)
