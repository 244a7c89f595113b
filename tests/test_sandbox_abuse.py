"""Media that nobody sends by accident, and processes that end when nobody expects it: the pool goes on.

`make abuse` runs this for longer, with other changes each time: `HASHMATCH_ABUSE_SECONDS` says for how long.
"""

import io
import os
import random
import signal
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hashmatch.client import Client
from hashmatch.errors import DecoderCrashed, HashmatchError, MediaError, MediaTooLarge, Unavailable
from hashmatch.sandbox import Job, Loss, Pool
from hashmatch.settings import MediaLimits
from hashmatch.types import HashedImage
from tests.hostile import MakePool, ask
from tests.media_files import encoded, heic, png, saved
from tests.servers import running_server
from tests.test_media_damage import FILES
from tests.test_media_jpeg2000 import FILES as JPEG_2000
from tests.test_media_limits import BOMBS, CORPUS
from tests.test_sandbox_pool import children_of, wait_until_dead

SECONDS = float(os.environ.get("HASHMATCH_ABUSE_SECONDS", "2"))
SEED = int(time.time()) if "HASHMATCH_ABUSE_SECONDS" in os.environ else 20
JOB = Job(("pdq", "md5"), all_views=True)
TIGHT = MediaLimits(max_decode_seconds=5, max_decode_memory=2**28, max_pixels=40_000_000, jpeg_2000=True)
GOOD = (*FILES.values(), *JPEG_2000.values())


def outcome(pool: Pool, data: bytes) -> HashedImage | MediaError:
    """The hashes or the typed error; anything else fails the test, and so does being late."""
    started = time.monotonic()
    try:
        return pool.hash_image(data, JOB)
    except MediaError as error:
        return error
    finally:
        assert time.monotonic() - started < 60


def changed(choice: random.Random) -> bytes:
    """A good file with a few changes: bytes, cuts, repeats, numbers at their bounds, a piece of another file."""
    data = bytearray(choice.choice(GOOD))
    for _ in range(choice.randint(1, 6)):
        at = choice.randrange(min(len(data), choice.choice((64, 400, len(data)))) or 1)
        match choice.randrange(6):
            case 0:
                data[at : at + 1] = choice.randbytes(1)
            case 1:
                data[at : at + 4] = choice.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x80"))
            case 2:
                del data[at : at + choice.randint(1, 40)]
            case 3:
                data[at:at] = data[at : at + choice.randint(1, 400)] * choice.randint(1, 20)
            case 4:
                other = choice.choice(GOOD)
                start = choice.randrange(len(other))
                data[at : at + choice.randint(0, 100)] = other[start : start + choice.randint(1, 400)]
            case 5:
                data[at] ^= 1 << choice.randrange(8)
        if not data:
            return b""
    return bytes(data)


@pytest.mark.timeout(0)
def test_changed_files_of_every_format(record_property: Callable[[str, object], None]) -> None:
    choice, seen = random.Random(SEED), Counter[str]()
    end = time.monotonic() + SECONDS
    with Pool(TIGHT, 2) as pool, ThreadPoolExecutor(2) as callers:
        expected = outcome(pool, FILES["PNG"])
        while time.monotonic() < end or seen.total() < 200:
            for found in callers.map(lambda data: outcome(pool, data), [changed(choice) for _ in range(40)]):
                seen["hashed" if isinstance(found, HashedImage) else found.reason] += 1
            assert outcome(pool, FILES["PNG"]) == expected
        assert pool.losses.get(Loss.LIE, 0) == 0
        assert len(children_of(pool)) <= 2
    for name, count in seen.items():
        record_property(name, count)
    assert seen["hashed"]
    assert seen["CORRUPT_MEDIA"]


def deflated(width: int, height: int, depth: int, colour: int) -> bytes:
    """A PNG of nothing but zeros: a thousand bytes a byte."""
    row = width * {0: 1, 2: 3, 6: 4}[colour] * depth // 8 + 1
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(row)) for _ in range(height)) + packer.flush()
    return png(width, height, (b"IDAT", body), (b"IEND", b""), depth=depth, colour=colour)


def scans(width: int, height: int) -> bytes:
    """A progressive JPEG with as many scans as are let through, each of which passes over every block."""
    data = saved(Image.new("RGB", (width, height), (9, 99, 199)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 40 + data[-2:]


def frames() -> bytes:
    """A GIF of a thousand frames."""
    file = io.BytesIO()
    pictures = [Image.new("P", (64, 64), number % 250) for number in range(1000)]
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:])
    return file.getvalue()


