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
    size: int = 0
    """Bytes of its messages."""


@dataclass(slots=True)
class _Holding:
    calls: int = 0
    size: int = 0


_NOTHING = _Holding()


class Admission:
    """Bounds what one process holds, shared fairly by the clients; for the event loop's thread alone.

    A call is refused (Overloaded) where its turn would come after its deadline or after `longest_wait` seconds, or
    where its client holds its share already: `most_bytes` and a fixed number of calls, divided by the clients that
    hold any. What a client held before others came it keeps, so all together may reach twice the bounds, never more.
    """

    def __init__(self, workers: int, longest_wait: float, most_bytes: int) -> None:
        self._workers = workers
        self._longest_wait = longest_wait
        self._most_bytes = most_bytes
        self._mean_seconds = _FIRST_GUESS_SECONDS
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
        return self.waiting.ahead(client) * self._mean_seconds / self._workers

    def took(self, seconds: float) -> None:
        """Learn how long a job kept a worker."""
        counted = min(seconds, _LARGEST_STEP * self._mean_seconds)
        self._mean_seconds += _WEIGHT_OF_NEWEST * (counted - self._mean_seconds)

    def check_wait(self, caller: Caller) -> None:
        """Raises Overloaded where the caller's turn would come too late."""
        wait = self.wait_seconds(caller.client)
        if wait > self._longest_wait:
            raise self._refusal(caller, "wait", f"{wait:.2f} s to wait, over the limit of {self._longest_wait:g} s")
        remaining = caller.deadline - time.monotonic()
        if wait > remaining:
            raise self._refusal(caller, "deadline", f"{wait:.2f} s to wait, and {max(remaining, 0):.2f} s left")

    @contextmanager
    def hold(self, caller: Caller) -> Iterator[Held]:
        """Count a call in until it ends; raises Overloaded where its client, or all, have too many."""
        own = self._clients.get(caller.client, _NOTHING)
        if not self._fits(own, own.calls + 1, self._total.calls + 1, _MOST_CALLS):
            raise self._refusal(caller, "calls", f"{own.calls} calls in progress on this connection")
        held = Held(caller)
        self._change(held, 1, 0)
        try:
            yield held
        finally:
            self._change(held, -1, -held.size)

    def received(self, held: Held, size: int) -> None:
        """Count the bytes of a call's message; raises Overloaded where they are over its client's share."""
        if not self._room(held.caller.client, size):
            raise self._refusal(held.caller, "bytes", f"{size:,} bytes more than may wait")
        self.add(held, size)

    def add(self, held: Held, size: int) -> None:
        """Count bytes that are there whatever the share is; negative to count them out."""
        self._change(held, 0, size)

    async def until_room(self, held: Held) -> None:
        """Return once the client of a call may hold one more message."""
        while not self._room(held.caller.client, 1):
            await self._released.wait()

    def _room(self, client: str, size: int) -> bool:
        """Whether so many more bytes are within the client's share; one message is, while it has none."""
        own = self._clients.get(client, _NOTHING)
        return self._total.size == 0 or self._fits(
            own, own.size + size if own.size else 0, self._total.size + size, self._most_bytes
        )

    def _fits(self, own: _Holding, own_after: int, total_after: int, most: int) -> bool:
        clients = len(self._clients) + (own.calls == 0)
        return own_after <= most // clients and total_after <= 2 * most

    def _change(self, held: Held, calls: int, size: int) -> None:
        held.size += size
        own = self._clients.setdefault(held.caller.client, _Holding())
        for holding in (own, self._total):
            holding.calls += calls
            holding.size += size
        if own.calls == 0:
            del self._clients[held.caller.client]
        if calls < 0 or size < 0:
            self._released.set()
            self._released = asyncio.Event()

    def _refusal(self, caller: Caller, limit: str, message: str) -> Overloaded:
        wait = self.wait_seconds(caller.client) * random.uniform(0.25, 1.0)  # noqa: S311 - spreads the callers
        return Overloaded(message, limit, max(wait, _SHORTEST_RETRY_SECONDS))
