"""Work whose caller has gone or is late is not done, clients take turns, and neither pool waits for the other."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Iterator

import pytest

from hashmatch import errors
from hashmatch.server.admission import Admission, Caller
from hashmatch.server.metrics import Metrics
from hashmatch.server.turns import connection
from hashmatch.server.work import Work

ANYONE = Caller("anyone", float("inf"))


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work(1, Admission(1, 1.0, 1000), Metrics())
    yield made
    made.close()


class Blocked:
    """Keeps the only media thread until it is released."""

    def __init__(self, work: Work) -> None:
        self._release = threading.Event()
        self.task = asyncio.create_task(work.media(ANYONE, self._release.wait, 10))

    async def release(self) -> None:
        self._release.set()
        assert await self.task


async def test_abandoned_work_is_not_begun(work: Work) -> None:
    ran = threading.Event()
    blocked = Blocked(work)
    await asyncio.sleep(0)
    abandoned = asyncio.create_task(work.media(ANYONE, ran.set))
    await asyncio.sleep(0)
    assert len(work.admission.waiting) == 1
    abandoned.cancel()
    await asyncio.sleep(0)
    assert len(work.admission.waiting) == 0
    await blocked.release()
    await work.media(ANYONE, int)
    assert not ran.is_set()


async def test_late_work_is_not_begun(work: Work) -> None:
    ran = threading.Event()
    blocked = Blocked(work)
    await asyncio.sleep(0)
    late = asyncio.create_task(work.media(Caller("late", time.monotonic() + 0.01), ran.set))
    await asyncio.sleep(0.05)
    await blocked.release()
    with pytest.raises(errors.DeadlineExceeded):
        await late
    assert not ran.is_set()


@pytest.mark.parametrize("seconds", [0.01, 60])
async def test_who_goes_as_its_turn_comes_takes_nobody_with_it(work: Work, seconds: float) -> None:
    ran = threading.Event()
    blocked = Blocked(work)
    await asyncio.sleep(0)
    going = asyncio.create_task(work.media(Caller("going", time.monotonic() + seconds), ran.set))
    after = asyncio.create_task(work.media(ANYONE, int, "7"))
    await asyncio.sleep(0.05)
    blocked._release.set()
    time.sleep(0.05)  # noqa: ASYNC251 - the loop is to find the end of the job and the cancellation at once
    going.cancel()
    assert await blocked.task
    assert await after == 7
    with pytest.raises(asyncio.CancelledError):
        await going
    assert not ran.is_set()


async def test_clients_take_turns(work: Work) -> None:
    order: list[str] = []
    blocked = Blocked(work)
    await asyncio.sleep(0)
    clients = "aaaabb"
    tasks = [asyncio.create_task(work.media(Caller(client, float("inf")), order.append, client)) for client in clients]
    await asyncio.sleep(0)
    await blocked.release()
    await asyncio.gather(*tasks)
    assert order == list("ababaa")


async def test_a_caller_that_leaves_does_not_free_the_thread_it_has(work: Work) -> None:
    blocked = Blocked(work)
    await asyncio.sleep(0.01)
    assert work.busy == 1
    blocked.task.cancel()
    await asyncio.sleep(0.01)
    assert work.busy == 1
    after = asyncio.create_task(work.media(ANYONE, int, "7"))
    await asyncio.sleep(0.01)
    assert not after.done()
    blocked._release.set()
    assert await after == 7
    await asyncio.sleep(0)
    assert work.busy == 0


async def test_the_store_is_reached_while_media_are_at_work(work: Work) -> None:
    blocked = Blocked(work)
    await asyncio.sleep(0)
    assert await work.store(int, "7") == 7
    assert not blocked.task.done()
    await blocked.release()


async def test_an_error_reaches_the_caller(work: Work) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await work.media(ANYONE, int, "seven")
    assert await work.media(ANYONE, int, "7") == 7


async def test_connections_take_turns_for_the_store(work: Work) -> None:
    """One that floods it waits for the others, and all of its work is done in the end."""
    release, done = threading.Event(), list[str]()

    def begin(name: str) -> "asyncio.Task[None]":
        def verb() -> None:
            assert release.wait(20)
            done.append(name)

        context = contextvars.copy_context()
        context.run(connection.set, name)
        return asyncio.create_task(work.store(verb), context=context)

    flood = [begin("a") for _ in range(100)]
    other = begin("b")
    await asyncio.sleep(0.01)
    release.set()
    await other
    assert done.count("a") < 20
    await asyncio.gather(*flood)
    assert done.count("a") == 100
