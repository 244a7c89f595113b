"""What hashes that can be compared with each other have in common."""

from typing import NamedTuple, Self

from hashmatch.types import Hash


class Space(NamedTuple):
    """The hashes of one kind and length."""

    kind: str
    width: int
    """Bytes of a hash."""

    @classmethod
    def of(cls, item: Hash) -> Self:
        return cls(item.kind, len(item.bits))
