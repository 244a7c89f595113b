"""Where is listened: addresses as an operator gives them, and for metrics one port on for each process."""

from hashmatch.errors import ConfigurationError


def metrics_place(address: str) -> tuple[str, int]:
    """Host (loopback where none is named) and port; raises ConfigurationError for what is no host:port."""
    return _place(address, "metrics_address")


def nth_metrics_address(address: str, number: int) -> str:
    """The address of process `number`, from 0; port 0 stays, for each to take a free one."""
    _, port = metrics_place(address)
    nth = f"{address.rpartition(':')[0]}:{port + number if port else 0}"
    metrics_place(nth)
    return nth


def check_address(address: str) -> None:
    """Raises ConfigurationError for what is neither host:port nor unix:PATH."""
    if not address.startswith("unix:"):
        _place(address, "address")


def _place(address: str, name: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise ConfigurationError(f"{name}: expected host:port, got {address!r}")
    return host.strip("[]") or "127.0.0.1", int(port)
