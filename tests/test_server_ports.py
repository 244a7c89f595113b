"""Addresses for metrics."""

import pytest

from hashmatch import errors
from hashmatch.server.ports import check_address, metrics_place, nth_metrics_address


def test_host_and_port() -> None:
    assert metrics_place("127.0.0.1:9464") == ("127.0.0.1", 9464)
    assert metrics_place("[::1]:0") == ("::1", 0)
    assert metrics_place(":9464") == ("127.0.0.1", 9464)


def test_each_process_has_a_port() -> None:
    assert nth_metrics_address("127.0.0.1:9464", 0) == "127.0.0.1:9464"
    assert nth_metrics_address("127.0.0.1:9464", 3) == "127.0.0.1:9467"
    assert nth_metrics_address("[::1]:0", 3) == "[::1]:0"


@pytest.mark.parametrize("wrong", ["", "9464", "localhost:", "localhost:65535", "localhost:http", "localhost:-1"])
def test_what_is_none(wrong: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="expected host:port"):
        nth_metrics_address(wrong, 1)


def test_where_a_server_may_listen() -> None:
    for address in ("127.0.0.1:0", "[::]:50051", ":50051", "example.org:50051", "unix:/run/hashmatch.sock"):
        check_address(address)
    for wrong in ("", "nonsense", "50051", "localhost:", "localhost:65536", "localhost:http"):
        with pytest.raises(errors.ConfigurationError, match=r"^address: expected host:port"):
            check_address(wrong)
