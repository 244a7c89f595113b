"""The hashes of a Merkle tree, and its proofs checked; RFC 6962, section 2.1, and RFC 9162, section 2.1."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node with two children."""
    return sha256(b"\x01" + left + right).digest()


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """The hash of the tree over the leaves' hashes, in their order; of no leaves, that of nothing."""
    if not leaves:
        return sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)] + odd
    return level[0]


def fold(subtrees: Sequence[bytes]) -> bytes:
    """The hash of the tree that complete subtrees of descending size make; of none, that of nothing."""
    if not subtrees:
        return root_hash(())
    hash_ = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        hash_ = node_hash(left, hash_)
    return hash_


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a path proves that the leaf of this hash has that index, from 0, in the tree of that size and root.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, hash_ = index, size - 1, leaf
    for sibling in path:
        if not last:
            return False
        if at & 1 or at == last:
            hash_ = node_hash(sibling, hash_)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hash_ = node_hash(hash_, sibling)
        at, last = at >> 1, last >> 1
    return not last and hash_ == root


def consistent(first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Whether a path proves that the tree of size `second` only adds to that of size `first`, by their roots.

    RFC 9162, section 2.1.4.2. Nothing is to be proven of an empty tree, nor of one tree with itself.
    """
    if first == second:
        return not path and first_root == second_root
    if first == 0:
        return not path and first_root == root_hash(())
    if not 0 < first < second or not path:
        return False
    hashes = list(path) if first & (first - 1) else [first_root, *path]
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            return False
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    return not last and old == first_root and new == second_root
