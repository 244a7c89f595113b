"""Where blocking work runs while the event loop goes on: threads for media, and apart from them for the store."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import grpc

from hashmatch import errors

_P = ParamSpec("_P")
_T = TypeVar("_T")

_STORE_THREADS = 4
_REVISION_POLL_SECONDS = 0.01
_LONGEST_REVISION_WAIT = 30.0


class Work:
    """Two pools, so that a flood of media does not keep staff from the banks, nor a slow write from media."""

    def __init__(self, media_threads: int) -> None:
        self.media_threads = media_threads
        self._media = ThreadPoolExecutor(media_threads, "media")
        self._store = ThreadPoolExecutor(_STORE_THREADS, "store")

    async def media(self, verb: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run what decodes, hashes or searches; where the caller has gone before it began, it is not run."""
        return await asyncio.get_running_loop().run_in_executor(self._media, lambda: verb(*args, **kwargs))

    async def store(self, verb: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run what reads or writes the database."""
        return await asyncio.get_running_loop().run_in_executor(self._store, lambda: verb(*args, **kwargs))

    def close(self) -> None:
        """Wait for what is running, drop what is not."""
        self._media.shutdown(cancel_futures=True)
        self._store.shutdown(cancel_futures=True)


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
