"""Spans of a real server, as a real collector's end of OTLP receives them."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from hashmatch.v1 import match_pb2, match_pb2_grpc
from tests.servers import running_server

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent: resource attributes, and spans by name."""

    def __init__(self) -> None:
        self.resource: dict[str, str] = {}
        self.spans: dict[str, Any] = {}
        self.everything = b""

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - the contract's
        self.everything += request.SerializeToString()
        for of_resource in request.resource_spans:
            self.resource |= {item.key: item.value.string_value for item in of_resource.resource.attributes}
            for scope in of_resource.scope_spans:
                self.spans |= {span.name: span for span in scope.spans}
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[str, Collector]]:
    server, collector = grpc.server(ThreadPoolExecutor(1)), Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}", collector
    server.stop(None).wait()


def test_a_call_and_its_stages(
    tmp_path: Path, collector: tuple[str, Collector], photos: dict[str, NDArray[np.uint8]]
) -> None:
    done, encoded = cv2.imencode(".jpg", photos["rocket"])
    assert done
    where, received = collector
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": where, "OTEL_BSP_SCHEDULE_DELAY": "100", "HASHMATCH_TRACING": "1"}
    with running_server(tmp_path, **variables) as server, grpc.insecure_channel(server.address) as channel:
        stub = match_pb2_grpc.MatchServiceStub(channel)
        of_ours = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)
        stub.MatchImage(match_pb2.MatchImageRequest(media=encoded.tobytes()), metadata=of_ours)
        deadline = time.monotonic() + 20
        while not {"image", "search", "policy", "hashmatch.v1.MatchService/MatchImage"} <= set(received.spans):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        call = received.spans["hashmatch.v1.MatchService/MatchImage"]
        with pytest.raises(grpc.RpcError):
            stub.MatchImage(match_pb2.MatchImageRequest(), metadata=of_ours)
    assert received.resource["service.name"] == "hashmatch"
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, PARENT)
    attributes = {item.key: item.value.string_value or item.value.int_value for item in call.attributes}
    assert attributes == {
        "rpc.system": "grpc",
        "rpc.service": "hashmatch.v1.MatchService",
        "rpc.method": "MatchImage",
        "rpc.grpc.status_code": 0,
    }
    for stage in ("image", "search", "policy"):
        assert received.spans[stage].trace_id == call.trace_id
    failed = received.spans["hashmatch.v1.MatchService/MatchImage"]  # sent when the server stopped
    assert {item.key: item.value.int_value for item in failed.attributes}["rpc.grpc.status_code"] == 3
    assert b"JFIF" not in received.everything


def test_a_collector_out_of_reach_is_logged_and_costs_nothing(tmp_path: Path) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY": "1"}
    with running_server(tmp_path, HASHMATCH_TRACING="1", **variables) as server:
        with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
            match_pb2_grpc.MatchServiceStub(channel).MatchImage(match_pb2.MatchImageRequest())
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        deadline = time.monotonic() + 20
        while "opentelemetry" not in server.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    events = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {event["level"] for event in events if event.get("library") == "opentelemetry"} <= {"warning", "error"}
