"""The composition root: settings to a running server, and from a signal to a drained one."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import grpc
import structlog
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from hashmatch import errors
from hashmatch.addresses import is_loopback
from hashmatch.allocator import OF_UPLOADS, keep_freed
from hashmatch.engine import Engine
from hashmatch.follower import Follower
from hashmatch.hash_log import HashLog
from hashmatch.sandbox import Pool
from hashmatch.server.access import AccessInterceptor
from hashmatch.server.admission import Admission
from hashmatch.server.audit import AuditService
from hashmatch.server.bank import BankService
from hashmatch.server.board import ABSENT, Board
from hashmatch.server.building import Builder, opened
from hashmatch.server.cache import CachedHasher
from hashmatch.server.exposition import exposed, load_of, readings
from hashmatch.server.feedback import FeedbackService
from hashmatch.server.health import HealthService
from hashmatch.server.interceptor import CallInterceptor
from hashmatch.server.keyring import Keyring
from hashmatch.server.match import HashService, MatchService
from hashmatch.server.metrics import Metrics
from hashmatch.server.status import StatusService
from hashmatch.server.sweeping import Sweeper
from hashmatch.server.timed import TimedHasher
from hashmatch.server.tls import credentials
from hashmatch.server.tracing import tracing
from hashmatch.server.unregistered import unregistered
from hashmatch.server.video import Videos
from hashmatch.server.work import Work
from hashmatch.settings import Settings
from hashmatch.store import Store
from hashmatch.types import Sandbox
from hashmatch.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    bank_pb2,
    bank_pb2_grpc,
    feedback_pb2,
    feedback_pb2_grpc,
    hash_pb2,
    hash_pb2_grpc,
    match_pb2,
    match_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
)

_SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (match_pb2, "MatchService"),
        (hash_pb2, "HashService"),
        (bank_pb2, "BankService"),
        (feedback_pb2, "FeedbackService"),
        (audit_pb2, "AuditService"),
        (status_pb2, "StatusService"),
    )
)
_LARGEST_MESSAGE = 256 * 2**20
"""Above the limit for media, so that oversize is answered by our error and not by the transport's."""
_MOST_STREAMS = 1024
"""Calls at once on one connection; more wait with the client."""
_LARGEST_FRAME = 2**20
"""Bytes of HTTP/2 that come in one piece: an upload in 13 pieces of the usual size costs both ends more."""
_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000
"""A peer that answers no ping for so long is gone, and what it held is freed."""
_HANDSHAKE_MS = 10_000
"""For a connection that never says anything."""
_SWITCH_SECONDS = 0.0005
"""For which a thread may keep the GIL while others want it: a search takes it again after each of its steps, and would
wait for five milliseconds at each while the follower applies changes."""
_RARELY = 100
"""Young collections of the garbage collector before one of all objects, for which every thread waits."""
_NOTICE_SECONDS = 0.2
"""Between NOT_SERVING and refusing new calls, so that balancers that watch health turn away first."""

_log = structlog.get_logger()


def serve(settings: Settings, on_ready: Callable[[str, Engine], None], board: Board | None = None) -> None:
    """Run until SIGTERM or SIGINT; `on_ready` is told the address bound. Raises ConfigurationError.

    A process of a supervisor is given the board that they share, and shares the port with the others.
    """
    keep_freed(*OF_UPLOADS)
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*gc.get_threshold()[:2], _RARELY)
    with ExitStack() as stack:
        pool = stack.enter_context(Pool(settings.limits, settings.workers, settings.sandbox))
        if settings.sandbox is Sandbox.OFF:
            _log.warning("media are decoded in processes that the kernel does not seal: --sandbox off")
        store = stack.enter_context(Store.open(settings.database))
        keyring = Keyring(store.tokens.all)
        stack.callback(keyring.stop)
        keyring.start()
        _check_exposure(settings, keyring)
        follower = Follower(store, opened(settings))
        stack.callback(follower.stop)
        builder = Builder(settings, lambda: follower.build_due)
        builder.start()
        stack.callback(builder.stop)
        sweeper = Sweeper(store.remove_expired)
        sweeper.start()
        stack.callback(sweeper.stop)
        stack.enter_context(store.listening(follower.wake))
        metrics = Metrics()
        cache = CachedHasher(TimedHasher(pool, metrics.stage_took), settings.cache_bytes)
        spans = tracing(wanted=settings.tracing)
        stack.callback(spans.close)
        engine = Engine(
            store, follower, cache, settings.limits, spans.stages(metrics.stage), _hash_log(settings, stack)
        )
        admission = Admission(settings.workers, settings.max_queue_seconds, settings.max_queue_bytes)
        work = Work(settings.workers, admission, metrics)
        stack.callback(work.close)
        videos = Videos(engine, admission, settings)
        stack.callback(videos.close)
        metrics.read_when_asked(lambda: readings(engine, work, cache, pool, metrics))
        stack.enter_context(exposed(metrics, settings.metrics_address, patient=board is not None))
        own = board or Board.create(1)
        status = StatusService(engine, own, lambda: load_of(work, cache, metrics))
        calls = [AccessInterceptor(keyring, metrics), CallInterceptor(admission, metrics, spans)]
        audit = AuditService(store.audit, work, settings.audit_key)
        app = _App(settings, engine, work, videos, audit, status, metrics, calls)
        uvloop.run(app.run(on_ready, own, shared=board is not None))


