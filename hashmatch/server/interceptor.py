"""Around every call: who is let in, errors as rich statuses, and a count and a log that hold nothing of its content."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn, TypeAlias

import grpc
from grpc_status import rpc_status

from hashmatch import errors, wire
from hashmatch.server.admission import Admission, Caller
from hashmatch.server.call_log import CallLog
from hashmatch.server.errors import rich_status, status_code
from hashmatch.server.metrics import Metrics
from hashmatch.server.tracing import Tracing
from hashmatch.server.turns import connection

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Method: TypeAlias = Callable[[Any, Context], Awaitable[Any]]

_HURRIED: Final = ("/hashmatch.v1.MatchService/", "/hashmatch.v1.HashService/")
"""Their calls wait for a media thread, and are refused where the wait is too long."""
_HELD: Final = (*_HURRIED, "/hashmatch.v1.BankService/AddEntries")
"""Their messages may be large: they count towards what is held, and are not read before the call is let in."""
_PUSHBACK: Final = "grpc-retry-pushback-ms"
_NO_RETRY: Final = "-1"
"""As pushback: gRPC itself is not to send the call again, however it was told to retry."""
_LONGEST_RECEIPT_SECONDS: Final = 30.0
_END: Final[Any] = grpc.aio.EOF  # type: ignore[attr-defined]  # missing in the stubs


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """Wraps our methods, all of which are coroutines; health and reflection pass as they are.

    On the wire nothing tells a call of one message from a stream that has one. Methods whose message may be large are
    served as such streams, because gRPC then leaves the message with the client until it is asked for: a call that
    is refused costs neither memory nor the time to read it. Methods that answer while they read get their messages as
    they came, to count and parse them.
    """

    def __init__(self, admission: Admission, metrics: Metrics, tracing: Tracing) -> None:
        self._admission = admission
        self._metrics = metrics
        self._tracing = tracing
        self._log = CallLog()
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        name = handler_call_details.method
        if wrapped := self._handlers.get(name):
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None or not name.startswith("/hashmatch."):
            return handler
        self._handlers[name] = wrapped = self._wrap(handler, name)
        return wrapped

    def _wrap(self, handler: Any, name: str) -> "grpc.RpcMethodHandler[Any, Any]":
        if handler.response_streaming:
            guarded = self._guarded(handler.stream_stream, name)
            return grpc.stream_stream_rpc_method_handler(guarded, None, handler.response_serializer)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(
                self._guarded(handler.stream_unary, name), handler.request_deserializer, handler.response_serializer
            )
        if name.startswith(_HELD):
            method = self._let_in(handler.unary_unary, handler.request_deserializer, hurried=name.startswith(_HURRIED))
            return grpc.stream_unary_rpc_method_handler(self._guarded(method, name), None, handler.response_serializer)
        return grpc.unary_unary_rpc_method_handler(
            self._guarded(handler.unary_unary, name), handler.request_deserializer, handler.response_serializer
        )

    def _let_in(self, method: Method, read: Callable[[bytes], Any], *, hurried: bool) -> Method:
        async def call(_: Any, context: Context) -> Any:
            caller = Caller.of(context)
            if hurried:
                self._admission.check(caller)
            with self._admission.hold(caller, receiving=True) as held:
                message = await _received(context)
                self._admission.received(held, len(message))
                if hurried:
                    self._admission.check(caller)
                request = wire.parsed(read, message)
                del message
                return await method(request, context)

        return call

    def _guarded(self, method: Method, name: str) -> Method:
        async def call(request: Any, context: Context) -> Any:
            started = time.perf_counter()
            status = grpc.StatusCode.CANCELLED
            connection.set(context.peer())
            with self._tracing.call(name, context.invocation_metadata() or ()) as note:
                try:
                    answer = await method(request, context)
                    status = grpc.StatusCode.OK
                    self._log.answered(name, time.perf_counter() - started)
                except errors.HashmatchError as error:
                    status = status_code(error)
                    await self._refuse(context, error, name, started)
                except Exception:  # noqa: BLE001 - whatever it is, the caller gets a status and the log the trace
                    status = grpc.StatusCode.INTERNAL
                    self._log.failed(name)
                    hidden = errors.HashmatchError("internal error; the server's log has it")
                    await self._refuse(context, hidden, name, started)
                finally:
                    note(status)
                    self._metrics.call_ended(name.rpartition("/")[2], status, time.perf_counter() - started)
            return answer

        return call

    async def _refuse(self, context: Context, error: errors.HashmatchError, name: str, started: float) -> NoReturn:
        self._metrics.refused(error)
        self._log.refused(name, error, time.perf_counter() - started)
        status = rpc_status.to_status(rich_status(error))
        metadata = tuple(status.trailing_metadata)
        if isinstance(error, errors.Refused):
            soon = isinstance(error, errors.Overloaded)
            metadata += ((_PUSHBACK, str(round(error.retry_seconds * 1000)) if soon else _NO_RETRY),)
        await context.abort(status.code, status.details, metadata)


async def _received(context: Context) -> bytes:
    """The one message of a call, as it came."""
    try:
        async with asyncio.timeout(_LONGEST_RECEIPT_SECONDS):
            message: Any = await context.read()
    except TimeoutError:
        raise errors.DeadlineExceeded(f"the request did not arrive within {_LONGEST_RECEIPT_SECONDS:g} s") from None
    if message is _END:
        raise errors.InvalidInput("the call ended without a request")
    return bytes(message)
