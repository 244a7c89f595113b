"""Hashes of uploads seen before: what is viral comes again and again, byte for byte."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Final, TypeAlias

from hashmatch.sandbox import Hasher, Job, Take, VideoJob
from hashmatch.types import HashedImage, Sandbox, Scan

_Key: TypeAlias = tuple[bytes, Job]

_IMAGE_BYTES: Final = 400
"""About what an answer takes in memory without its hashes, its place in the cache included."""
_HASH_BYTES: Final = 130


class CachedHasher:
    """A Hasher that remembers answers by the SHA-256 of the bytes, the least recently used forgotten first.

    Only hashes are kept, never the media and never a verdict: the banks may have changed. Errors are not kept either:
    a limit of time or memory may have been met because of the load. Any thread may call it.
    """

    def __init__(self, hasher: Hasher, most_bytes: int) -> None:
        """`most_bytes` bounds what the answers take in memory, by estimate; 0 is no cache, and nothing is looked up."""
        self._hasher = hasher
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._images: OrderedDict[_Key, HashedImage] = OrderedDict()
        self.size = 0
        """Bytes that the answers take in memory, by estimate."""
        self.lookups = 0
        self.hits = 0

    @property
    def sandbox(self) -> Sandbox:
        """As that of the hasher that it wraps."""
        return self._hasher.sandbox

    def hash_image(self, data: bytes, job: Job) -> HashedImage:
        """As the hasher that it wraps."""
        if not self._most_bytes:
            return self._hasher.hash_image(data, job)
        key = (hashlib.sha256(data).digest(), replace(job, kinds=tuple(job.kinds)))
        if (known := self._get(key)) is not None:
            return known
        image = self._hasher.hash_image(data, job)
        self._put(key, replace(image, took=None))
        return image

    def hash_video(self, file: int, job: VideoJob, take: Take) -> Scan:
        """As the hasher that it wraps; nothing of it is kept."""
        return self._hasher.hash_video(file, job, take)

    def _get(self, key: _Key) -> HashedImage | None:
        with self._lock:
            self.lookups += 1
            image = self._images.get(key)
            if image is not None:
                self.hits += 1
                self._images.move_to_end(key)
            return image

    def _put(self, key: _Key, image: HashedImage) -> None:
        with self._lock:
            if key in self._images:
                return
            self._images[key] = image
            self.size += _weight(image)
            while self.size > self._most_bytes:
                _, oldest = self._images.popitem(last=False)
                self.size -= _weight(oldest)


def _weight(image: HashedImage) -> int:
    return _IMAGE_BYTES + _HASH_BYTES * (len(image.hashes) + len(image.inner))
