"""TLS and mutual TLS between real processes, and certificates replaced while a server runs."""

import time
from pathlib import Path

import pytest

from hashmatch.client import AsyncClient, Client, Security
from hashmatch.errors import Unavailable
from hashmatch.types import Bank

from .certificates import authority, issue
from .command import called, hashmatch
from .servers import running_server

SOON = 20.0


def test_tls_and_its_certificates_replaced_in_service(tmp_path: Path) -> None:
    first, second = authority(tmp_path, "first"), authority(tmp_path, "second")
    certificate, key = issue(first, tmp_path, "server")
    environment = {"HASHMATCH_TLS_CERT": str(certificate), "HASHMATCH_TLS_KEY": str(key)}
    with running_server(tmp_path / "data", **environment) as server:
        with Client(server.address, security=Security(ca=first)) as client:
            client.create_bank(Bank("a"))
        assert called("--server", server.address, "--ca", first, "bank", "list", "--json").object["bank"] == "a"
        assert not answers(server.address, Security())
        assert not answers(server.address, Security(ca=second))
        newer = issue(second, tmp_path, "newer")
        newer[1].replace(key)
        newer[0].replace(certificate)
        deadline = time.monotonic() + SOON
        while not answers(server.address, Security(ca=second)):
            assert time.monotonic() < deadline
        assert not answers(server.address, Security(ca=first))
        certificate.unlink()
        assert answers(server.address, Security(ca=second))


async def test_a_client_without_a_certificate_is_not_served_where_one_is_asked_for(tmp_path: Path) -> None:
    ours, theirs = authority(tmp_path, "ours"), authority(tmp_path, "theirs")
    certificate, key = issue(ours, tmp_path, "server")
    environment = {
        "HASHMATCH_TLS_CERT": str(certificate),
        "HASHMATCH_TLS_KEY": str(key),
        "HASHMATCH_TLS_CLIENT_CA": str(ours),
    }
    good, foreign = issue(ours, tmp_path, "pipeline"), issue(theirs, tmp_path, "stranger")
    with running_server(tmp_path / "data", **environment) as server:
        assert answers(server.address, Security(ca=ours, certificate=good[0], key=good[1]))
        assert not answers(server.address, Security(ca=ours))
        assert not answers(server.address, Security(ca=ours, certificate=foreign[0], key=foreign[1]))
        security = Security(ca=ours, certificate=good[0], key=good[1])
        async with AsyncClient(server.address, security=security) as client:
            assert (await client.status()).revision == 0


def answers(address: str, security: Security) -> bool:
    with Client(address, timeout=3, security=security) as client:
        try:
            client.status()
        except Unavailable:
            return False
    return True


@pytest.mark.parametrize("name", ["--tls-cert", "--tls-key", "--tls-client-ca"])
def test_half_of_tls_is_refused(tmp_path: Path, name: str) -> None:
    refused = hashmatch("serve", "--address", "127.0.0.1:0", "--data-dir", tmp_path, name, "x", "--log-level", "error")
    assert refused.code == 2
    assert "needs both --tls-cert and --tls-key" in refused.err
