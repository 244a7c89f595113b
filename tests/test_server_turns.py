"""Turns for long work: how many at once, whose is next, and that none is lost with who has gone."""

import asyncio

from hashmatch.server.turns import Turns


async def waiting(turns: Turns, client: str, began: list[str]) -> "asyncio.Task[None]":
    """Someone who waits for a turn, and notes that it has come."""

    async def take() -> None:
        await turns.take(client)
        began.append(client)

    task = asyncio.create_task(take())
    await asyncio.sleep(0)
    return task


async def test_one_that_floods_keeps_nobody_waiting_for_more_than_a_turn() -> None:
    turns, began = Turns(2), list[str]()
    tasks = [await waiting(turns, client, began) for client in ("a", "a", "a", "a", "a", "b")]
    await asyncio.sleep(0)
    assert began == ["a", "a"]
    for _ in range(2):
        turns.give()
        await asyncio.sleep(0.01)
    assert began == ["a", "a", "a", "b"]
    for _ in range(2):
        turns.give()
    await asyncio.gather(*tasks)


async def test_who_has_gone_has_no_turn() -> None:
    turns, began = Turns(1), list[str]()
    first, second, third, fourth, fifth = [await waiting(turns, client, began) for client in "abcde"]
    await first
    second.cancel()
    await asyncio.sleep(0)
    turns.give()  # to the third, who goes in the same moment
    third.cancel()
    fourth.cancel()  # and so does the fourth, before its turn comes
    turns.give()
    await asyncio.wait((second, third, fourth, fifth), timeout=5)
    assert all(gone.cancelled() for gone in (second, third, fourth))
    assert began == ["a", "e"]
