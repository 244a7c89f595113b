"""TLS, from files that may be replaced while the server runs."""

from pathlib import Path
from typing import Final, NamedTuple

import grpc
import structlog

from hashmatch.errors import ConfigurationError
from hashmatch.settings import Settings

_log: Final = structlog.get_logger(__name__)


class _Files(NamedTuple):
    certificate: Path
    key: Path
    client_ca: Path | None

    def stamp(self) -> tuple[tuple[int, int], ...]:
        found = (path.stat() for path in self if path is not None)
        return tuple((stat.st_mtime_ns, stat.st_ino) for stat in found)

    def read(self) -> grpc.ServerCertificateConfiguration:
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        ca = None if self.client_ca is None else self.client_ca.read_bytes()
        return grpc.ssl_server_certificate_configuration([pair], ca)


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """What to serve with, None where no certificate is set; raises ConfigurationError.

    The files are looked at for every new connection: new ones serve it, and where they cannot be read or do not go
    together the last ones do. Connections that exist are kept.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        if settings.tls_cert or settings.tls_key or settings.tls_client_ca:
            raise ConfigurationError("TLS needs both --tls-cert and --tls-key")
        return None
    files = _Files(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    try:
        stamp, first = files.stamp(), files.read()
    except OSError as error:
        raise ConfigurationError(f"cannot read {error.filename}: {error.strerror}") from error

    def newer() -> grpc.ServerCertificateConfiguration | None:
        nonlocal stamp
        try:
            now = files.stamp()
            if now == stamp:
                return None
            changed = files.read()
        except OSError as error:
            _log.warning("certificates not read", error=str(error))
            return None
        stamp = now
        _log.info("certificates read")
        return changed

    mutual = files.client_ca is not None
    return grpc.dynamic_ssl_server_credentials(first, newer, mutual)  # type: ignore[arg-type]  # None: no change
