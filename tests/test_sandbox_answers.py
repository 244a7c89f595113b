"""Answers of a worker that lies: whatever it says is an answer to the job, to the byte, or an error."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hashmatch import errors
from hashmatch.hashing import KINDS
from hashmatch.sandbox import Job, Line, Loss, Malformed
from hashmatch.sandbox.failure import answer, send_failure
from hashmatch.sandbox.image import pack, unpack
from hashmatch.sandbox.in_process import InProcess
from hashmatch.sandbox.tray import Tray
from hashmatch.settings import MediaLimits
from hashmatch.types import HashedImage, Took
from tests.hostile import MakePool, ask
from tests.test_media_damage import FILES
from tests.test_sandbox_pool import wait_until

LIMITS = MediaLimits()
JOBS = [Job(), Job(("md5",)), Job(tuple(KINDS)), Job(("phash", "sha256"), all_views=True)]
LONGEST = 4096


@pytest.fixture
def lines() -> Iterator[tuple[Line, Line, socket.socket]]:
    """The service's end, the worker's, and the worker's bare socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    tray, reader = Tray.made(4096)
    with ours, theirs, os.fdopen(reader):
        service = Line(ours, tray)
        service.deadline = time.monotonic() + 5
        yield service, Line(theirs, Tray.of(reader)), theirs


@pytest.mark.parametrize("job", JOBS, ids=str)
def test_there_and_back(job: Job) -> None:
    image = InProcess(LIMITS).hash_image(FILES["PNG"], job)
    there = unpack(pack(image), job, LIMITS)
    assert there == image
    assert there.took == image.took is not None


@pytest.mark.parametrize("took", [(10_000_001, 0), (0, 10_000_001), (5_000_001, 5_000_000), (2**64 - 1, 1)])
def test_more_time_than_the_job_was_given(took: tuple[int, int]) -> None:
    image = InProcess(LIMITS).hash_image(FILES["PNG"], Job())
    with pytest.raises(Malformed, match="more time"):
        unpack(pack(replace(image, took=Took(*took))), Job(), LIMITS)
    most = Took(decode=5_000_000, hash=5_000_000)
    assert unpack(pack(replace(image, took=most)), Job(), LIMITS).took == most


@pytest.mark.parametrize("job", JOBS, ids=str)
@given(data=st.data())
@settings(max_examples=150)
def test_any_change_is_malformed_or_an_answer_of_the_same_shape(job: Job, data: st.DataObject) -> None:
    good = InProcess(LIMITS).hash_image(FILES["PNG"], job)
    changed = bytearray(pack(good))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    check_shape(bytes(changed), job, good)


@given(data=st.binary(max_size=600))
@example(data=b"")
@settings(max_examples=300)
def test_anything_else_is_malformed(data: bytes) -> None:
    check_shape(data, JOBS[0], InProcess(LIMITS).hash_image(FILES["PNG"], JOBS[0]))


def check_shape(data: bytes, job: Job, good: HashedImage) -> None:
    try:
        found = unpack(data, job, LIMITS)
    except Malformed:
        return
    assert [(value.kind, len(value.bits)) for value in found.hashes] == [
        (value.kind, len(value.bits)) for value in good.hashes
    ]
    assert all(value.quality is None or 0 <= value.quality <= 100 for value in (*found.hashes, *found.inner))
    assert 0 < found.width <= LIMITS.max_side
    assert 0 < found.height <= LIMITS.max_side
    assert found.width * found.height <= LIMITS.max_pixels
    assert found.media_type.startswith("image/")
    assert found.media_type.isascii()
    assert job.all_views or not found.inner
    assert found.took is not None
    assert 0 <= found.took.decode + found.took.hash <= LIMITS.max_decode_seconds * 10**6


ERRORS = [
    errors.EmptyMedia("nothing"),
    errors.UnsupportedMedia("this is äöü"),
    errors.CorruptMedia("x" * 5000),
    errors.DecoderCrashed("the decoder failed"),
    errors.MediaTooLarge("max_side", LIMITS.max_side, 20_000),
    errors.MediaTooLarge("max_decode_memory", LIMITS.max_decode_memory, None),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.reason)
def test_failures_there_and_back(lines: tuple[Line, Line, socket.socket], error: errors.MediaError) -> None:
    service, worker, _ = lines
    send_failure(worker, error)
    with pytest.raises(type(error)) as caught:
        answer(service, LONGEST, LIMITS)
    assert caught.value.message == error.message[:400]
    assert caught.value.details == error.details


