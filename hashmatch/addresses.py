"""Where a server listens, as far as it matters for who may reach it."""

import ipaddress


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address: host:port, or unix:PATH."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
