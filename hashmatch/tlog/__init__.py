"""Transparency logs: Merkle trees and their proofs (RFC 6962), and signed checkpoints (C2SP)."""

from hashmatch.tlog.checkpoint import Checkpoint, SigningKey, VerifyingKey
from hashmatch.tlog.tree import (
    HASH_BYTES,
    consistent,
    fold,
    included,
    leaf_hash,
    node_hash,
    root_hash,
)

__all__ = [
    "HASH_BYTES",
    "Checkpoint",
    "SigningKey",
    "VerifyingKey",
    "consistent",
    "fold",
    "included",
    "leaf_hash",
    "node_hash",
    "root_hash",
]