@given(body=st.binary(min_size=1, max_size=2000))
@example(body=b"\1\0bell \x07 escape \x1b[31m newline \n")
@example(body=b"\1\xff\xff" + bytes(8))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_failure_is_one_of_ours_and_printable(lines: tuple[Line, Line, socket.socket], body: bytes) -> None:
    service, _, bare = lines
    service.deadline = time.monotonic() + 5
    bare.send(body)
    outcome: bytes | errors.MediaError = b""
    try:
        outcome = answer(service, LONGEST, LIMITS)
    except errors.MediaError as error:
        outcome = error
    except Malformed:
        return
    assert len(str(outcome)) <= LONGEST
    assert isinstance(outcome, bytes) or outcome.message.isprintable()


@pytest.mark.parametrize("length", [LONGEST + 2, 100_000])
def test_more_than_was_asked_for(lines: tuple[Line, Line, socket.socket], length: int) -> None:
    service, worker, bare = lines
    bare.send(bytes(length))
    with pytest.raises(Malformed, match="more than"):
        answer(service, LONGEST, LIMITS)
    worker.send(b"\0next")
    assert answer(service, LONGEST, LIMITS) == b"next"


def test_silence_ends_with_the_deadline(lines: tuple[Line, Line, socket.socket]) -> None:
    service, worker, _ = lines
    service.deadline = time.monotonic() + 0.2
    worker.send(b"\0one of several")
    assert answer(service, LONGEST, LIMITS) == b"one of several"
    with pytest.raises(TimeoutError):
        answer(service, LONGEST, LIMITS)
    assert 0 <= time.monotonic() - service.deadline < 2
    for act in (lambda: service.receive(1), lambda: service.send(b"late"), lambda: service.send_descriptor(0)):
        with pytest.raises(TimeoutError):
            act()


def test_a_worker_that_does_not_read_keeps_nobody(lines: tuple[Line, Line, socket.socket]) -> None:
    service, _, _ = lines

    def send_on() -> None:
        for _ in range(10_000):
            service.send(bytes(1000))

    with pytest.raises(TimeoutError):
        send_on()
    assert service.deadline is not None
    assert time.monotonic() < service.deadline


@pytest.mark.parametrize("size", [1, 100, 2**16])
def test_messages_of_any_size(lines: tuple[Line, Line, socket.socket], size: int) -> None:
    service, worker, _ = lines
    messages = [bytes((at,)) * size for at in range(2)]
    for message in messages:
        service.send(message)
    assert [worker.receive(size) for _ in messages] == messages


def test_a_message_of_nothing_is_the_end(lines: tuple[Line, Line, socket.socket]) -> None:
    service, _, bare = lines
    bare.send(b"")
    with pytest.raises(EOFError):
        service.check_silence()
    with pytest.raises(EOFError):
        answer(service, LONGEST, LIMITS)


LIES = {
    "nothing of sense": "ff" * 8,
    "a head alone": "00" * 50,
    "far too long": "00" * 60_000,
    "an unknown status": "07",
    "an unknown failure": bytes((1, 99)).hex(),
    "an unknown limit": struct.pack("<BBBq", 1, 255, 200, 5).hex(),
    "a failure without a class": "01",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_worker(make_pool: MakePool, lie: str) -> None:
    """It writes to its connection past the protocol, and is replaced."""
    pool = make_pool()
    with pytest.raises(errors.DecoderCrashed, match="no valid answer") as caught:
        ask(pool, f"say {LIES[lie]}")
    assert caught.value.details == {"cause": "lie"}
    assert ask(pool, "count") == 4
    assert pool.losses == {Loss.LIE: 1}


def test_an_answer_too_many(make_pool: MakePool) -> None:
    """What has come after an answer is not taken for the answer to the next job."""
    pool = make_pool()
    good = pack(InProcess(LIMITS).hash_image(FILES["PNG"], Job(("md5",))))
    pool.hash_image(FILES["PNG"], Job(("md5",)))
    bits = struct.pack("<24sIIBQQ", b"image/jpeg", 56, 48, 0, 9, 9) + bytes(8) + b"\xff"
    twice = b"\0" + bits
    assert len(bits) != len(good)
    assert ask(pool, f"say {twice.hex()}") == 0
    (worker,) = pool._idle

    def has_come() -> bool:
        try:
            worker.line.check_silence()
        except Malformed:
            return True
        return False

    wait_until(has_come)
    assert ask(pool, "count") == 4
    assert pool.losses == {Loss.LIE: 1}
