"""The pool: the same answers as without it, one worker's trouble for one job, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from hashmatch.errors import (
    CorruptMedia,
    DecoderCrashed,
    EmptyMedia,
    MediaError,
    MediaTooLarge,
    Unavailable,
    UnsupportedMedia,
)
from hashmatch.hashing import KINDS
from hashmatch.sandbox import Job, Loss, Pool
from hashmatch.sandbox.in_process import InProcess
from hashmatch.sandbox.line import Line
from hashmatch.sandbox.processes import Zygote
from hashmatch.sandbox.tray import Tray
from hashmatch.settings import MediaLimits
from hashmatch.types import Sandbox
from tests.hostile import MakePool, ask
from tests.media_files import saved
from tests.test_media_damage import FILES

LIMITS = MediaLimits()
JPEG = FILES["JPEG"]
JOB = Job()
EVERYTHING = Job(tuple(KINDS), all_views=True)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(LIMITS, 2) as made:
        yield made


def outcome(hasher: Pool | InProcess, data: bytes, job: Job = EVERYTHING) -> object:
    """The hashes, or class, message and details of the error."""
    try:
        return hasher.hash_image(data, job)
    except MediaError as error:
        return type(error), error.message, error.details


@pytest.mark.parametrize("name", FILES)
def test_as_without_a_sandbox(pool: Pool, name: str) -> None:
    data = FILES[name]
    assert outcome(pool, data) == outcome(InProcess(LIMITS), data)
    for length in range(1, len(data), len(data) // 20 + 1):
        assert outcome(pool, data[:length]) == outcome(InProcess(LIMITS), data[:length])


def test_borders_and_their_absence(pool: Pool) -> None:
    picture = Image.effect_noise((200, 200), 90).convert("L")
    framed = Image.new("L", (260, 200))
    framed.paste(picture, (30, 0))
    for image, bordered in ((picture, False), (framed, True)):
        found = pool.hash_image(saved(image, "PNG"), EVERYTHING)
        assert found == InProcess(LIMITS).hash_image(saved(image, "PNG"), EVERYTHING)
        assert bool(found.inner) == bordered


def test_errors_come_through(pool: Pool) -> None:
    before = dict(pool.losses)
    for data, kind in ((b"", EmptyMedia), (b"hello", UnsupportedMedia), (JPEG[:200], CorruptMedia)):
        with pytest.raises(kind):
            pool.hash_image(data, JOB)
    with Pool(MediaLimits(max_side=50, max_media_bytes=len(JPEG)), 1) as small:
        with pytest.raises(MediaTooLarge) as caught:
            small.hash_image(JPEG, JOB)
        assert caught.value.details == {"limit": "max_side", "maximum": "50", "actual": "56"}
        with pytest.raises(MediaTooLarge) as caught:
            small.hash_image(JPEG + b"\0", JOB)
        assert caught.value.details["limit"] == "max_media_bytes"
        assert small.losses == {}
    assert pool.losses == before


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_large_item(pool: Pool, kind: str) -> None:
    """More than a socket holds at once, in both of its parts."""
    data = JPEG + bytes(2**24)
    assert pool.hash_image(data, Job((kind,))) == InProcess(LIMITS).hash_image(data, Job((kind,)))


def test_many_callers_share_few_workers() -> None:
    with Pool(LIMITS, 2) as pool, ThreadPoolExecutor(16) as callers:
        expected = outcome(InProcess(LIMITS), JPEG)
        assert all(found == expected for found in callers.map(lambda _: outcome(pool, JPEG), range(200)))
        assert len(children_of(pool)) <= 2


def children_of(pool: Pool) -> list[int]:
    zygote = pool.zygote
    return [int(pid) for pid in Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()]


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_dead(*pids: int) -> None:
    wait_until(lambda: not any(map(alive, pids)))


def kill(pid: int) -> None:
    """Return when it has ended."""
    os.kill(pid, signal.SIGKILL)
    wait_until_dead(pid)


def test_a_killed_idle_worker_costs_nothing() -> None:
    with Pool(LIMITS, 1) as pool:
        pool.hash_image(JPEG, JOB)
        (worker,) = children_of(pool)
        kill(worker)
        pool.hash_image(JPEG, JOB)
        assert pool.losses == {Loss.CRASH: 1}
        assert worker not in children_of(pool)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_worker_costs_one_job(make_pool: MakePool, number: signal.Signals) -> None:
    pool = make_pool(workers=2)
    with ThreadPoolExecutor(2) as callers:
        jobs = [callers.submit(ask, pool, "sleep 1") for _ in range(2)]
        wait_until(lambda: len(children_of(pool)) == 2)
        time.sleep(0.3)
        os.kill(children_of(pool)[0], number)
        errors = [job.exception() for job in jobs]
    (error,) = (each for each in errors if each is not None)
    assert isinstance(error, DecoderCrashed)
    assert error.details == {"cause": number.name}
    pool.hash_image(JPEG, JOB)
    assert pool.losses == {Loss.CRASH: 1}


@pytest.mark.parametrize(
    ("order", "cause"), [("segfault", "SIGSEGV"), ("abort", "SIGABRT"), ("exit 3", "exit code 3"), ("kill 1", "SIGSYS")]
)
def test_a_crash_says_how(make_pool: MakePool, order: str, cause: str) -> None:
    pool = make_pool()
    with pytest.raises(DecoderCrashed) as caught:
        ask(pool, order)
    assert caught.value.details == {"cause": cause}
    pool.hash_image(JPEG, JOB)
    assert pool.losses == {Loss.CRASH: 1}


def test_an_unforeseen_exception_is_no_crash_of_the_service(make_pool: MakePool) -> None:
    pool = make_pool()
    with pytest.raises(DecoderCrashed, match="ValueError: what now"):
        ask(pool, "raise what now")
    pool.hash_image(JPEG, JOB)
    assert pool.losses == {Loss.CRASH: 1}


@pytest.mark.parametrize("order", ["spin", "sleep 60"])
def test_a_hang_ends_at_the_limit(make_pool: MakePool, order: str) -> None:
    pool = make_pool(MediaLimits(max_decode_seconds=0.5))
    with pytest.raises(MediaTooLarge) as caught:
        ask(pool, f"stop {order}")
    assert caught.value.details["limit"] == "max_decode_seconds"
    assert caught.value.details["maximum"] == "0.5"
    assert float(caught.value.details["actual"]) >= 0.5
    pool.hash_image(JPEG, JOB)
    assert pool.losses == {Loss.HANG: 1}


def test_memory_ends_at_the_limit(make_pool: MakePool) -> None:
    pool = make_pool(MediaLimits(max_decode_memory=2**28))
    with pytest.raises(MediaTooLarge) as caught:
        ask(pool, "eat")
    assert caught.value.details == {"limit": "max_decode_memory", "maximum": str(2**28)}
    pool.hash_image(JPEG, JOB)
    assert pool.losses == {Loss.MEMORY: 1}


def test_a_worker_is_replaced_after_so_many_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashmatch.sandbox.pool._MOST_JOBS", 3)
    with Pool(LIMITS, 1) as pool:
        for _ in range(7):
            pool.hash_image(JPEG, JOB)
        assert pool.losses == {Loss.AGE: 2}
        assert len(children_of(pool)) == 1


def test_the_zygote_is_started_again() -> None:
    with Pool(LIMITS, 2) as pool:
        pool.hash_image(JPEG, JOB)
        first, workers = pool.zygote, children_of(pool)
        os.kill(first, signal.SIGKILL)
        wait_until_dead(*workers)
        pool.hash_image(JPEG, JOB)
        assert pool.zygote != first
        assert pool.losses == {Loss.ZYGOTE: 1}


def test_a_job_at_work_when_the_zygote_ends(make_pool: MakePool) -> None:
    pool = make_pool()
    with ThreadPoolExecutor(1) as callers:
        job = callers.submit(ask, pool, "sleep 20")
        time.sleep(0.3)
        os.kill(pool.zygote, signal.SIGKILL)
        with pytest.raises(Unavailable, match="again"):
            job.result(10)
    pool.hash_image(JPEG, JOB)


def hung_up() -> Line:
    """The service's end of a connection whose other end is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.close()
    tray, reader = Tray.made(1)
    os.close(reader)
    return Line(ours, tray)


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_worker_that_ends_before_it_is_ready(monkeypatch: pytest.MonkeyPatch, deaths: int) -> None:
    fork = Zygote._fork
    killed: list[int] = []

    def doomed(zygote: Zygote) -> tuple[int, Line]:
        pid, line = fork(zygote)
        if len(killed) == deaths:
            return pid, line
        killed.append(pid)
        kill(pid)
        line.close()
        return pid, hung_up()

    monkeypatch.setattr(Zygote, "_fork", doomed)
    with capture_logs() as logs:
        if deaths == 1:
            with Pool(LIMITS, 1) as pool:
                pool.hash_image(JPEG, JOB)
                assert len(children_of(pool)) == 1
        else:
            with pytest.raises(Unavailable, match="before they are ready: SIGKILL"):
                Pool(LIMITS, 1)
    told = [(log["how"], log["pid"], log["zygote_status"]) for log in logs]
    assert told == [("SIGKILL", pid, None) for pid in killed]


