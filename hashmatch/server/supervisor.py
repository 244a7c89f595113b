"""Several processes on one port, each a complete server: started, watched, replaced and stopped together."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from hashmatch.errors import ConfigurationError
from hashmatch.server.board import Board
from hashmatch.server.ports import nth_metrics_address
from hashmatch.settings import Settings

_FIRST_BACKOFF = 0.2
_LONGEST_BACKOFF = 10.0
_GRACE_BEYOND_DRAIN = 5.0

_log = structlog.get_logger()


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    slot: int
    """Its place on the board."""
    ready: "asyncio.Task[bool]"
    ending: "asyncio.Task[int]"


class Supervisor:
    """Runs `command` in several copies until SIGTERM or SIGINT; loads nothing that a server needs.

    The command gets `--address`, `--metrics-address`, `--board` and `--slot`, and prints one line once it answers.
    `on_ready` is given the line of the last process to be ready. One that ends by itself is replaced, after a pause
    that doubles while it keeps ending; one that ends before all were ready stops everything. They drain when their
    standard input ends, to which nothing is written: so they do not outlive the supervisor, however it ends.

    On SIGHUP every process is replaced, one after the other: the new one answers before the old one drains. Where the
    new one does not come to answer, the old one stays. Connections that the closing listener had not accepted yet are
    reset by the kernel, and GOAWAY turns the others away: clients send again what was not begun.
    """

    def __init__(self, command: Sequence[str], settings: Settings, on_ready: Callable[[str], None]) -> None:
        self._command = command
        self._address = settings.address
        self._metrics_address = settings.metrics_address
        self._count = settings.processes
        self._patience = settings.drain_seconds + _GRACE_BEYOND_DRAIN
        self._on_ready = on_ready
        self._board = Board.create(settings.processes)
        self._free_slots = list(range(settings.processes + 1))
        self._ready = 0
        self._code = 0
        self._stopping = asyncio.Event()
        self._renewals = [asyncio.Event() for _ in range(settings.processes)]
        self._one_by_one = asyncio.Lock()

    def run(self) -> int:
        """Return when all have ended: 0, or the exit code of the first that could not start."""
        with _held(self._address) as address:
            self._address = address
            asyncio.run(self._run())
        return self._code

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._renew_all)
        async with asyncio.TaskGroup() as group:
            for seat in range(self._count):
                group.create_task(self._keep(seat))

    def _renew_all(self) -> None:
        _log.info("replacing every process, one after the other")
        for renewal in self._renewals:
            renewal.set()

    async def _keep(self, seat: int) -> None:
        """Have a process in one of the seats until all stop."""
        backoff = _FIRST_BACKOFF
        child = await self._start(seat)
        while True:
            await _first(child.ending, self._stopping.wait(), self._renewals[seat].wait())
            if self._stopping.is_set():
                await self._stop(child)
                await child.ready
                return
            if not child.ending.done():
                self._renewals[seat].clear()
                child = await self._renew(seat, child)
                continue
            self._leave(child)
            if await child.ready:
                backoff = _FIRST_BACKOFF
            if self._ready < self._count:
                self._code = max(child.ending.result(), 1)
                self._stopping.set()
                return
            _log.warning("process ended; starting another", seat=seat, code=child.ending.result(), seconds=backoff)
            if await self._stopped_within(backoff):
                return
            backoff = min(2 * backoff, _LONGEST_BACKOFF)
            child = await self._start(seat)

    async def _renew(self, seat: int, old: _Child) -> _Child:
        """Start another process, and stop the old one once it answers; the one that is in the seat then."""
        async with self._one_by_one:
            new = await self._start(seat)
            await _first(new.ready, self._stopping.wait())
            if new.ready.done() and new.ready.result():
                await self._stop(old)
                _log.info("process replaced", seat=seat, pid=new.process.pid)
                return new
            await self._stop(new)
            await new.ready
            if not self._stopping.is_set():
                _log.error("the new process does not answer; the old one stays", seat=seat)
            return old

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    async def _start(self, seat: int) -> _Child:
        slot = self._free_slots.pop()
        place = ["--address", self._address, "--board", str(self._board.descriptor), "--slot", str(slot)]
        if self._metrics_address:
            place += ["--metrics-address", nth_metrics_address(self._metrics_address, seat)]
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *place,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(self._board.descriptor,),
            start_new_session=True,
        )
        ready = asyncio.create_task(self._becomes_ready(process))
        return _Child(process, slot, ready, asyncio.create_task(process.wait()))

    def _leave(self, child: _Child) -> None:
        self._board.clear(child.slot)
        self._free_slots.append(child.slot)

    async def _becomes_ready(self, process: asyncio.subprocess.Process) -> bool:
        """Whether the process says that it answers, before it ends."""
        line = (await process.stdout.readline()).decode().strip() if process.stdout else ""
        if line:
            self._ready += 1
            if self._ready == self._count:
                self._on_ready(line)
        return bool(line)

    async def _stop(self, child: _Child) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
        done, _ = await asyncio.wait((child.ending,), timeout=self._patience)
        if not done:
            _log.error("process did not drain; killing it", pid=child.process.pid)
            child.process.kill()
        code = await child.ending
        self._leave(child)
        if self._stopping.is_set() and code not in {0, -signal.SIGTERM}:  # the signal ends one that does not serve yet
            self._code = self._code or max(code, 1)


async def _first(task: "asyncio.Task[Any]", *others: Coroutine[Any, Any, Any]) -> None:
    """Return when the task, or another, has ended; the others are then no longer waited for."""
    waiting = [asyncio.create_task(other) for other in others]
    try:
        await asyncio.wait((task, *waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for other in waiting:
            other.cancel()


@contextlib.contextmanager
def _held(address: str) -> Iterator[str]:
    """Keep a port for processes to share, and yield its address with the number that a port of 0 has become.

    Raises ConfigurationError where something else listens there.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "0.0.0.0"  # noqa: S104 - what an address without a host means
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
            chosen = probe.getsockname()[1]
        with socket.socket(family) as holder:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((host, chosen))
            yield f"{address.rpartition(':')[0]}:{chosen}"
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {address}: {error}") from error
