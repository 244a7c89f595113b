"""Kinds of hashes: what each is, how an image gets its hashes, and whether a hash from outside is one."""

from collections.abc import Collection, Mapping
from typing import Final

from hashmatch.errors import ApproximateHash, InvalidField
from hashmatch.hashing import ahash, dhash, md5, pdq, phash, sha256
from hashmatch.hashing.kind import BytesKind, FrameKind, Kind
from hashmatch.hashing.plugins import Table
from hashmatch.types import PDQ, Frame, Hash

__all__ = [
    "KINDS",
    "BytesKind",
    "FrameKind",
    "Kind",
    "ceilings",
    "check",
    "check_exact",
    "check_kind",
    "check_kinds",
    "hash_frame",
    "hash_image",
    "take_reduced",
]

KINDS: Final[Mapping[str, Kind]] = Table((pdq.KIND, phash.KIND, dhash.KIND, ahash.KIND, md5.KIND, sha256.KIND))
"""Every kind by its name, those of other distributions included; read-only. See `hashing.plugins`."""


def hash_frame(frame: Frame, kind: str = PDQ) -> tuple[Hash, ...]:
    """A frame's hashes, one for each `Orientation` in its order, all of the same quality.

    Frames with a side too short for pdq have a hash of quality 0. There are none where the kind hashes bytes. Raises
    KeyError for an unknown kind.
    """
    found = KINDS[kind]
    return found.hash_frame(frame) if isinstance(found, FrameKind) else ()


def hash_image(data: bytes, frame: Frame, kind: str) -> tuple[Hash, ...]:
    """The hashes of a file that was decoded to a frame: as `hash_frame`, or one of its bytes; raises KeyError."""
    found = KINDS[kind]
    return (found.hash_bytes(data),) if isinstance(found, BytesKind) else hash_frame(frame, kind)


def ceilings() -> Mapping[str, int]:
    """The largest distances, inclusive, at which hashes of a kind match whatever larger threshold a bank has.

    Banks' thresholds are in bits of pdq, so that pdq has none.
    """
    return {name: kind.default_threshold for name, kind in KINDS.items() if name != PDQ}


def check(value: Hash, field: str = "hash") -> Hash:
    """Return a hash that came from outside, if it can be one of its kind.

    Raises InvalidField for the kind, bits or quality below the path `field`, saying what was expected.
    """
    kind = KINDS.get(value.kind)
    if kind is None:
        raise _unknown(value.kind, f"{field}.kind")
    if len(value.bits) * 8 != kind.bits:
        raise InvalidField(f"{field}.bits", f"{kind.name} has {kind.bits} bits, not {len(value.bits) * 8}")
    if value.quality is None:
        return value
    if not kind.has_quality:
        raise InvalidField(f"{field}.quality", f"{kind.name} has no quality, but {value.quality} was given")
    if not 0 <= value.quality <= 100:
        raise InvalidField(f"{field}.quality", f"must be 0 to 100, not {value.quality}")
    return value


def check_exact(value: Hash, field: str = "hash") -> Hash:
    """As `check`, of a hash that is to be banked; raises ApproximateHash too."""
    if value.approximate:
        raise ApproximateHash(field, "the hash is approximate, and a bank's must not be: hash the whole image")
    return check(value, field)


def take_reduced(kinds: Collection[str]) -> bool:
    """Whether frames that were decoded at a part of their size do for all these kinds; raises KeyError."""
    found = [KINDS[kind] for kind in kinds]
    return all(isinstance(kind, BytesKind) or (isinstance(kind, FrameKind) and kind.takes_reduced) for kind in found)


def check_kinds(names: Collection[str], field: str = "kinds") -> tuple[str, ...]:
    """The kinds that are asked for, each once: pdq where there are no names; raises InvalidField for an unknown one."""
    return tuple(dict.fromkeys(check_kind(name, f"{field}[{at}]") for at, name in enumerate(names))) or (PDQ,)


def check_kind(name: str, field: str) -> str:
    """Return the name if there is such a kind; raises InvalidField."""
    if name not in KINDS:
        raise _unknown(name, field)
    return name


def _unknown(kind: str, field: str) -> InvalidField:
    return InvalidField(field, f"unknown kind {kind[:80]!r}; known: {', '.join(KINDS)}")
