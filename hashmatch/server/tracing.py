"""Spans of calls and of their stages by OpenTelemetry, where that is asked for; it is imported only then."""

# ruff: noqa: PLC0415 - an extra, which need not be installed

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Protocol, TypeAlias

import grpc

from hashmatch.errors import ConfigurationError

Stage: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""As in `hashmatch.matching`."""
Note: TypeAlias = Callable[[grpc.StatusCode], None]
"""Told how a call ended."""
_FLUSH_SECONDS: Final = 1.0
"""How long a server that stops waits for a collector that does not answer."""


class Tracing(Protocol):
    """Who is told of calls and stages."""

    def call(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> AbstractContextManager[Note]:
        """Around a call of a full method name; `metadata` may say which span of the caller's it belongs to."""

    def stages(self, stage: Stage) -> Stage:
        """What is told the stages in place of `stage`, and tells it."""

    def close(self) -> None:
        """Send what is not sent yet, if that takes a moment only."""


class Off:
    """Tells nobody."""

    def call(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> AbstractContextManager[Note]:
        return nullcontext(lambda _: None)

    def stages(self, stage: Stage) -> Stage:
        return stage

    def close(self) -> None:
        pass


def tracing(*, wanted: bool) -> Tracing:
    """Raises ConfigurationError where it is wanted and its libraries are not installed."""
    if not wanted:
        return Off()
    try:
        return _Spans()
    except ImportError as error:
        raise ConfigurationError(f"tracing needs an extra: pip install 'hashmatch[otel]' ({error})") from error


class _Spans:
    """Exports by OTLP over gRPC; the OTEL_ variables say where to, under which name, and how many.

    Names and attributes are those of OpenTelemetry's conventions for RPC; nothing of a call's content is among them.
    """

    def __init__(self) -> None:
        from opentelemetry import propagate, trace
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = Resource({"service.name": "hashmatch"}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=named, shutdown_on_exit=False)
        self._exporter = OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("hashmatch")
        self._parent_of = propagate.extract
        self._server = trace.SpanKind.SERVER
        self._failed = trace.StatusCode.ERROR

    @contextmanager
    def call(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Iterator[Note]:
        service, _, short = method.lstrip("/").partition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": short}
        parent = self._parent_of({key: value for key, value in metadata if isinstance(value, str)})
        with self._tracer.start_as_current_span(
            method.lstrip("/"), parent, self._server, attributes, record_exception=False, set_status_on_exception=False
        ) as span:

            def note(status: grpc.StatusCode) -> None:
                span.set_attribute("rpc.grpc.status_code", status.value[0])
                if status in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE}:
                    span.set_status(self._failed)

            yield note

    def stages(self, stage: Stage) -> Stage:
        @contextmanager
        def both(name: str) -> Iterator[Any]:
            with stage(name), self._tracer.start_as_current_span(name, record_exception=False):
                yield

        return both

    def close(self) -> None:
        patience = threading.Timer(_FLUSH_SECONDS, self._exporter.shutdown)  # which gives up what is being tried again
        patience.start()
        self._provider.shutdown()
        patience.cancel()
