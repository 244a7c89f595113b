"""The HTTP port that Prometheus fetches one process's metrics from, and what is read when it does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from hashmatch.engine import Engine
from hashmatch.errors import ConfigurationError
from hashmatch.sandbox import Loss, Pool
from hashmatch.server.cache import CachedHasher
from hashmatch.server.metrics import Metrics, Reading
from hashmatch.server.ports import metrics_place
from hashmatch.server.work import Work
from hashmatch.types import Load, Sandbox

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

_RETRY_SECONDS: Final = 0.5

_log = structlog.get_logger()


@contextmanager
def exposed(metrics: Metrics, address: str, *, patient: bool) -> Iterator[None]:
    """Answer Prometheus at host:port while within; not at all where the address is empty.

    A patient process waits in the background for the port, which the one that it replaces may still hold; otherwise
    a port that cannot be had raises ConfigurationError.
    """
    if not address:
        yield
        return
    port = _Port(metrics, address)
    try:
        try:
            port.open()
        except OSError as error:
            if not patient:
                raise ConfigurationError(f"cannot listen on {address} for metrics: {error}") from error
            port.open_later()
        yield
    finally:
        port.close()


class _Port:
    def __init__(self, metrics: Metrics, address: str) -> None:
        self._host, self._number = metrics_place(address)
        self._metrics = metrics
        self._closing = threading.Event()
        self._waiting: threading.Thread | None = None
        self._server: WSGIServer | None = None

    def open(self) -> None:
        server, _ = start_http_server(self._number, self._host, self._metrics.registry)
        self._server = server
        _log.info("metrics", url=f"http://{self._host}:{server.server_port}/metrics")

    def open_later(self) -> None:
        _log.info("metrics port is not free yet", port=self._number)
        self._waiting = threading.Thread(target=self._keep_trying, name="metrics", daemon=True)
        self._waiting.start()

    def close(self) -> None:
        self._closing.set()
        if self._waiting is not None:
            self._waiting.join()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _keep_trying(self) -> None:
        while not self._closing.wait(_RETRY_SECONDS):
            try:
                self.open()
            except OSError:
                continue
            return


def readings(engine: Engine, work: Work, cache: CachedHasher, pool: Pool, metrics: Metrics) -> Iterator[Reading]:
    """The state of a process, as it is when Prometheus asks."""
    load = load_of(work, cache, metrics)
    for name, text, value in (
        ("queue_depth", "Uploads that wait for their turn.", load.waiting),
        ("workers", "Uploads hashed or looked up at once, at most.", load.workers),
        ("workers_busy", "Uploads being hashed or looked up.", load.working),
        ("held_calls", "Calls being received, waiting and at work.", work.admission.held_calls),
        ("held_bytes", "Bytes of their messages.", load.held_bytes),
        ("cache_bytes", "Memory taken by the hashes of uploads seen before, by estimate.", cache.size),
    ):
        yield GaugeMetricFamily(f"hashmatch_{name}", text, value)
    lookups, hits = load.cache_lookups, load.cache_hits
    yield CounterMetricFamily("hashmatch_cache_lookups", "Uploads looked up among those seen before.", lookups)
    yield CounterMetricFamily("hashmatch_cache_hits", "Those found there.", hits)
    yield from _of_workers(pool)
    yield from _of_index(engine)


def load_of(work: Work, cache: CachedHasher, metrics: Metrics) -> Load:
    """How much this process has to do."""
    return Load(
        waiting=len(work.admission.waiting),
        working=work.busy,
        workers=work.media_threads,
        held_bytes=work.admission.held_bytes,
        ended=metrics.ended,
        overloads=metrics.overloads,
        cache_lookups=cache.lookups,
        cache_hits=cache.hits,
    )


def _of_workers(pool: Pool) -> Iterator[Reading]:
    restarts = CounterMetricFamily("hashmatch_worker_restarts", "Hashing processes replaced.", labels=("cause",))
    for cause in Loss:
        restarts.add_metric((cause.value,), pool.losses.get(cause, 0))
    yield restarts
    sealed = pool.sandbox is Sandbox.ON
    yield GaugeMetricFamily("hashmatch_sandbox", "1 where hashing processes are sealed, 0 where not.", sealed)


def _of_index(engine: Engine) -> Iterator[Reading]:
    status = engine.status()
    building = status.building
    for name, text, value in (
        ("revision", "What answers take into account.", status.revision),
        ("complete", "1 once the index is loaded, 0 before.", status.complete),
        ("recent_entries", "Entries that no file of the index holds yet.", status.recent_entries),
        ("building", "1 while files of the index are built on this machine, else 0.", building is not None),
        ("build_done", "Changes or entries that the build has done.", building.done if building else 0),
        ("build_total", "How many of them there are.", building.total if building else 0),
    ):
        yield GaugeMetricFamily(f"hashmatch_index_{name}", text, value)
    behind = "How long ago answers were last known to take every change into account."
    yield GaugeMetricFamily("hashmatch_index_behind_seconds", behind, status.behind_seconds)
    entries = GaugeMetricFamily("hashmatch_entries", "Live entries by kind.", labels=("kind",))
    for kind, count in status.entries.items():
        entries.add_metric((kind,), count)
    yield entries
    build = GaugeMetricFamily("hashmatch_build_info", "1, with the version and kernels.", labels=("version", "variant"))
    build.add_metric((status.versions["hashmatch"], status.variant), 1)
    yield build
