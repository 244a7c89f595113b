"""The verbs of hashmatch, blocking and thread-safe: match, hash, curate the banks, tell the status."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any, TypeVar

from hashmatch import _core, hashing, matching, video_engine
from hashmatch.errors import IndexLoading, InvalidField, MediaError
from hashmatch.follower import Follower
from hashmatch.hash_log import HashLog
from hashmatch.index import Snapshot
from hashmatch.sandbox import Hasher, Job
from hashmatch.settings import MediaLimits
from hashmatch.store import Store
from hashmatch.types import (
    Adding,
    Author,
    Bank,
    Batch,
    Decided,
    Decision,
    Entry,
    EntryFilter,
    Finding,
    Hash,
    HashedImage,
    HashedVideo,
    ImageDecision,
    KindPolicy,
    MatchOptions,
    NewEntry,
    NewMedia,
    Report,
    Reported,
    SourceFeedback,
    Status,
    VideoDecision,
    VideoOptions,
)
from hashmatch.video_engine import FrameQuery, Kept, VideoCall, Videos

_T = TypeVar("_T")
_REPORTED = ("hashmatch", "av", "faiss-cpu", "grpcio", "numpy", "opencv-python-headless", "SQLAlchemy")


class Engine:
    """Answers queries from the newest snapshot in memory, and sends writes to the store.

    Queries touch neither the database nor the disk. Writes return when they are durable; this process
    is told at once, others find them when they next poll.
    """

    def __init__(
        self,
        store: Store,
        follower: Follower,
        hasher: Hasher,
        limits: MediaLimits,
        stage: matching.Stage = nullcontext,
        hash_log: HashLog | None = None,
    ) -> None:
        """`stage` is told the stages of each query: image (from its bytes to its hashes), search, policy.

        Raises ConfigurationError where a kind of another distribution cannot be used.
        """
        self._stage = stage
        self._store = store
        self._follower = follower
        self._hasher = hasher
        self._limits = limits
        self._hash_log = hash_log
        self._videos = Videos(hasher, hash_log)
        self._ceilings = hashing.ceilings()

    def load(self, on_revision: Callable[[int], None]) -> None:
        """Load the index, then follow the banks in the background; `on_revision` is as for `Follower.start`."""
        self._follower.start(on_revision)

    def cancel_load(self) -> None:
        """Let `load` return early, from another thread."""
        self._follower.cancel()

    @property
    def revision(self) -> int:
        """The revision that a query answered now would take into account; raises IndexLoading."""
        return self._snapshot.revision

    @property
    def bank_names(self) -> Collection[str]:
        """The banks that a query answered now would find, disabled ones included."""
        return self._follower.snapshot.banks.keys()

    def match_image(self, data: bytes, options: MatchOptions, content_id: str = "") -> ImageDecision:
        """Hash one image and look it up; raises MediaError, InvalidField (a kind), NotFound (a bank), IndexLoading.

        Where it has a `content_id` and there is a hash log, its hashes are kept there.
        """
        kinds = hashing.check_kinds(options.kinds, "options.kinds")
        with self._stage("image"):
            image = self._hasher.hash_image(data, Job(kinds, options.all_views, options.approximate))
        if self._hash_log is not None and content_id:
            self._hash_log.append(content_id, image.originals)
        (decision,) = matching.match_images(self._snapshot, [image], options, self._ceilings, self._stage)
        return decision

    def match_video(self, file: int, options: MatchOptions, video: VideoOptions, call: VideoCall) -> VideoDecision:
        """Hash the video behind a descriptor and look it up; it may be an image as well.

        Raises MediaError, InvalidField (a kind), NotFound (a bank), and Stopped once the call's `stop` is thrown.
        """
        query = video_engine.query(self._snapshot, options, video, self._ceilings)
        return self._videos.match(query, file, options, video, call)

    def match_frames(self, options: MatchOptions, video: VideoOptions, content_id: str = "") -> FrameQuery:
        """Begin to match frames decoded elsewhere; raises InvalidField (a kind), NotFound (a bank)."""
        query = video_engine.query(self._snapshot, options, video, self._ceilings)
        return FrameQuery(self._hasher, query, options, video, self._limits, Kept(self._hash_log, content_id))

    def hash_video(self, file: int, video: VideoOptions, call: VideoCall) -> HashedVideo:
        """The hashes of the frames of the video behind a descriptor; raises as `match_video` does."""
        video_engine.check_kind(video)
        return self._videos.hash(file, video, call)

    def lookup_hashes(self, hashes: Sequence[Hash], options: MatchOptions) -> list[Decision]:
        """Look up hashes as they are given, all at one revision; raises InvalidField, NotFound, IndexLoading."""
        for at, query in enumerate(hashes):
            hashing.check(query, f"hashes[{at}]")
        return matching.lookup_hashes(self._snapshot, hashes, options, self._ceilings, self._stage)

    def hash_image(self, data: bytes, kinds: Sequence[str] = (), *, approximate: bool = False) -> HashedImage:
        """The hashes of one image, by pdq where no kinds are named; raises MediaError, InvalidField (a kind).

        `approximate` is as in `MatchOptions`.
        """
        with self._stage("image"):
            return self._hasher.hash_image(data, Job(hashing.check_kinds(kinds), approximate=approximate))

    def create_bank(self, bank: Bank, author: Author, request_id: str = "") -> tuple[Bank, int]:
        """Make a bank; answers with it and the revision; raises AlreadyExists, InvalidField."""
        _check_kinds(bank.kinds)
        return self._written(self._store.create_bank(bank, request_id, author))

    def get_bank(self, name: str) -> tuple[Bank, int]:
        """A bank and how many entries it holds; raises NotFound."""
        return self._store.get_bank(name), self._store.count_entries(name)

    def list_banks(self, after: str, limit: int) -> list[Bank]:
        """At most `limit` banks by name, from `after`, exclusive."""
        return self._store.list_banks(after, limit)

    def update_bank(
        self, name: str, values: Mapping[str, Any], author: Author, request_id: str = ""
    ) -> tuple[Bank, int]:
        """Change fields of a bank; answers with it and the revision; raises NotFound, InvalidField."""
        _check_kinds(values.get("kinds", ()))
        return self._written(self._store.update_bank(name, values, request_id, author))

    def delete_bank(self, name: str, author: Author, request_id: str = "") -> int:
        """Delete a bank and its entries; answers with the revision; raises NotFound."""
        return self._written(self._store.delete_bank(name, request_id, author))

    def add_entries(
        self,
        bank: str,
        items: Sequence[NewEntry | NewMedia],
        author: Author,
        request_id: str = "",
        adding: Adding = Adding(),  # noqa: B008 - immutable
    ) -> tuple[list[Entry], int]:
        """Add entries, all or none; answers with them and the revision; raises NotFound, InvalidField, MediaError."""
        entries = [self._new_entry(item, f"entries[{at}]") for at, item in enumerate(items)]
        return self._written(self._store.add_entries(bank, entries, request_id, author, adding))

    def get_entry(self, bank: str, entry: int) -> Entry:
        """One entry; raises NotFound."""
        return self._store.get_entry(bank, entry)

    def list_entries(self, bank: str, after: int, limit: int, wanted: EntryFilter) -> list[Entry]:
        """At most `limit` entries of a bank by id, from `after`, exclusive; raises NotFound."""
        return self._store.list_entries(bank, after, limit, wanted)

    def remove_entries(self, bank: str, entries: Sequence[int], author: Author, request_id: str = "") -> int:
        """Remove entries, all or none; answers with the revision; raises NotFound."""
        return self._written(self._store.remove_entries(bank, entries, request_id, author))

    def remove_content(self, bank: str, content_id: str, author: Author, request_id: str = "") -> int:
        """Remove all entries of a content id; answers with the revision; raises NotFound."""
        return self._written(self._store.remove_content(bank, content_id, request_id, author))

    def restore_entries(self, bank: str, entries: Sequence[int], author: Author, request_id: str = "") -> int:
        """Restore removed entries, all or none; answers with the revision; raises NotFound, InvalidField (expired)."""
        return self._written(self._store.restore_entries(bank, entries, request_id, author))

    def list_batches(self, bank: str, after: int, limit: int) -> list[Batch]:
        """At most `limit` batches that wait, of one bank or of all, from `after`, exclusive; raises NotFound."""
        return self._store.approvals.batches(bank, after, limit)

    def approve_entries(self, bank: str, which: Sequence[int] | str, author: Author, request_id: str = "") -> Decided:
        """Approve entries or a batch that wait; raises NotFound, NeedsAnotherPerson."""
        return self._written(self._store.approvals.approve(bank, which, request_id, author))

    def reject_entries(self, bank: str, which: Sequence[int] | str, author: Author, request_id: str = "") -> Decided:
        """Reject entries or a batch that wait; raises NotFound, NeedsAnotherPerson."""
        return self._written(self._store.approvals.reject(bank, which, request_id, author))

    def report_match(self, bank: str, entry: int, content_id: str, finding: Finding, author: Author) -> Reported:
        """Take up what the upload of a match was found to be; raises NotFound, InvalidField, TooManyReports."""
        return self._written(self._store.feedback.report(bank, entry, content_id, finding, author))

    def list_reports(self, bank: str, entry: int, after: int, limit: int) -> list[Report]:
        """At most `limit` reports of an entry, from `after`, exclusive; raises NotFound."""
        return self._store.feedback.reports(bank, entry, after, limit)

    def list_sources(self, bank: str, after: str | None, limit: int) -> list[SourceFeedback]:
        """At most `limit` sources of a bank by name, from `after`, exclusive, or the first; raises NotFound."""
        return self._store.feedback.sources(bank, after, limit)

    def reinstate_entries(self, bank: str, entries: Sequence[int], author: Author, request_id: str = "") -> int:
        """Let flagged entries match as before; answers with the revision; raises NotFound, NeedsAnotherPerson."""
        return self._written(self._store.feedback.reinstate(bank, entries, request_id, author))

    def status(self) -> Status:
        """What this process says of itself."""
        snapshot = self._follower.snapshot
        return Status(
            revision=snapshot.revision,
            entries=dict(snapshot.entries),
            versions={name: version(name) for name in _REPORTED},
            variant=_core.variant(),
            max_media_bytes=self._limits.max_media_bytes,
            sandbox=self._hasher.sandbox,
            behind_seconds=self._follower.behind_seconds,
            follower_error="" if self._follower.error is None else str(self._follower.error),
            complete=self._follower.complete,
            recent_entries=snapshot.recent_entries,
            building=self._follower.progress,
        )

    @property
    def _snapshot(self) -> Snapshot:
        if self._follower.complete:
            return self._follower.snapshot
        progress = self._follower.progress
        so_far = f": {progress.stage} {progress.done:,} of {progress.total:,}" if progress else ""
        raise IndexLoading(f"the index is loading{so_far}")

    def _new_entry(self, item: NewEntry | NewMedia, field: str) -> NewEntry:
        if isinstance(item, NewEntry):
            hashing.check_exact(item.hash, f"{field}.hash")
            return item
        kind = hashing.check_kind(item.kind, f"{field}.kind")
        try:
            image = self._hasher.hash_image(item.media, Job((kind,)))
        except MediaError as error:
            error.at(field)
            raise
        return NewEntry(hashing.check_exact(image.originals[0], field), item.provenance, expires=item.expires)

    def _written(self, answer: _T) -> _T:
        self._follower.wake()
        return answer


def _check_kinds(policies: Sequence[KindPolicy]) -> None:
    """Raise InvalidField for a kind that there is not, or a threshold that would match nearly everything."""
    for at, policy in enumerate(policies):
        kind = hashing.KINDS[hashing.check_kind(policy.kind, f"bank.kinds[{at}].kind")]
        if policy.threshold is not None and policy.threshold > kind.bits // 4:
            most = kind.bits // 4
            raise InvalidField(
                f"bank.kinds[{at}].threshold", f"must be at most {most} of {kind.name}'s {kind.bits} bits"
            )
