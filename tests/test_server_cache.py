"""What the cache remembers, what it must not, and that it stays within its bound."""

import threading

import pytest

from hashmatch import errors
from hashmatch.sandbox import Hasher, Job, Take, VideoJob
from hashmatch.server.cache import CachedHasher
from hashmatch.server.timed import TimedHasher
from hashmatch.types import Hash, HashedImage, Sandbox, Scan, Took


class Counting:
    """Answers with a hash that tells how often it was asked; fails on bytes that begin with `!`."""

    sandbox = Sandbox.OFF

    def __init__(self) -> None:
        self.asked = 0

    def hash_image(self, data: bytes, job: Job) -> HashedImage:  # noqa: ARG002 - the protocol's
        self.asked += 1
        if data.startswith(b"!"):
            raise errors.CorruptMedia(f"broken {self.asked}")
        return HashedImage((Hash("pdq", self.asked.to_bytes(32)),) * 8, "image/png", 1, 1, took=Took(2_000_000, 1))

    def hash_video(self, file: int, job: VideoJob, take: Take) -> Scan:
        raise NotImplementedError


def asked_after(*calls: tuple[bytes, Job]) -> int:
    inner: Hasher = Counting()
    cached = CachedHasher(inner, 10**6)
    for data, job in calls:
        cached.hash_image(data, job)
    assert isinstance(inner, Counting)
    return inner.asked


def test_the_same_bytes_are_hashed_once() -> None:
    assert asked_after((b"a", Job()), (b"a", Job()), (b"a", Job())) == 1


def test_another_job_is_another_answer() -> None:
    jobs = Job(), Job(("md5",)), Job(all_views=True), Job(approximate=True)
    assert asked_after(*((b"a", job) for job in jobs), (b"b", Job())) == 5


def test_kinds_in_a_list_are_the_same_as_in_a_tuple() -> None:
    assert asked_after((b"a", Job(["pdq"])), (b"a", Job(("pdq",)))) == 1


def test_nothing_is_kept_nor_looked_up_where_it_is_off() -> None:
    inner = Counting()
    cached = CachedHasher(inner, 0)
    for _ in range(2):
        cached.hash_image(b"a", Job())
    assert (inner.asked, cached.lookups, cached.size) == (2, 0, 0)


def test_errors_are_not_kept() -> None:
    cached = CachedHasher(Counting(), 10**6)
    for number in (1, 2):
        with pytest.raises(errors.CorruptMedia, match=f"broken {number}"):
            cached.hash_image(b"!", Job())
    assert (cached.lookups, cached.hits, cached.size) == (2, 0, 0)


def test_an_answer_that_is_remembered_took_nothing() -> None:
    cached = CachedHasher(Counting(), 10**6)
    first, again = (cached.hash_image(b"a", Job()) for _ in range(2))
    assert (first.took, again.took) == (Took(2_000_000, 1), None)


def test_what_an_answer_took_is_noted_once() -> None:
    noted: list[tuple[str, float]] = []
    cached = CachedHasher(TimedHasher(Counting(), lambda stage, seconds: noted.append((stage, seconds))), 10**6)
    for data in (b"a", b"a", b"a"):
        cached.hash_image(data, Job())
    assert noted == [("decode", 2.0), ("hash", 1e-6)]


def test_the_least_recently_used_is_forgotten_first() -> None:
    inner = Counting()
    cached = CachedHasher(inner, 4500)  # three answers
    for data in (b"a", b"b", b"c", b"a", b"d"):
        cached.hash_image(data, Job())
    assert cached.size <= 4500
    assert inner.asked == 4
    cached.hash_image(b"a", Job())
    assert inner.asked == 4
    cached.hash_image(b"b", Job())
    assert inner.asked == 5


def test_many_threads_keep_its_bound() -> None:
    cached = CachedHasher(Counting(), 20_000)

    def ask(start: int) -> None:
        for number in range(start, start + 300):
            cached.hash_image(b"%d" % (number % 50), Job())

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < cached.size <= 20_000
    assert cached.lookups == 8 * 300
