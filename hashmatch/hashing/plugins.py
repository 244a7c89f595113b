"""Kinds of other distributions: those that name one under the entry point group `hashmatch.kinds`."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from hashmatch.errors import ConfigurationError
from hashmatch.hashing.kind import BytesKind, FrameKind, Kind

GROUP: Final = "hashmatch.kinds"

_NAME: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


class Table(Mapping[str, Kind]):
    """Kinds by name, our own first; others' are loaded, all of them and once, when the first is asked for.

    Raises ConfigurationError then, naming the distribution, where one cannot be loaded, is not a kind or is called
    as another.
    """

    def __init__(self, own: tuple[Kind, ...]) -> None:
        self._own = own

    @cached_property
    def _kinds(self) -> Mapping[str, Kind]:
        kinds = {kind.name: kind for kind in self._own}
        for entry in sorted(entry_points(group=GROUP), key=_origin):
            kind = _load(entry)
            if kind.name in kinds:
                raise _refused(entry, "another kind has that name")
            kinds[kind.name] = kind
        return kinds

    def __getitem__(self, name: str) -> Kind:
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def _origin(entry: EntryPoint) -> tuple[str, str]:
    return entry.dist.name if entry.dist else "", entry.name


def _refused(entry: EntryPoint, why: str) -> ConfigurationError:
    distribution = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unnamed distribution"
    return ConfigurationError(f"the kind {entry.name!r} of {distribution} ({entry.value}): {why}")


def _load(entry: EntryPoint) -> Kind:
    try:
        kind = entry.load()
    except Exception as error:  # whatever another's module raises
        raise _refused(entry, f"cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(kind, FrameKind | BytesKind):
        raise _refused(entry, f"is of type {type(kind).__name__}, not FrameKind or BytesKind")
    if kind.name != entry.name:
        raise _refused(entry, f"calls itself {kind.name!r}")
    if not _NAME.fullmatch(kind.name):
        raise _refused(entry, "a name is 1 to 32 of a-z, 0-9 and hyphen")
    if kind.bits % 8 or not 8 <= kind.bits <= 2048:
        raise _refused(entry, f"has {kind.bits} bits; it must be a multiple of 8 from 8 to 2,048")
    if not 0 <= kind.default_threshold < kind.bits:
        raise _refused(entry, f"has a default threshold of {kind.default_threshold} of {kind.bits} bits")
    return kind