def test_a_zygote_that_ends_before_its_worker_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    fork = Zygote._fork
    ended: list[int] = []

    def doomed(zygote: Zygote) -> tuple[int, Line]:
        pid, line = fork(zygote)
        if not ended:
            ended.append(zygote.pid)
            kill(zygote.pid)
            wait_until_dead(pid)
            line.close()
            line = hung_up()
        return pid, line

    monkeypatch.setattr(Zygote, "_fork", doomed)
    with capture_logs() as logs, Pool(LIMITS, 1) as pool:
        pool.hash_image(JPEG, JOB)
        assert [pool.zygote] != ended
    assert [(log["zygote"], log["zygote_status"]) for log in logs] == [(ended[0], -signal.SIGKILL)]


def test_a_worker_whose_zygote_has_ended_says_nothing() -> None:
    """It is forked by another, and not told that it cannot be sealed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    _, reader = Tray.made(1)
    code = (
        "import socket, sys; from hashmatch.sandbox.worker import run; from hashmatch.settings import MediaLimits; "
        "from hashmatch.types import Sandbox; connection, reader, parent = map(int, sys.argv[1:]); "
        "run(socket.socket(fileno=connection), reader, parent, MediaLimits(), Sandbox.ON)"
    )
    with ours:
        with theirs, os.fdopen(reader):
            command = [sys.executable, "-c", code, str(theirs.fileno()), str(reader), str(os.getppid())]
            subprocess.run(command, check=True, pass_fds=(theirs.fileno(), reader), timeout=60)
        assert ours.recv(1000) == b""


@pytest.mark.parametrize("sandbox", Sandbox)
def test_a_worker_whose_service_hangs_up_ends_in_order(sandbox: Sandbox) -> None:
    zygote = Zygote(LIMITS, sandbox)
    try:
        worker = zygote.spawn()
        worker.line.hang_up()
        wait_until_dead(worker.pid)
        assert zygote.bury(worker) == 0
    finally:
        zygote.close()


def test_a_service_that_ignores_the_end_of_children() -> None:
    """As some of the programs that start services leave it to them."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        pool = Pool(LIMITS, 1)
    finally:
        signal.signal(signal.SIGCHLD, before)
    with pool:
        kill(children_of(pool)[0])
        pool.hash_image(JPEG, JOB)
        assert pool.losses == {Loss.CRASH: 1}


