"""Half a million calls, some cancelled and some of malformed media: memory, descriptors and threads stay as they are.

`make soak` runs it; HASHMATCH_SOAK_CALLS shortens it.
"""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import errors
from hashmatch.cli.child import ServerProcess
from hashmatch.client import AsyncClient
from tests.servers import running_server

CALLS = int(os.environ.get("HASHMATCH_SOAK_CALLS", "500000"))
CALLERS = 16
SAMPLES = 50


class Usage(NamedTuple):
    """What one process has, at some number of calls."""

    calls: int
    resident: int
    descriptors: int
    threads: int


def usage(server: ServerProcess, calls: int) -> Usage:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if ":" in line
    )
    descriptors = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
    return Usage(calls, int(status["VmRSS"].split()[0]) * 1024, descriptors, int(status["Threads"]))


def bodies(photos: dict[str, NDArray[np.uint8]]) -> list[bytes]:
    """200 small images of different content; every twentieth is cut or not an image at all."""
    made = []
    for number in range(200):
        pixels = np.roll(photos["astronaut"], 7 * number, axis=1)[100:196, 100:196]
        done, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels))
        assert done
        cut = data.tobytes()[: 300 + number] if number % 40 else os.urandom(2000)
        made.append(cut if number % 20 == 0 else data.tobytes())
    return made


async def soak(server: ServerProcess, media: list[bytes]) -> tuple[list[Usage], Counter[str]]:
    """Make the calls, each tenth cancelled after a random while, and look at the server now and then."""
    seen, outcomes = [usage(server, 0)], Counter[str]()
    numbers = iter(range(CALLS))
    dice = random.Random(5)

    async def caller(client: AsyncClient) -> None:
        for number in numbers:
            call = asyncio.create_task(client.match_image(media[number % len(media)]))
            if number % 10 == 3:
                await asyncio.sleep(dice.random() / 100)
                outcomes["cancelled" if call.cancel() else "too late to cancel"] += 1
            done = (await asyncio.gather(call, return_exceptions=True))[0]
            if number % 10 != 3:
                outcomes[type(done).__name__] += 1
            if number % (CALLS // SAMPLES) == 0:
                seen.append(usage(server, number))

    async with AsyncClient(server.address, timeout=30) as client:
        await asyncio.gather(*(caller(client) for _ in range(CALLERS)))
    return seen, outcomes


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_nothing_grows(tmp_path: Path, photos: dict[str, NDArray[np.uint8]]) -> None:
    with running_server(tmp_path, HASHMATCH_CACHE_BYTES="0") as server:
        seen, outcomes = asyncio.run(soak(server, bodies(photos)))
    print(outcomes, *seen[:: SAMPLES // 10], sep="\n")  # noqa: T201 - the figures, with pytest -s
    assert outcomes["ImageDecision"] == CALLS * 17 // 20
    assert outcomes["CorruptMedia"] + outcomes["UnsupportedMedia"] == CALLS // 20
    assert set(outcomes) <= {
        "ImageDecision",
        errors.CorruptMedia.__name__,
        errors.UnsupportedMedia.__name__,
        "cancelled",
        "too late to cancel",
    }
    warm = seen[len(seen) // 5 :]
    calls, resident = np.array([one.calls for one in warm]), np.array([one.resident for one in warm])
    slope = np.polyfit(calls, resident, 1)[0]
    print(f"{slope:.2f} bytes a call")  # noqa: T201
    assert slope < 0.05 * 1024
    assert max(one.descriptors for one in warm) - min(one.descriptors for one in warm) <= 8
    assert max(one.threads for one in warm) - min(one.threads for one in warm) <= 4
