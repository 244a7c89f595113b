"""The kind `sha256`: SHA-256 of a file's bytes, for lists of exact copies."""

import hashlib
from typing import Final

from hashmatch.hashing.kind import BytesKind
from hashmatch.types import Hash


def _hash_bytes(data: bytes) -> Hash:
    return Hash("sha256", hashlib.sha256(data, usedforsecurity=False).digest())


KIND: Final = BytesKind(name="sha256", bits=256, default_threshold=0, hash_bytes=_hash_bytes)
