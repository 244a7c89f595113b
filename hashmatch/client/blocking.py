"""The blocking client."""

import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

import grpc

from hashmatch import wire
from hashmatch.client import calls
from hashmatch.client.calls import DEFAULT_OPTIONS, DEFAULT_TARGET, DEFAULT_TIMEOUT, DEFAULT_VIDEO, Call, T
from hashmatch.client.patience import Patience
from hashmatch.client.security import OPEN, Security
from hashmatch.errors import HashmatchError, InvalidField
from hashmatch.types import (
    Bank,
    Decision,
    Entry,
    Hash,
    HashedImage,
    HashedVideo,
    ImageDecision,
    LumaPlane,
    MatchOptions,
    NewEntry,
    NewMedia,
    Provenance,
    Status,
    VideoDecision,
    VideoOptions,
)


class Client:
    """A connection to a server; thread-safe, to be closed or used in a `with` statement.

    Every method raises the errors of `hashmatch.errors` that the server names, Unavailable where no
    server answers after several attempts, and DeadlineExceeded after `timeout` seconds. Calls are tried
    again on UNAVAILABLE, and when an overloaded server said they should be; Overloaded is raised where
    that would be past `timeout`. Writes carry a request id, so that trying again never
    writes twice.
    Raises ConfigurationError where `security` cannot be used.
    """

    def __init__(
        self, target: str = DEFAULT_TARGET, *, timeout: float = DEFAULT_TIMEOUT, security: Security = OPEN
    ) -> None:
        credentials = security.credentials(target)
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options=calls.CHANNEL_OPTIONS)
        else:
            self._channel = grpc.secure_channel(target, credentials, options=calls.CHANNEL_OPTIONS)
        self._methods = {name: security.apply(method) for name, method in calls.methods(self._channel).items()}
        self._timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls in flight are cancelled."""
        self._channel.close()

    def match_image(
        self, media: bytes, options: MatchOptions = DEFAULT_OPTIONS, *, content_id: str = ""
    ) -> ImageDecision:
        """Hash one image on the server and look it up.

        A server that keeps a log of hashes keeps those of an image that has a `content_id`.
        """
        return self._run(calls.match_image(media, options, content_id))

    def match_many(
        self, items: Iterable[tuple[str, bytes]], options: MatchOptions = DEFAULT_OPTIONS, *, log_keys: bool = False
    ) -> Iterator[tuple[str, ImageDecision | HashmatchError]]:
        """Match many images, given as (key, bytes), on one stream; yields (key, outcome) in their order.

        The keys are content ids, as of `match_image`, where `log_keys`.
        An item that cannot be scanned yields its error. `items` is drawn from another thread, a bounded
        number ahead of the answers. A stream that breaks off is opened again, and what has no answer is
        sent again.
        """
        return _Pipeline(self._methods["MatchStream"], items, (options, log_keys)).run()

    def lookup_hashes(self, hashes: Sequence[Hash], options: MatchOptions = DEFAULT_OPTIONS) -> list[Decision]:
        """Look up hashes as they are given; 1 to 4,096 at once."""
        return self._run(calls.lookup_hashes(hashes, options))

    def hash_image(self, media: bytes, kinds: Sequence[str] = (), *, approximate: bool = False) -> HashedImage:
        """Hash one image on the server, in its 8 orientations; by pdq where no kinds are named.

        `approximate` is as in `MatchOptions`.
        """
        return self._run(calls.hash_image(media, kinds, approximate))

    def match_video(
        self,
        path: str | Path,
        options: MatchOptions = DEFAULT_OPTIONS,
        video: VideoOptions = DEFAULT_VIDEO,
    ) -> VideoDecision:
        """Match a video, animated image or still, streamed from disk; it may take minutes."""
        answer = self._stream("MatchVideo", calls.video_request(Path(path), options, video))
        return wire.video_decision_from_wire(answer.result)

    def hash_video(self, path: str | Path, video: VideoOptions = DEFAULT_VIDEO) -> HashedVideo:
        """The hashes of a video's frames, streamed from disk; it may take minutes."""
        return wire.hashed_video_from_wire(self._stream("HashVideo", calls.hash_video_request(Path(path), video)))

    def match_frames(
        self,
        frames: Iterable[tuple[int, bytes | LumaPlane]],
        options: MatchOptions = DEFAULT_OPTIONS,
        video: VideoOptions = DEFAULT_VIDEO,
    ) -> VideoDecision:
        """Match frames decoded here as one video: times in microseconds, ascending, and image files or luma."""
        answer = self._stream("MatchFrames", calls.frames_request(frames, options, video))
        return wire.video_decision_from_wire(answer.result)

    def add_video(
        self,
        bank: str,
        path: str | Path,
        provenance: Provenance,
        video: VideoOptions = DEFAULT_VIDEO,
    ) -> tuple[HashedVideo, int]:
        """Make a video known: hash its frames and add them as entries; `content_id` names it. The revision, too.

        A bank's entries of one content id are one video. Raises InvalidField where there is no content id.
        """
        if not provenance.content_id:
            raise InvalidField("provenance.content_id", "must name the video")
        hashed = self.hash_video(path, video)
        revision = 0
        for entries in calls.video_entries(hashed, provenance):
            revision = self.load_entries(bank, entries).revision
        return hashed, revision

    def create_bank(self, bank: Bank, *, request_id: str = "") -> tuple[Bank, int]:
        """Make a bank; answers with it and the revision of the write."""
        return self._run(calls.create_bank(bank, request_id))

    def get_bank(self, name: str) -> tuple[Bank, int]:
        """A bank and how many entries it holds."""
        return self._run(calls.get_bank(name))

    def list_banks(self) -> Iterator[Bank]:
        """All banks by name, fetched page by page."""
        token = ""
        while True:
            page, token = self._run(calls.list_banks(token))
            yield from page
            if not token:
                return

    def update_bank(self, name: str, *, request_id: str = "", **values: Any) -> tuple[Bank, int]:
        """Change fields of a bank, for example `threshold=24`; answers with it and the revision."""
        return self._run(calls.update_bank(name, values, request_id))

    def delete_bank(self, name: str, *, request_id: str = "") -> int:
        """Delete a bank and its entries; answers with the revision."""
        return self._run(calls.delete_bank(name, request_id))

    def add_entries(
        self, bank: str, items: Iterable[NewEntry | NewMedia], *, request_id: str = ""
    ) -> tuple[list[Entry], int]:
        """Add 1 to 10,000 entries, all or none; answers with them and the revision."""
        return self._run(calls.add_entries(bank, items, request_id))

    def load_entries(self, bank: str, items: Iterable[NewEntry], *, request_id: str = "") -> Entry:
        """As `add_entries`, of hashes alone and for many of them: answers with the last entry, which is less work."""
        return self._run(calls.load_entries(bank, items, request_id))

    def get_entry(self, bank: str, entry: int) -> Entry:
        """One entry."""
        return self._run(calls.get_entry(bank, entry))

    def list_entries(self, bank: str) -> Iterator[Entry]:
        """A bank's entries in the order they were added, fetched page by page."""
        token = ""
        while True:
            page, token = self._run(calls.list_entries(bank, token))
            yield from page
            if not token:
                return

    def remove_entries(self, bank: str, entries: Sequence[int], *, request_id: str = "") -> int:
        """Remove 1 to 10,000 entries by id, all or none; answers with the revision."""
        return self._run(calls.remove_entries(bank, entries, request_id))

    def status(self) -> Status:
        """What the server says of itself."""
        return self._run(calls.get_status())

    def wait_for_revision(self, revision: int) -> tuple[int, ...]:
        """Return once every process of the server answers at a revision; the revision of each."""
        return self._run(calls.wait_for_revision(revision))

    def _stream(self, method: str, requests: Iterable[Any]) -> Any:
        """Send a stream and read its one answer; an upload is sent anew when the server says."""
        patience = Patience(math.inf)
        while True:
            try:
                return self._methods[method](iter(requests))
            except grpc.RpcError as failure:
                error = calls.as_error(failure)
                if not isinstance(requests, calls.Upload):
                    raise error from failure
                time.sleep(patience.pause(error))

    def _run(self, call: Call[T]) -> T:
        patience = Patience(self._timeout)
        while True:
            try:
                return call.read(self._methods[call.method](call.request, timeout=patience.remaining))
            except grpc.RpcError as failure:
                time.sleep(patience.pause(calls.as_error(failure)))


