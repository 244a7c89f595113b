"""How a client proves who it is, and whom it believes."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from hashmatch.addresses import is_loopback
from hashmatch.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Security:
    """A bearer token, and TLS where `ca` or a pair of certificate and key is given."""

    token: str = ""
    tls: bool = False
    """Use TLS even where none of the files below is given; then the system's authorities are believed."""
    ca: Path | None = None
    """PEM file of the authorities that a server's certificate may come from, in place of the system's."""
    certificate: Path | None = None
    """PEM file of the client's own certificates, for a server that asks for one."""
    key: Path | None = None

    def __repr__(self) -> str:
        return f"Security(token={'...' if self.token else ''!r}, tls={self.secure})"

    @property
    def secure(self) -> bool:
        """Whether the connection is by TLS."""
        return self.tls or self.ca is not None or self.certificate is not None

    def credentials(self, target: str) -> grpc.ChannelCredentials | None:
        """What a channel to `target` needs, None for one in the clear.

        Raises ConfigurationError where a file cannot be read, or a token would go to another machine in the clear.
        """
        if not self.secure:
            if self.token and not is_loopback(target):
                raise ConfigurationError(f"a token is sent to {target} by TLS only: say whom to believe, or --tls")
            return None
        if (self.certificate is None) != (self.key is None):
            raise ConfigurationError("a certificate and its key are needed together")
        try:
            pem = [None if path is None else path.read_bytes() for path in (self.ca, self.key, self.certificate)]
        except OSError as error:
            raise ConfigurationError(f"cannot read {error.filename}: {error.strerror}") from error
        return grpc.ssl_channel_credentials(*pem)

    def apply(self, method: Any) -> Any:
        """The method of a channel, with the token in what it sends."""
        return partial(method, metadata=(("authorization", f"Bearer {self.token}"),)) if self.token else method


OPEN = Security()
"""No token, no TLS."""
