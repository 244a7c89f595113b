"""Pools whose workers know the kind of `hostile_kind`, and files that have it act."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hashmatch.hashing import KINDS
from hashmatch.hashing.plugins import Table
from hashmatch.sandbox import Job, Pool
from hashmatch.settings import MediaLimits
from hashmatch.types import Sandbox
from tests.hostile_kind import KIND, MARK
from tests.test_media_damage import FILES

JOB = Job((KIND.name,))
MakePool = Callable[..., Pool]


def order(text: str) -> bytes:
    """A picture whose worker does what the text says."""
    return FILES["JPEG"] + MARK + text.encode()


def ask(pool: Pool, text: str) -> int:
    """Have a worker act; the number of the error that the kernel refused it with, 0 where it did not."""
    (value,) = pool.hash_image(order(text), JOB).hashes
    return int.from_bytes(value.bits, "big", signed=True)


@contextmanager
def hostile_pools(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[MakePool]:
    """A function that makes pools as `Pool` does, whose workers have the kind as if another package had brought it."""
    about = folder / "hostile-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[hashmatch.kinds]\n{KIND.name} = tests.hostile_kind:KIND\n")
    patch.setenv("PYTHONPATH", f"{folder}:{Path(__file__).parent.parent}")
    patch.setattr("hashmatch.sandbox.image.KINDS", Table((*KINDS.values(), KIND)))
    made: list[Pool] = []

    def make(limits: MediaLimits | None = None, workers: int = 1, sandbox: Sandbox = Sandbox.ON) -> Pool:
        made.append(Pool(limits or MediaLimits(), workers, sandbox))
        return made[-1]

    try:
        yield make
    finally:
        for pool in made:
            pool.close()
