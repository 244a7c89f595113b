"""Uploads that come in parts: those that stop coming are given up."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hashmatch.errors import DeadlineExceeded
from hashmatch.server.upload import promptly


async def after(*seconds: float) -> AsyncIterator[float]:
    """A part after each pause."""
    for pause in seconds:
        await asyncio.sleep(pause)
        yield pause


async def test_parts_pass_as_they_come() -> None:
    assert [part async for part in promptly(after(0, 0.01, 0), 20)] == [0, 0.01, 0]


async def test_what_stops_coming_is_given_up() -> None:
    parts = promptly(after(0, 60), 0.05)
    assert await anext(parts) == 0
    with pytest.raises(DeadlineExceeded, match=r"within 0\.05 s"):
        await anext(parts)
