"""Rows in batches, and batches into a bank: several in flight, each written once however often it is sent."""

import hashlib
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Final, ParamSpec, TypeAlias, TypeVar

from hashmatch.cli.import_order import Order
from hashmatch.errors import DeadlineExceeded, HashmatchError, InvalidInput, NotFound, Unavailable
from hashmatch.lists import BEGINNING, Position
from hashmatch.lists.reading import Row
from hashmatch.types import Adding, Entry, NewEntry

if TYPE_CHECKING:
    from hashmatch.client import Client

_P = ParamSpec("_P")
_T = TypeVar("_T")

ROWS_A_BATCH: Final = 5_000
IN_FLIGHT: Final = 3
"""Batches sent ahead of the answers: the server takes one apart while it writes another."""
_PAUSE_SECONDS: Final = 0.5
_PLACE: Final = re.compile(r"entries\[(\d+)\]\S*?: ")


@dataclass(slots=True)
class Batch:
    """Some rows in a row: what of them is to be added, and what is left out."""

    number: int
    entries: list[NewEntry] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Where each entry was read."""
    left_out: list[tuple[int, str]] = field(default_factory=list)
    """Lines, and why they cannot be added."""
    end: Position = BEGINNING
    following: int = 0
    """About how many more rows there are."""

    def request_id(self, bank: str, gone: int) -> str:
        """A name for the write that follows from what it writes and from its place in the file.

        `gone` is the last entry that an earlier write of the same gave and the bank lost, or 0.
        """
        digest = hashlib.sha256(f"{bank} {self.number} {gone}\n".encode())
        for entry in self.entries:
            hash_, origin, shown = entry.hash, entry.provenance, entry.shown
            content = (hash_.kind, hash_.bits, hash_.quality, shown and (shown.start, shown.end), entry.expires)
            said = (origin.content_id, origin.source, origin.labels, origin.note, origin.programme, origin.reported)
            digest.update(repr((content, said)).encode())
        return f"import-{digest.hexdigest()}"


Sent: TypeAlias = tuple[Batch, Entry | None]
"""A batch that is in the bank, and its last entry; None where all its rows were left out."""


def batches(rows: Iterable[Row], first: int) -> Iterator[Batch]:
    """Yield the rows in batches, numbered from `first`; good rows and bad fill a batch alike."""
    batch = Batch(first)
    for line, entry, end in rows:
        if isinstance(entry, str):
            batch.left_out.append((line, entry))
        else:
            batch.entries.append(entry)
            batch.lines.append(line)
        batch.end = end
        if len(batch.entries) + len(batch.left_out) == ROWS_A_BATCH:
            yield batch
            batch = Batch(batch.number + 1)
    if batch.end.offset:
        yield batch


class Sender:
    """Sends batches to one bank; while no server answers, it waits for one."""

    def __init__(self, client: "Client", order: Order, on_wait: Callable[[HashmatchError], None]) -> None:
        """While a server is waited for, `on_wait` is told why, from another thread."""
        self._client = client
        self._bank = order.bank
        self._reason = order.reason
        self._batch = f"import {order.name}"[-128:]
        self._patience = order.patience
        self._on_wait = on_wait
        first = next(client.list_entries(order.bank), None)
        self._oldest = first.id if first is not None else sys.maxsize
        self._waiting = Event()
        self._stopping = Event()

    def send_all(self, source: Iterable[Batch]) -> Iterator[Sent]:
        """Yield each batch once it and all before it are in the bank.

        Raises what the server answers, and Unavailable or DeadlineExceeded where it did not for too long.
        """
        pending: deque[tuple[Batch, Future[Entry | None]]] = deque()
        pool = ThreadPoolExecutor(IN_FLIGHT, "import")
        try:
            for batch in source:
                pending.append((batch, pool.submit(self._send, batch)))
                if len(pending) > IN_FLIGHT:
                    yield _answered(pending)
            while pending:
                yield _answered(pending)
        finally:
            self._stopping.set()
            pool.shutdown(cancel_futures=True)

    def _send(self, batch: Batch) -> Entry | None:
        """Write a batch, unless an earlier write of the same has entries that the bank may still hold."""
        entry, gone = None, 0
        while batch.entries:
            request_id = batch.request_id(self._bank, gone)
            load = partial(self._client.load_entries, request_id=request_id, reason=self._reason)
            adding = Adding(self._batch, batch.following)
            entry = self._answer(load, self._bank, batch.entries, adding=adding)
            if entry.id >= self._oldest or self._answer(self._holds, entry.id):
                break
            gone = entry.id
        return entry

    def _holds(self, entry: int) -> bool:
        try:
            return self._client.get_entry(self._bank, entry).id == entry
        except NotFound:
            return False

    def _answer(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call until a server answers; what it answers may be an error."""
        end: float | None = None
        while True:
            try:
                answer = call(*args, **kwargs)
            except (Unavailable, DeadlineExceeded) as error:
                if not self._waiting.is_set():
                    self._waiting.set()
                    self._on_wait(error)
                end = end or time.monotonic() + self._patience
                if time.monotonic() > end or self._stopping.wait(_PAUSE_SECONDS):
                    raise
            else:
                self._waiting.clear()
                return answer


def _answered(pending: deque[tuple[Batch, Future[Entry | None]]]) -> Sent:
    """Wait for the first batch; an error names the line and not the place in the batch."""
    batch, answer = pending.popleft()
    try:
        return batch, answer.result()
    except InvalidInput as error:
        if place := _PLACE.match(error.message):
            error.message = f"line {batch.lines[int(place[1])]}: {error.message.removeprefix(place[0])}"
        raise
