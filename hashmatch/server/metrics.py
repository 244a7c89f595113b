"""What one process counts and times, for Prometheus to fetch from a port of its own."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final, TypeAlias

import grpc
from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from hashmatch.errors import HashmatchError, Overloaded
from hashmatch.types import Finding, Reported

Reading: TypeAlias = GaugeMetricFamily | CounterMetricFamily

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Names follow Prometheus's conventions: base units, `_total` for what only grows, all under `hashmatch_`.

    Labels are names of the contract (methods, statuses, reasons, stages), never anything that a caller sent.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.ended = 0
        self.overloads = 0
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._calls = Counter(
            "hashmatch_calls", "Calls ended, by method and gRPC status.", ("method", "status"), registry=self.registry
        )
        self._call_seconds = Histogram(
            "hashmatch_call_seconds",
            "From a call's first byte to its status.",
            ("method",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._items = Counter(
            "hashmatch_stream_items", "Items of streams answered, by gRPC status.", ("status",), registry=self.registry
        )
        self._refusals = Counter(
            "hashmatch_refusals",
            "Calls and items that got an error of ours, by its reason.",
            ("reason",),
            registry=self.registry,
        )
        self._overloads = Counter(
            "hashmatch_overload_refusals",
            "Calls refused for want of room, by the limit met.",
            ("limit",),
            registry=self.registry,
        )
        self._reports = Counter(
            "hashmatch_reports", "Reports of matches taken up, by finding.", ("finding",), registry=self.registry
        )
        self._demotions = Counter(
            "hashmatch_demotions", "Entries that ask for REVIEW since a report.", registry=self.registry
        )
        stage_seconds = Histogram(
            "hashmatch_stage_seconds",
            "How long a stage of an upload took: queue; image, of which decode and hash unless it was seen before; "
            "search; policy.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stage_seconds = cache(stage_seconds.labels)

    def call_ended(self, method: str, status: grpc.StatusCode, seconds: float) -> None:
        """Count a call of ours by its method's name."""
        self.ended += 1
        self._calls.labels(method, status.name).inc()
        self._call_seconds.labels(method).observe(seconds)

    def item_ended(self, status: grpc.StatusCode, error: HashmatchError | None = None) -> None:
        """Count an item of a stream."""
        self.ended += 1
        self._items.labels(status.name).inc()
        if error is not None:
            self.refused(error)

    def refused(self, error: HashmatchError) -> None:
        """Count an error by its reason, and an overload by the limit it met too."""
        self._refusals.labels(error.reason).inc()
        if isinstance(error, Overloaded):
            self.overloads += 1
            self._overloads.labels(error.details["limit"]).inc()

    def reported(self, finding: Finding, done: Reported) -> None:
        """Count a report of a match, and whether it demoted the entry."""
        self._reports.labels(finding).inc()
        self._demotions.inc(done.demoted)

    def stage_took(self, stage: str, seconds: float) -> None:
        """Record the time of one stage; any thread may call it."""
        self._stage_seconds(stage).observe(seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done within."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stage_took(name, time.perf_counter() - started)

    def read_when_asked(self, read: Callable[[], Iterable[Reading]]) -> None:
        """Add metrics whose values are read whenever Prometheus asks, in a thread of its own."""
        self.registry.register(_Reader(read))


class _Reader(Collector):
    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Reading]:
        return self._read()

    def describe(self) -> Iterable[Reading]:
        """Names are not known before they are read, and nothing else uses them."""
        return ()
