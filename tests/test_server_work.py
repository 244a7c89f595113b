"""Work whose caller has gone before it began is not done, and neither pool waits for the other."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from hashmatch.server.work import Work


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work(media_threads=1)
    yield made
    made.close()


async def test_abandoned_work_is_not_begun(work: Work) -> None:
    release, ran = threading.Event(), threading.Event()
    first = asyncio.create_task(work.media(release.wait, 10))
    abandoned = asyncio.create_task(work.media(ran.set))
    await asyncio.sleep(0)
    abandoned.cancel()
    await asyncio.sleep(0)
    release.set()
    assert await first
    await work.media(int)
    assert not ran.is_set()


async def test_the_store_is_reached_while_media_are_at_work(work: Work) -> None:
    release = threading.Event()
    busy = asyncio.create_task(work.media(release.wait, 10))
    await asyncio.sleep(0)
    assert await work.store(int, "7") == 7
    assert not busy.done()
    release.set()
    await busy


async def test_an_error_reaches_the_caller(work: Work) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await work.media(int, "seven")
