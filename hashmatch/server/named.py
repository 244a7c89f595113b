"""The entries that a request names."""

from collections.abc import Sequence
from typing import Final, Protocol

from hashmatch import wire
from hashmatch.errors import InvalidField

_MOST_ENTRIES: Final = 10_000


class Naming(Protocol):
    """A request that names entries of a bank."""

    parent: str

    @property
    def names(self) -> Sequence[str]: ...


def entries_of(bank: str, request: Naming) -> list[int]:
    """The numbers of the entries that a request names; raises InvalidField."""
    check_count("names", len(request.names))
    entries = []
    for at, name in enumerate(request.names):
        parent, entry = wire.parse_entry_name(name, f"names[{at}]")
        if parent != bank:
            raise InvalidField(f"names[{at}]", f"is not an entry of {request.parent}")
        entries.append(entry)
    return entries


def check_count(field: str, count: int) -> None:
    """Raise InvalidField unless a request has 1 to 10,000 entries."""
    if not 1 <= count <= _MOST_ENTRIES:
        raise InvalidField(field, f"expected 1 to {_MOST_ENTRIES}, got {count}")
