"""The records of the log as rows of `audit`, and the nodes of its tree.

A row holds, besides its record, the hashes of the complete subtrees that end with it: the first is that of its leaf,
each further one that of a subtree twice the size. So a row is never changed, and any node is found by one key.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from hashmatch.errors import Unavailable
from hashmatch.store.schema import audit
from hashmatch.tlog import HASH_BYTES, fold, leaf_hash, node_hash
from hashmatch.tlog.proofs import Node, Range, nodes


def size(connection: Connection) -> int:
    """How many records there are."""
    return 1 + int(connection.execute(select(func.coalesce(func.max(audit.c.number), -1))).scalar_one())


def append(connection: Connection, record: str, *, revision: int, bank: str | None, hashes: bytes) -> None:
    """Add a record; the caller's transaction must be the only one that writes. Raises Unavailable for a broken log."""
    number = size(connection)
    left = list(_left_siblings(number))
    tree = [leaf_hash(record.encode())]
    for sibling in read_nodes(connection, left):
        tree.append(node_hash(sibling, tree[-1]))
    row = {"number": number, "revision": revision, "bank": bank, "record": record}
    connection.execute(insert(audit).values(**row, tree=b"".join(tree), hashes=hashes))


def hashes_of(connection: Connection, ranges: Sequence[Range]) -> list[bytes]:
    """The hashes of subtrees; raises Unavailable where a record that they need is missing."""
    parts = [list(nodes(*each)) for each in ranges]
    wanted = [node for part in parts for node in part]
    known = dict(zip(wanted, read_nodes(connection, wanted), strict=True))
    return [fold([known[node] for node in part]) for part in parts]


def read_nodes(connection: Connection, wanted: Sequence[Node]) -> list[bytes]:
    """The hashes of nodes, in their order; raises Unavailable where one is missing."""
    if not wanted:
        return []
    ends = [((index + 1) << level) - 1 for level, index in wanted]
    found = connection.execute(select(audit.c.number, audit.c.tree).where(audit.c.number.in_(ends)))
    trees = {row.number: row.tree for row in found}
    hashes = [
        trees.get(end, b"")[level * HASH_BYTES : (level + 1) * HASH_BYTES]
        for end, (level, _) in zip(ends, wanted, strict=True)
    ]
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise Unavailable("the audit log is damaged: 'hashmatch audit verify' tells where")
    return hashes


def origin(first: bytes) -> str:
    """The name of the log whose first leaf has that hash."""
    return f"hashmatch/audit/{first[:16].hex()}"


def count_in(change: Mapping[str, Any]) -> int:
    """How many rows a change of a record names by their keys."""
    runs: Sequence[tuple[int, int]] = change.get("runs", ())
    return sum(last - first + 1 for first, last in runs) + len(change.get("keys", ()))


def _left_siblings(number: int) -> Iterable[Node]:
    """The nodes that become complete subtrees together with the leaf of that number, smallest first."""
    level = 0
    while number >> level & 1:
        yield level, (number >> level) - 1
        level += 1
