"""Real servers for tests, each a process of its own, and how to talk to them as any gRPC client would."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2_grpc
from grpc_status import rpc_status

from hashmatch.cli.child import ServerProcess
from hashmatch.v1 import bank_pb2_grpc, hash_pb2_grpc, match_pb2_grpc, status_pb2_grpc


@contextmanager
def running_server(data_dir: Path, **environment: str) -> Iterator[ServerProcess]:
    """A server on a free port; where it still runs at the end, it must stop cleanly.

    `data_dir` is made where it is missing; `environment` adds variables, such as HASHMATCH_WORKERS="1".
    """
    server = ServerProcess(data_dir, environment)
    server.start()
    try:
        yield server
    finally:
        code = server.stop() if server.running else 0
    assert code == 0, server.log.read_text()


class Stubs:
    """The services' stubs on one channel."""

    def __init__(self, address: str) -> None:
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        self.channel = grpc.insecure_channel(address, options=options)
        self.match = match_pb2_grpc.MatchServiceStub(self.channel)
        self.hash = hash_pb2_grpc.HashServiceStub(self.channel)
        self.bank = bank_pb2_grpc.BankServiceStub(self.channel)
        self.status = status_pb2_grpc.StatusServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)


@contextmanager
def refused(code: grpc.StatusCode, reason: str, field: str | None = None) -> Iterator[None]:
    """The call within fails with the code, ErrorInfo with the reason, and BadRequest with the field."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    failure: Any = caught.value
    assert failure.code() is code, failure.details()
    status = rpc_status.from_call(failure)
    assert status is not None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert any(detail.Unpack(info) for detail in status.details)
    assert (info.reason, info.domain) == (reason, "hashmatch")
    assert failure.details()
    if field is not None:
        assert any(detail.Unpack(bad) for detail in status.details)
        assert bad.field_violations[0].field == field
