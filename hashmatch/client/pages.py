"""Long lists, fetched page by page as they are read."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from hashmatch.client.calls import AsyncRun, Call, Run

T = TypeVar("T")


def pages(run: Run, call: Callable[[str], Call[tuple[list[T], str]]]) -> Iterator[T]:
    """Yield all items; `call` gives the call for the page that a token names, and answers with that of the next."""
    token = ""
    while True:
        page, token = run(call(token))
        yield from page
        if not token:
            return


async def async_pages(run: AsyncRun, call: Callable[[str], Call[tuple[list[T], str]]]) -> AsyncIterator[T]:
    """The same for asyncio."""
    token = ""
    while True:
        page, token = await run(call(token))
        for item in page:
            yield item
        if not token:
            return
