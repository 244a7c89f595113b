"""The kind `md5`: MD5 of a file's bytes, for lists of exact copies."""

import hashlib
from typing import Final

from hashmatch.hashing.kind import BytesKind
from hashmatch.types import Hash


def _hash_bytes(data: bytes) -> Hash:
    return Hash("md5", hashlib.md5(data, usedforsecurity=False).digest())


KIND: Final = BytesKind(name="md5", bits=128, default_threshold=0, hash_bytes=_hash_bytes)
