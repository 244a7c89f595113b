"""What a service says of itself."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Sandbox(enum.StrEnum):
    """Whether the kernel seals the processes that decode uploads."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Load:
    """How much one process has to do, and has done since it started."""

    waiting: int = 0
    """Uploads that wait for their turn to be hashed or looked up."""
    working: int = 0
    """Uploads that are being hashed or looked up."""
    workers: int = 0
    """The most at once."""
    held_bytes: int = 0
    """Of the messages that it holds."""
    ended: int = 0
    """Calls and items of streams, errors and refusals included."""
    overloads: int = 0
    """Those that were refused because it had too much to do."""
    cache_lookups: int = 0
    """Uploads looked up among those seen before."""
    cache_hits: int = 0
    """Those of the lookups that found the hashes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build of the index's files has come."""

    stage: str
    """`reading` changes, or `writing` entries."""
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Status:
    """What a running service says of itself."""

    revision: int
    """The newest revision its answers take into account."""
    entries: Mapping[str, int] = field(default_factory=dict)
    """Live entries by kind."""
    versions: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    """The native kernels in use: portable, avx2, avx512 or neon."""
    max_media_bytes: int = 0
    process_revisions: tuple[int, ...] = ()
    """The newest revision of each process of the server; -1 for one that does not serve."""
    sandbox: str = ""
    """Whether the kernel seals the processes that decode uploads: on or off."""
    behind_seconds: float = 0.0
    """How long ago answers were last known to take every change into account."""
    follower_error: str = ""
    """Why changes cannot be followed; empty while they are."""
    load: Load = Load()
    """Of the answering process."""
    complete: bool = True
    """Whether the index is loaded; before, nothing is looked up."""
    recent_entries: int = 0
    """How many entries the answering process holds itself, as no file of the index has them yet."""
    building: Progress | None = None
    """How far a build of the index's files has come; None where there is none under way."""