def _hash_log(settings: Settings, stack: ExitStack) -> HashLog | None:
    if not settings.hash_log:
        return None
    return stack.enter_context(HashLog(Path(settings.hash_log), settings.hash_log_days, settings.hash_log_seconds))


class _App:
    """One process of the service."""

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter for each part
        self,
        settings: Settings,
        engine: Engine,
        work: Work,
        videos: Videos,
        audit: AuditService,
        status: StatusService,
        metrics: Metrics,
        interceptors: Sequence[grpc.aio.ServerInterceptor],  # type: ignore[type-arg]  # generic in the stubs alone
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._work = work
        self._videos = videos
        self._audit = audit
        self._status = status
        self._metrics = metrics
        self._interceptors = interceptors
        self._draining = asyncio.Event()

    async def run(self, on_ready: Callable[[str, Engine], None], board: Board, *, shared: bool) -> None:
        """Serve until a signal, then drain. A shared port is one that a supervisor's other processes listen on too."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        if shared:
            _at_end_of_input(stop.set)
        server = grpc.aio.server(interceptors=self._interceptors, options=_options(self._settings, shared=shared))
        healthy = self._add_services(server)
        for name in ("", *_SERVICES):
            await healthy.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
        loading = asyncio.get_running_loop().run_in_executor(None, self._engine.load, board.put)
        if board.revision != ABSENT:
            await self._loaded(loading, stop)  # another process serves: no call is to meet this one before it can too
        address = _bind(server, self._settings)
        await server.start()
        if await self._loaded(loading, stop):
            for name in ("", *_SERVICES):
                await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
            gc.freeze()  # what was loaded stays: the collector need not look at it again
            on_ready(address, self._engine)
            await stop.wait()
        _log.info("draining", seconds=self._settings.drain_seconds)
        await healthy.enter_graceful_shutdown()
        await asyncio.sleep(_NOTICE_SECONDS)
        self._draining.set()
        await server.stop(self._settings.drain_seconds)
        _log.info("stopped")

    async def _loaded(self, loading: asyncio.Future[None], stop: asyncio.Event) -> bool:
        """Whether the index was loaded before a signal to stop; raises what loading raises."""
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((loading, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not loading.done():
            self._engine.cancel_load()
        await loading
        return not stop.is_set()

    def _add_services(self, real: grpc.aio.Server) -> HealthService:
        """Add all services and return the one of health."""
        engine, work, server = self._engine, self._work, unregistered(real)
        match_pb2_grpc.add_MatchServiceServicer_to_server(
            MatchService(engine, work, self._videos, self._metrics, self._draining), server
        )
        hash_pb2_grpc.add_HashServiceServicer_to_server(HashService(engine, work, self._videos), server)
        bank_pb2_grpc.add_BankServiceServicer_to_server(BankService(engine, work), server)
        feedback_pb2_grpc.add_FeedbackServiceServicer_to_server(FeedbackService(engine, work, self._metrics), server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(self._audit, server)
        status_pb2_grpc.add_StatusServiceServicer_to_server(self._status, server)
        healthy = HealthService(self._draining)
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        reflection.enable_server_reflection((*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        return healthy


def _at_end_of_input(stop: Callable[[], None]) -> None:
    """Stop once standard input ends, which the supervisor holds open while it lives."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(sys.stdin)
        _log.warning("the supervisor is gone")
        stop()

    loop.add_reader(sys.stdin, ended)


def _options(settings: Settings, *, shared: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max(_LARGEST_MESSAGE, 2 * settings.limits.max_media_bytes)),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_concurrent_streams", _MOST_STREAMS),
        ("grpc.http2.max_frame_size", _LARGEST_FRAME),
        ("grpc.http2.bdp_probe", 0),  # it lets each stream send megabytes before anybody reads them
        ("grpc.so_reuseport", int(shared)),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
    ]


def _check_exposure(settings: Settings, keyring: Keyring) -> None:
    """Say who may do what, and raise ConfigurationError where that would be everyone on other machines."""
    if keyring.open:
        if not is_loopback(settings.address):
            raise errors.ConfigurationError(
                f"{settings.address} is reachable from other machines and there is no token yet: make one with "
                f"'hashmatch token create', or listen on 127.0.0.1"
            )
        _log.info("no token exists: whoever reaches this machine's loopback may do everything")
    elif settings.tls_cert is None and not is_loopback(settings.address):
        _log.warning("tokens and hashes travel in the clear: set --tls-cert and --tls-key", address=settings.address)


def _bind(server: grpc.aio.Server, settings: Settings) -> str:
    """The address that is listened on, with the number that a port of 0 has become."""
    address, secured = settings.address, credentials(settings)
    try:
        port = server.add_insecure_port(address) if secured is None else server.add_secure_port(address, secured)
    except RuntimeError as error:
        raise errors.ConfigurationError(f"cannot listen on {address}: {error}") from error
    if port == 0:
        raise errors.ConfigurationError(f"cannot listen on {address}")
    return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
