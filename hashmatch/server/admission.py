"""Who is let in: decided from what waits and what is held, before a call's message is read."""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from hashmatch.errors import Overloaded
from hashmatch.server.fair_queue import FairQueue

_MOST_CALLS = 1024
"""Calls a process holds at once: being received, waiting and at work."""
_FIRST_GUESS_SECONDS = 0.01
_WEIGHT_OF_NEWEST = 0.05
_LARGEST_STEP = 4.0
"""A job that took longer counts as this many times the mean, so that one slow file does not shut others out."""
_SHORTEST_RETRY_SECONDS = 0.05


class Caller(NamedTuple):
    """Who asks, and until when an answer is of use."""

    client: str
    """The connection; all calls of one channel share it."""
    deadline: float
    """On the clock of time.monotonic(); infinite where the caller set none."""

    @classmethod
    def of(cls, context: Any) -> Self:
        """The caller of a gRPC servicer context."""
        remaining = context.time_remaining()
        return cls(context.peer(), float("inf") if remaining is None else time.monotonic() + remaining)


@dataclass(slots=True)
class Held:
    """One call's part of what a process holds."""

    caller: Caller
    receiving: bool
    """Whether its message, of a size not known yet, is still to come."""
    size: int = 0
    """Bytes of its messages."""


@dataclass(slots=True)
class _Holding:
    calls: int = 0
    receiving: int = 0
    size: int = 0


_NOTHING = _Holding()


class Admission:
    """Bounds what one process holds, shared fairly by the clients; for the event loop's thread alone.

    A call is refused (Overloaded) where its turn would come after its deadline or after `longest_wait` seconds, or
    where its client holds its share already: `most_bytes` and a fixed number of calls, divided by the clients that
    hold any. A message still to come counts with the usual size and the usual time. What a client held before others
    came it keeps, so all together may reach twice the bounds, never more.
    """

    def __init__(self, workers: int, longest_wait: float, most_bytes: int) -> None:
        self._workers = workers
        self._longest_wait = longest_wait
        self._most_bytes = most_bytes
        self._mean_seconds = _FIRST_GUESS_SECONDS
        self._mean_bytes = 0.0
        self._clients: dict[str, _Holding] = {}
        self._total = _Holding()
        self._released = asyncio.Event()
        self.waiting: FairQueue[Any] = FairQueue()

    @property
    def held_calls(self) -> int:
        """Calls let in and not ended."""
        return self._total.calls

    @property
    def held_bytes(self) -> int:
        """Bytes of their messages."""
        return self._total.size

    def wait_seconds(self, client: str) -> float:
        """About how long something that the client puts now would wait for its turn."""
        ahead = self.waiting.ahead(client) + self._of(client).receiving
        return ahead * self._mean_seconds / self._workers

    def took(self, seconds: float) -> None:
        """Learn how long a job kept a worker."""
        counted = min(seconds, _LARGEST_STEP * self._mean_seconds)
        self._mean_seconds += _WEIGHT_OF_NEWEST * (counted - self._mean_seconds)

    def check(self, caller: Caller) -> None:
        """Raises Overloaded where the caller's turn would come too late."""
        wait = self.wait_seconds(caller.client)
        if wait > self._longest_wait:
            raise _refusal(wait, "wait", f"{wait:.2f} s to wait, over the limit of {self._longest_wait:g} s")
        remaining = caller.deadline - time.monotonic()
        if wait > remaining:
            raise _refusal(wait, "deadline", f"{wait:.2f} s to wait, and {max(remaining, 0):.2f} s left")

    @contextmanager
    def hold(self, caller: Caller, *, receiving: bool) -> Iterator[Held]:
        """Count a call in until it ends; raises Overloaded where its client, or all, hold too much.

        A call of one message is `receiving` until `received` is told its size; a stream says with `add` what it holds.
        """
        own = self._of(caller.client)
        if not self._fits(own, own.calls + 1, self._total.calls + 1, _MOST_CALLS):
            wait = self.wait_seconds(caller.client)
            raise _refusal(wait, "calls", f"{own.calls} calls in progress on this connection")
        if receiving:
            self._check_room(caller, round((own.receiving + 1) * self._mean_bytes))
        held = Held(caller, receiving)
        self._change(held, calls=1, receiving=int(receiving))
        try:
            yield held
        finally:
            self._change(held, calls=-1, receiving=-int(held.receiving), size=-held.size)

    def received(self, held: Held, size: int) -> None:
        """A call's message has come; raises Overloaded where its bytes are over its client's share."""
        self._mean_bytes += _WEIGHT_OF_NEWEST * (size - self._mean_bytes)
        held.receiving = False
        self._change(held, receiving=-1)
        self._check_room(held.caller, size)
        self.add(held, size)

    def add(self, held: Held, size: int) -> None:
        """Count bytes that are there whatever the share is; negative to count them out."""
        held.size += size
        self._change(held, size=size)

    async def until_room(self, held: Held) -> None:
        """Return once the client of a call may hold one more message."""
        while not self._room(held.caller.client, 1):
            await self._released.wait()

    def _of(self, client: str) -> _Holding:
        return self._clients.get(client, _NOTHING)

    def _check_room(self, caller: Caller, size: int) -> None:
        if not self._room(caller.client, size):
            wait = self.wait_seconds(caller.client)
            raise _refusal(wait, "bytes", f"{size:,} bytes more than this connection may hold now")

    def _room(self, client: str, size: int) -> bool:
        """Whether so many more bytes are within the client's share; one message is, while it has none."""
        own = self._of(client)
        if self._total.size == 0 and own.receiving == 0:
            return True
        own_after = own.size + size if own.size or own.receiving else 0
        return self._fits(own, own_after, self._total.size + size, self._most_bytes)

    def _fits(self, own: _Holding, own_after: int, total_after: int, most: int) -> bool:
        clients = len(self._clients) + (own.calls == 0)
        return own_after <= most // clients and total_after <= 2 * most

    def _change(self, held: Held, *, calls: int = 0, receiving: int = 0, size: int = 0) -> None:
        own = self._clients.setdefault(held.caller.client, _Holding())
        for holding in (own, self._total):
            holding.calls += calls
            holding.receiving += receiving
            holding.size += size
        if own.calls == 0:
            del self._clients[held.caller.client]
        if calls < 0 or size < 0:
            self._released.set()
            self._released = asyncio.Event()


def _refusal(wait: float, limit: str, message: str) -> Overloaded:
    """Callers that were refused together are told to come back at different times."""
    spread = wait * random.uniform(0.25, 1.0)  # noqa: S311 - no secret
    return Overloaded(message, limit, max(spread, _SHORTEST_RETRY_SECONDS))
