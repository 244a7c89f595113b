"""Services added to a server without registering each method, which costs every call of every method."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import grpc


class _Unregistered:
    """What generated code asks of a server to which it adds a service."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: "Sequence[grpc.GenericRpcHandler[Any, Any]]") -> None:
        """Add the service, whose methods are found by their names."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Leave them out: grpc.aio waits with asyncio.wait for calls of each registered method, at every call anew."""


def unregistered(server: grpc.aio.Server) -> grpc.aio.Server:
    """The server as services are to be added to it."""
    return cast("grpc.aio.Server", _Unregistered(server))
