"""What hashing is made of, for the metrics: decoding, and hashing what was decoded."""

from collections.abc import Callable
from typing import TypeAlias

from hashmatch.sandbox import Hasher, Job, Take, VideoJob
from hashmatch.types import SECOND, HashedImage, Sandbox, Scan

Note: TypeAlias = Callable[[str, float], None]
"""Is told a stage, `decode` or `hash`, and how many seconds it took."""


class TimedHasher:
    """A Hasher that notes how long each image was decoded and hashed, as who did it says. Any thread may call it."""

    def __init__(self, hasher: Hasher, note: Note) -> None:
        self._hasher = hasher
        self._note = note

    @property
    def sandbox(self) -> Sandbox:
        """As that of the hasher that it wraps."""
        return self._hasher.sandbox

    def hash_image(self, data: bytes, job: Job) -> HashedImage:
        """As the hasher that it wraps."""
        image = self._hasher.hash_image(data, job)
        if image.took is not None:
            self._note("decode", image.took.decode / SECOND)
            self._note("hash", image.took.hash / SECOND)
        return image

    def hash_video(self, file: int, job: VideoJob, take: Take) -> Scan:
        """As the hasher that it wraps; nothing is noted."""
        return self._hasher.hash_video(file, job, take)
