"""What a service says of itself."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Sandbox(enum.StrEnum):
    """Whether the kernel seals the processes that decode uploads."""

    ON = "on"
    OFF = "off"


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