class _Pipeline:
    """One `match_many`: a thread sends ahead within the window, the caller's thread reads the answers."""

    def __init__(self, method: Any, items: Iterable[tuple[str, bytes]], how: tuple[MatchOptions, bool]) -> None:
        self._method = method
        self._items = items
        self._how = how
        self._lock = threading.Lock()
        self._window = threading.Semaphore(calls.STREAM_WINDOW)
        self._unanswered: deque[tuple[str, bytes]] = deque()
        self._requests: SimpleQueue[Any] = SimpleQueue()
        self._exhausted = False
        self._abandoned = False
        self._source_error: BaseException | None = None

    def run(self) -> Iterator[tuple[str, ImageDecision | HashmatchError]]:
        threading.Thread(target=self._send, name="match_many", daemon=True).start()
        attempt = 0
        answers = self._open()
        try:
            while True:
                try:
                    for answer in answers:
                        attempt = 0
                        yield self._answered(), calls.stream_answer(answer)
                    break
                except grpc.RpcError as failure:
                    attempt += 1
                    time.sleep(calls.stream_pause(failure, attempt))
                    answers = self._open()
        finally:
            self._abandoned = True
            self._window.release()
            answers.cancel()
        if self._source_error is not None:
            raise self._source_error

    def _send(self) -> None:
        try:
            for item in self._items:
                self._window.acquire()
                if self._abandoned:
                    return
                with self._lock:
                    self._unanswered.append(item)
                    self._requests.put(calls.stream_request(*item, *self._how))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread, after the answers
            self._source_error = error
        finally:
            with self._lock:
                self._exhausted = True
                self._requests.put(None)

    def _open(self) -> Any:
        with self._lock:
            self._requests.put(None)
            self._requests = SimpleQueue()
            for item in self._unanswered:
                self._requests.put(calls.stream_request(*item, *self._how))
            if self._exhausted:
                self._requests.put(None)
            return self._method(iter(self._requests.get, None))

    def _answered(self) -> str:
        with self._lock:
            key, _ = self._unanswered.popleft()
        self._window.release()
        return key
