"""Whether kinds keep what they promise: tried where hashing starts, so that none breaks a request later."""

from hashmatch.errors import ConfigurationError, InvalidField
from hashmatch.hashing import KINDS, FrameKind, Kind, check, hash_image
from hashmatch.types import Frame, Hash, Orientation


def try_kinds(data: bytes, frame: Frame) -> None:
    """Hash a file, decoded to a frame, by every kind; raises ConfigurationError naming one that does not fit itself."""
    for name, kind in KINDS.items():
        values = hash_image(data, frame, name)
        expected = len(Orientation) if isinstance(kind, FrameKind) else 1
        if len(values) != expected:
            raise ConfigurationError(f"the kind {name!r} made {len(values)} hashes of a picture, not {expected}")
        for value in values:
            _check(value, kind)


def _check(value: Hash, kind: Kind) -> None:
    if value.kind != kind.name:
        raise ConfigurationError(f"the kind {kind.name!r} made a hash of the kind {value.kind!r}")
    if kind.has_quality and value.quality is None:
        raise ConfigurationError(f"the kind {kind.name!r} made a hash without its quality")
    try:
        check(value)
    except InvalidField as error:
        raise ConfigurationError(f"the kind {kind.name!r} made a hash that is none: {error.message}") from error