LARGE: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: deflated(6000, 6000, 8, 2),
    "PNG of 16 bits with alpha": lambda: deflated(5000, 5000, 16, 6),
    "PNG of 1 bit": lambda: png(
        16_000, 2400, (b"IDAT", zlib.compress(bytes(2400 * 2001))), (b"IEND", b""), depth=1, colour=0
    ),
    "JPEG": lambda: saved(Image.new("L", (6000, 6000)), "JPEG"),
    "JPEG of many scans": lambda: scans(4000, 4000),
    "GIF": lambda: saved(Image.new("P", (6000, 6000)), "GIF"),
    "GIF of many frames": frames,
    "WebP": lambda: saved(Image.new("RGB", (6000, 6000)), "WEBP", lossless=True, method=0, quality=0),
    "AVIF": lambda: saved(Image.new("L", (3000, 3000)), "AVIF", speed=10),
    "HEIC": lambda: heic(Image.new("L", (2000, 2000))),
    "TIFF": lambda: saved(Image.new("RGB", (6000, 6000)), "TIFF", compression="tiff_lzw"),
    "JPEG 2000": lambda: saved(Image.new("L", (2000, 2000)), "JPEG2000"),
    "BMP": lambda: encoded(".bmp", np.zeros((3000, 3000, 3), np.uint8)),
}
"""Small files, or nearly, of pictures within the limits that take as much time and memory as they can."""


@pytest.mark.parametrize("name", LARGE)
def test_large_pictures_end_within_the_limits(tight: Pool, name: str) -> None:
    data = LARGE[name]()
    started = time.monotonic()
    found = outcome(tight, data)
    assert time.monotonic() - started < TIGHT.max_decode_seconds + 5
    assert isinstance(found, HashedImage | MediaTooLarge), found
    assert isinstance(outcome(tight, FILES["PNG"]), HashedImage)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tight: Pool, name: str) -> None:
    assert isinstance(outcome(tight, BOMBS[name]()), MediaTooLarge)


@pytest.fixture(scope="module")
def tight() -> Iterator[Pool]:
    with Pool(TIGHT, 1) as pool:
        yield pool


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
def test_malformed_files_of_others() -> None:
    with Pool(MediaLimits(), 2) as pool, ThreadPoolExecutor(2) as callers:
        files = [path.read_bytes() for path in sorted(CORPUS.iterdir())]
        found = list(callers.map(lambda data: outcome(pool, data), files))
        assert not any(isinstance(each, DecoderCrashed) for each in found)
        assert pool.losses == {}


def test_a_worker_that_is_stopped(make_pool: MakePool) -> None:
    """Not ended, but never scheduled again."""
    pool = make_pool(MediaLimits(max_decode_seconds=1))
    with ThreadPoolExecutor(1) as callers:
        job = callers.submit(ask, pool, "sleep 0.5")
        time.sleep(0.1)
        os.kill(children_of(pool)[0], signal.SIGSTOP)
        with pytest.raises(MediaTooLarge):
            job.result(10)
    assert ask(pool, "count") == 4
    assert pool.losses == {Loss.HANG: 1}


def test_a_zygote_that_is_stopped(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for: another takes its place, and its workers end with it."""
    monkeypatch.setattr("hashmatch.sandbox.processes._REPLY_SECONDS", 1.0)
    pool = make_pool(MediaLimits(max_decode_seconds=1))
    (worker,) = children_of(pool)
    os.kill(pool.zygote, signal.SIGSTOP)
    with pytest.raises(MediaTooLarge):
        ask(pool, "sleep 60")
    wait_until_dead(worker)
    monkeypatch.undo()
    assert ask(pool, "count") == 4


@pytest.mark.timeout(0)
def test_kills_under_load() -> None:
    """Each kill of a worker costs one job at most, one of the zygote those at work; nothing else fails."""
    choice, end, stop = random.Random(SEED), time.monotonic() + SECONDS, threading.Event()
    workers, callers = 2, 4
    kills, errors = Counter[str](), Counter[type]()
    hashed = 0

    def call(pool: Pool) -> None:
        nonlocal hashed
        while not stop.is_set():
            try:
                pool.hash_image(FILES["JPEG"], JOB)
                hashed += 1
            except (DecoderCrashed, Unavailable) as error:
                errors[type(error)] += 1

    with Pool(MediaLimits(), workers) as pool:
        threads = [threading.Thread(target=call, args=(pool,)) for _ in range(callers)]
        for thread in threads:
            thread.start()
        while time.monotonic() < end or kills["worker"] < 5 or not kills["zygote"]:
            time.sleep(choice.uniform(0.02, 0.2))
            name = "zygote" if choice.random() < 0.1 else "worker"
            with suppress(FileNotFoundError, ProcessLookupError, IndexError):  # it is being replaced already
                victim = pool.zygote if name == "zygote" else choice.choice(children_of(pool))
                os.kill(victim, signal.SIGKILL)
                kills[name] += 1
                wait_until_dead(victim)
        stop.set()
        for thread in threads:
            thread.join(30)
        pool.hash_image(FILES["JPEG"], JOB)
        assert len(children_of(pool)) <= workers
    assert hashed > sum(kills.values())
    assert errors[DecoderCrashed] <= kills["worker"]
    assert errors[Unavailable] <= callers * kills["zygote"]


def test_a_server_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, Client(server.address) as client:
        stop = threading.Event()

        def load() -> None:
            while not stop.is_set():
                try:
                    client.match_image(FILES["JPEG"])
                except HashmatchError:
                    return

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        family = below(server.pid)
        assert len(family) >= 2
        server.kill()
        wait_until_dead(*family)
        stop.set()
        for thread in threads:
            thread.join(30)


def below(process: int) -> list[int]:
    """The processes below one, at any depth."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *below(child)]
    return found
