"""One upload's work: decoding it and hashing what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hashmatch.types import PDQ, HashedImage, Sandbox


@dataclass(frozen=True, slots=True)
class Job:
    """What to compute of an upload."""

    kinds: Sequence[str] = (PDQ,)
    """Known kinds, each once."""
    all_views: bool = False
    """Where a picture has a border or letterbox bars, hash also what is within them."""
    approximate: bool = False
    """Where all kinds can do with it, large JPEGs may be decoded at a part of their size."""


class Hasher(Protocol):
    """Whoever hashes uploads; any thread may call it."""

    @property
    def sandbox(self) -> Sandbox:
        """Whether decoding is sealed off from this process and the system."""

    def hash_image(self, data: bytes, job: Job) -> HashedImage:
        """The hashes of one image; raises MediaError."""
