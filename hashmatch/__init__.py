"""hashmatch: perceptual-hash media matching as a service, with a native core."""

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashmatch.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "__version__"]

__version__ = version("hashmatch")


def __getattr__(name: str) -> object:
    """The clients, loaded when they are first asked for: the server and the command line start without them."""
    if name not in {"AsyncClient", "Client"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hashmatch import client  # noqa: PLC0415

    return getattr(client, name)
