"""Where blocking work runs while the event loop goes on: threads for media, and apart from them for the store."""

import asyncio
import contextlib
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, NamedTuple, ParamSpec, TypeVar

import grpc

from hashmatch import errors
from hashmatch.server.admission import Admission, Caller
from hashmatch.server.metrics import Metrics
from hashmatch.server.turns import Turns, connection

_P = ParamSpec("_P")
_T = TypeVar("_T")

_STORE_THREADS = 4
_REVISION_POLL_SECONDS = 0.01
_LONGEST_REVISION_WAIT = 30.0


class _Outcome(NamedTuple):
    value: Any
    error: BaseException | None
    seconds: float


@dataclass(slots=True, eq=False)
class _Job:
    """What waits for a media thread, or runs in one."""

    caller: Caller
    run: Callable[[], Any]
    answer: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    since: float
    waits: bool = True


class Work:
    """Two pools, so that a flood of media does not keep staff from the banks, nor a slow write from media.

    Media wait in a fair queue until a thread is free; what is cancelled or past its deadline by then is not begun.
    """

    def __init__(self, media_threads: int, admission: Admission, metrics: Metrics) -> None:
        self.media_threads = media_threads
        self.admission = admission
        self._metrics = metrics
        self._waiting = admission.waiting
        self._free = media_threads
        self._started: SimpleQueue[_Job | None] = SimpleQueue()
        """At most as many as there are threads, so that an executor, which makes a lock for each, has no use."""
        self._threads = [threading.Thread(target=self._perform, name=f"media_{at}") for at in range(media_threads)]
        for thread in self._threads:
            thread.start()
        self._store = ThreadPoolExecutor(_STORE_THREADS, "store")
        self._turns = Turns(_STORE_THREADS)

    @property
    def busy(self) -> int:
        """Media threads at work."""
        return self.media_threads - self._free

    async def media(self, caller: Caller, verb: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run what decodes, hashes or searches, in the caller's turn; raises DeadlineExceeded where that is late."""
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        within = contextvars.copy_context()
        job = _Job(caller, lambda: within.run(verb, *args, **kwargs), answer, loop, time.monotonic())
        self._waiting.put(caller.client, job)
        self._start_next()
        try:
            return await answer  # type: ignore[no-any-return]  # what the verb answered
        finally:
            if answer.cancelled() and job.waits:
                self._waiting.remove(caller.client, job)
            del answer, job  # an error's traceback leads here, and from the answer back to the error

    async def store(self, verb: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run what reads or writes the database, in the turn of the call's connection."""
        await self._turns.take(connection.get())
        working = asyncio.get_running_loop().run_in_executor(self._store, lambda: verb(*args, **kwargs))
        working.add_done_callback(lambda _: self._turns.give())
        return await working

    def close(self) -> None:
        """Wait for what is running, drop what is not."""
        for _ in self._threads:
            self._started.put(None)
        for thread in self._threads:
            thread.join()
        self._store.shutdown(cancel_futures=True)

    def _start_next(self) -> None:
        while self._free and len(self._waiting):
            job: _Job = self._waiting.pop()
            job.waits = False
            if job.answer.done():  # its caller goes in this moment, and has not taken it out yet
                continue
            now = time.monotonic()
            if now > job.caller.deadline:
                job.answer.set_exception(errors.DeadlineExceeded("the deadline passed before the call's turn came"))
                continue
            self._metrics.stage_took("queue", now - job.since)
            self._free -= 1
            self._started.put(job)

    def _perform(self) -> None:
        """Run jobs, in a media thread; their answers are given in the loop's."""
        while (job := self._started.get()) is not None:
            outcome = _outcome(job.run)
            with contextlib.suppress(RuntimeError):  # where the loop has ended, nobody waits
                job.loop.call_soon_threadsafe(self._end, job, outcome)
            del job, outcome  # nothing of them is kept while there is nothing to do

    def _end(self, job: _Job, outcome: _Outcome) -> None:
        self._free += 1
        self.admission.took(outcome.seconds)
        self._start_next()
        if job.answer.done():  # the caller has gone
            return
        if outcome.error is not None:
            job.answer.set_exception(outcome.error)
        else:
            job.answer.set_result(outcome.value)


def _outcome(run: Callable[[], Any]) -> _Outcome:
    started = time.perf_counter()
    try:
        value = run()
    except Exception as failure:  # noqa: BLE001 - raised again where the answer is awaited
        return _Outcome(None, failure, time.perf_counter() - started)
    return _Outcome(value, None, time.perf_counter() - started)


async def reach(newest: Callable[[], int], revision: int, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    """Return once `newest()` is at `revision`; raises RevisionNotReached shortly before the deadline."""
    if newest() >= revision:
        return
    remaining = context.time_remaining()
    longest = _LONGEST_REVISION_WAIT if remaining is None else min(remaining * 0.9, _LONGEST_REVISION_WAIT)
    end = time.monotonic() + longest
    while newest() < revision:
        if time.monotonic() >= end:
            raise errors.RevisionNotReached(
                f"revision {revision} was not reached within {longest:.1f} s; answers are at {newest()}",
                revision=newest(),
            )
        await asyncio.sleep(_REVISION_POLL_SECONDS)
