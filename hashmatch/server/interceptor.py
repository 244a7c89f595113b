"""Around every call: errors become rich statuses, and each call is logged without its content."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

import grpc
import structlog
from grpc_status import rpc_status

from hashmatch import errors
from hashmatch.server.errors import rich_status

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_log = structlog.get_logger()


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """Wraps our methods, all of which are coroutines; health and reflection pass as they are."""

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        handler = await continuation(handler_call_details)
        name = handler_call_details.method
        if handler is None or not name.startswith("/hashmatch."):
            return handler
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(
                _guarded(handler.stream_stream, name), handler.request_deserializer, handler.response_serializer
            )
        return grpc.unary_unary_rpc_method_handler(
            _guarded(handler.unary_unary, name), handler.request_deserializer, handler.response_serializer
        )


def _guarded(method: Any, name: str) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(request: Any, context: Context) -> Any:
        started = time.perf_counter()
        try:
            answer = await method(request, context)
        except errors.HashmatchError as error:
            await _refuse(context, error, name, started)
        except Exception:  # noqa: BLE001 - whatever it is, the caller gets a status and the log the trace
            _log.exception("call failed", method=name)
            await _refuse(context, errors.HashmatchError("internal error; the server's log has it"), name, started)
        _log.debug("call answered", method=name, ms=_milliseconds(started))
        return answer

    return call


async def _refuse(context: Context, error: errors.HashmatchError, name: str, started: float) -> NoReturn:
    _log.info("call refused", method=name, reason=error.reason, ms=_milliseconds(started))
    status = rpc_status.to_status(rich_status(error))
    await context.abort(status.code, status.details, status.trailing_metadata)


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
