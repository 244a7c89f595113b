"""Where metrics are listened for: the operator's address, one port on for each process."""

from hashmatch.errors import ConfigurationError


def metrics_place(address: str) -> tuple[str, int]:
    """Host (loopback where none is named) and port; raises ConfigurationError for what is no host:port."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise ConfigurationError(f"metrics_address: expected host:port, got {address!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


def nth_metrics_address(address: str, number: int) -> str:
    """The address of process `number`, from 0; port 0 stays, for each to take a free one."""
    _, port = metrics_place(address)
    nth = f"{address.rpartition(':')[0]}:{port + number if port else 0}"
    metrics_place(nth)
    return nth
