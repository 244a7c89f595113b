"""Which nodes of a tree a proof is made of; RFC 6962, sections 2.1.1 and 2.1.2.

A *range* of leaves, its end exclusive, is a subtree; a *node* is a complete one: its level, from 0 for a leaf, and its
index among the nodes of that level.
"""

from collections.abc import Iterator
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]
Node: TypeAlias = tuple[int, int]


def inclusion(index: int, size: int) -> list[Range]:
    """The subtrees whose hashes prove that a leaf is in the tree of that size; 0 <= index < size."""
    begin, end, path = 0, size, list[Range]()
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency(first: int, second: int) -> list[Range]:
    """The subtrees whose hashes prove that a tree adds to an earlier one; 0 <= first <= second."""
    if first in {0, second}:
        return []
    begin, end, path, whole = 0, second, list[Range](), True
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append((begin, end))
    return path[::-1]


def nodes(begin: int, end: int) -> Iterator[Node]:
    """The complete subtrees, of descending size, that a subtree is made of."""
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def _split(size: int) -> int:
    """The largest power of two below a size of 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)