def test_a_closed_pool(make_pool: MakePool) -> None:
    pool = make_pool(workers=2)
    with ThreadPoolExecutor(1) as callers:
        job = callers.submit(ask, pool, "sleep 20")
        time.sleep(0.3)
        pool.close()
        with pytest.raises(Unavailable):
            job.result(10)
    with pytest.raises(Unavailable):
        pool.hash_image(JPEG, JOB)


def test_the_service_loads_no_codec() -> None:
    code = "import sys, hashmatch.server.app; assert not {'cv2', 'hashmatch.media'} & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


OWNER = """
import sys, time
from hashmatch.sandbox import Job, Pool
from hashmatch.settings import MediaLimits
pool = Pool(MediaLimits(), 2)
print(pool.zygote, flush=True)
time.sleep(60)
"""


def test_nothing_outlives_its_owner() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    zygote = int(owner.stdout.readline())
    family = [zygote, *map(int, Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split())]
    assert len(family) == 2
    owner.kill()
    owner.communicate()
    wait_until_dead(*family)


def test_nothing_is_left_behind() -> None:
    """Descriptors, threads and children are as before, after pools, crashes and restarts."""

    def state() -> tuple[int, int, int]:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), len(children)

    before = state()
    for _ in range(3):
        with Pool(LIMITS, 1) as pool:
            for _ in range(5):
                kill(children_of(pool)[0])
                pool.hash_image(JPEG, JOB)
            (worker,) = children_of(pool)
            os.kill(pool.zygote, signal.SIGKILL)
            wait_until_dead(worker)
            pool.hash_image(JPEG, JOB)
    assert state() == before
