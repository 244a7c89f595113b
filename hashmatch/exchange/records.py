"""From what an exchange says of its records to pages of entries."""

from collections.abc import Iterable
from dataclasses import asdict

from hashmatch import hashing
from hashmatch.errors import InvalidField
from hashmatch.types import Hash, NewEntry, Page, Provenance

_LONGEST = 256
_MOST_LABELS = 64
_LONGEST_LABEL = 128
_LONGEST_NOTE = 4_096


class Records:
    """A page under construction; its entries have no source yet."""

    def __init__(self) -> None:
        self._records: dict[str, tuple[NewEntry, ...]] = {}
        self._bad: list[str] = []

    def put(self, name: str, hashes: Iterable[tuple[str, str]], labels: Iterable[str] = (), note: str = "") -> None:
        """A record holds these hashes, as kind and hexadecimal digits, from now on, and nothing else.

        A hash that is none is told and left out.
        """
        if len(name) > _LONGEST:
            self._bad.append(f"{name[:80]}...: a name of more than {_LONGEST} characters")
            return
        kept = tuple(sorted({label[:_LONGEST_LABEL] for label in labels if label}))[:_MOST_LABELS]
        provenance = Provenance(name, "", kept, note[:_LONGEST_NOTE])
        entries = []
        for kind, digits in sorted(set(hashes)):
            try:
                entries.append(NewEntry(hashing.check(Hash.from_hex(kind, digits.strip())), provenance))
            except (InvalidField, ValueError) as error:
                self._bad.append(f"{name}: {digits[:80]!r} is no {kind}: {error}")
        self._records[name] = tuple(entries)

    def withdraw(self, name: str) -> None:
        """A record holds nothing any more."""
        self._records[name] = ()

    def refuse(self, problem: str) -> None:
        """Something could not be taken over."""
        self._bad.append(problem)

    def page(self, checkpoint: object = None) -> Page:
        """The page; `checkpoint` is one of the library's, or None."""
        kept = None if checkpoint is None else asdict(checkpoint)  # type: ignore[call-overload]
        return Page(self._records, kept, tuple(self._bad))
