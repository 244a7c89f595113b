"""Who is let in: waits foretold, deadlines, shares of what may be held, and what a refusal says."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from hashmatch.errors import Overloaded
from hashmatch.server.admission import Admission, Caller

MB = 2**20
FOREVER = float("inf")


def caller(client: str = "a", seconds: float = FOREVER) -> Caller:
    return Caller(client, time.monotonic() + seconds)


def busy(*clients: str, seconds: float = 0.1, workers: int = 2) -> Admission:
    """Jobs take so long each, and one waits for each of the clients named."""
    admission = Admission(workers, longest_wait=1.0, most_bytes=64 * MB)
    for _ in range(500):
        admission.took(seconds)
    for client in clients:
        admission.waiting.put(client, object())
    return admission


def refused(limit: str) -> "pytest.RaisesExc[Overloaded]":
    return pytest.RaisesExc(Overloaded, check=lambda error: error.details["limit"] == limit)


def test_an_idle_service_lets_everyone_in() -> None:
    busy().check(caller(seconds=0.001))


def test_a_call_that_would_wait_too_long_is_refused_and_told_when_to_come_back() -> None:
    busy(*"a" * 20).check(caller())
    with refused("wait") as caught:
        busy(*"a" * 21).check(caller())
    assert 0.25 * 1.05 <= caught.value.retry_seconds <= 1.1


def test_a_call_that_cannot_meet_its_deadline_is_refused() -> None:
    busy(*"a" * 10).check(caller(seconds=0.6))
    with refused("deadline"):
        busy(*"a" * 10).check(caller(seconds=0.4))


def test_only_the_client_that_floods_is_refused() -> None:
    admission = busy(*"a" * 500)
    with refused("wait"):
        admission.check(caller("a"))
    admission.check(caller("b", seconds=0.2))


def test_one_slow_job_does_not_shut_others_out() -> None:
    admission = busy(*"a" * 10)
    admission.took(60.0)
    admission.check(caller(seconds=0.7))


def test_bytes_are_shared_by_the_clients_that_hold_any() -> None:
    admission = busy()
    with admission.hold(caller("a"), receiving=True) as first:
        admission.received(first, 40 * MB)
        with admission.hold(caller("b"), receiving=True) as second:
            admission.received(second, 40 * MB)  # its first message is within twice the bound
            for client in "ab":
                with refused("bytes"), admission.hold(caller(client), receiving=True) as third:
                    admission.received(third, 1 * MB)
            with refused("bytes"), admission.hold(caller("c"), receiving=True) as third:
                admission.received(third, 60 * MB)
            assert admission.held_bytes == 80 * MB
        with admission.hold(caller("a"), receiving=True) as third:
            admission.received(third, 10 * MB)
    assert (admission.held_bytes, admission.held_calls) == (0, 0)


def test_the_largest_message_is_let_in_where_nothing_is_held() -> None:
    admission = Admission(1, 1.0, most_bytes=1000)
    with admission.hold(caller(), receiving=True) as held:
        admission.received(held, 10**9)


def test_a_burst_is_refused_before_its_messages_are_read() -> None:
    admission = busy()
    for _ in range(200):
        with admission.hold(caller(), receiving=True) as held:
            admission.received(held, 4 * MB)
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(admission.hold(caller(), receiving=True))
        with refused("bytes"):
            stack.enter_context(admission.hold(caller(), receiving=True))
        stack.enter_context(admission.hold(caller("b"), receiving=True))


def test_messages_still_to_come_count_as_a_wait_for_their_own_client() -> None:
    admission = busy()
    with ExitStack() as stack:
        for _ in range(21):
            stack.enter_context(admission.hold(caller(), receiving=True))
        with refused("wait"):
            admission.check(caller())
        admission.check(caller("b"))


def test_calls_are_bounded() -> None:
    admission = busy()
    with ExitStack() as stack:
        for _ in range(1024):
            stack.enter_context(admission.hold(caller(), receiving=False))
        with refused("calls"):
            stack.enter_context(admission.hold(caller(), receiving=False))
        stack.enter_context(admission.hold(caller("b"), receiving=False))
    assert admission.held_calls == 0


async def test_a_stream_waits_for_room_and_goes_on_with_it() -> None:
    admission = busy()
    with admission.hold(caller(), receiving=False) as held:
        await admission.until_room(held)
        admission.add(held, 70 * MB)
        waiting = asyncio.create_task(admission.until_room(held))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        admission.add(held, -10 * MB)
        await asyncio.wait_for(waiting, 5)
