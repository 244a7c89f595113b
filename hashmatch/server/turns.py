"""Who may begin what is not a matter of milliseconds, when there is more of it than can be done at once."""

import asyncio
from contextlib import suppress
from contextvars import ContextVar
from typing import Final

from hashmatch.server.fair_queue import FairQueue

connection: Final = ContextVar("connection", default="")
"""That of the call which is being served."""


class Turns:
    """So many at once, and connections take turns for the next; for the event loop's thread alone."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()

    async def take(self, client: str) -> None:
        """Return when it is the client's turn, which `give` ends; one that is cancelled has none."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.put(client, turn)
        self._start_next()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(KeyError, ValueError):  # it came in this moment, and was passed over
                    self._waiting.remove(client, turn)
            else:
                self.give()
            raise

    def give(self) -> None:
        """End a turn that was taken."""
        self._free += 1
        self._start_next()

    def _start_next(self) -> None:
        while self._free and len(self._waiting):
            turn = self._waiting.pop()
            if not turn.cancelled():
                self._free -= 1
                turn.set_result(None)
