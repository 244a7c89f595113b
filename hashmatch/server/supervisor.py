"""Several processes on one port, each a complete server: started, watched, replaced and stopped together."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Sequence

import structlog

from hashmatch.errors import ConfigurationError
from hashmatch.server.board import Board
from hashmatch.server.ports import nth_metrics_address
from hashmatch.settings import Settings

_FIRST_BACKOFF = 0.2
_LONGEST_BACKOFF = 10.0
_GRACE_BEYOND_DRAIN = 5.0

_log = structlog.get_logger()


class Supervisor:
    """Runs `command` in several copies until SIGTERM or SIGINT; loads nothing that a server needs.

    The command gets `--address`, `--metrics-address`, `--board` and `--slot`, and prints one line once it answers.
    `on_ready` is given the line of the last process to be ready. One that ends by itself is replaced, after a pause
    that doubles while it keeps ending; one that ends before all were ready stops everything.
    """

    def __init__(self, command: Sequence[str], settings: Settings, on_ready: Callable[[str], None]) -> None:
        self._command = command
        self._address = settings.address
        self._metrics_address = settings.metrics_address
        self._count = settings.processes
        self._patience = settings.drain_seconds + _GRACE_BEYOND_DRAIN
        self._on_ready = on_ready
        self._board = Board.create(settings.processes)
        self._ready = 0
        self._code = 0
        self._stopping = asyncio.Event()

    def run(self) -> int:
        """Return when all have ended: 0, or the exit code of the first that could not start."""
        with _held(self._address) as address:
            self._address = address
            asyncio.run(self._run())
        return self._code

    async def _run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        async with asyncio.TaskGroup() as group:
            for slot in range(self._count):
                group.create_task(self._keep(slot))

    async def _keep(self, slot: int) -> None:
        backoff = _FIRST_BACKOFF
        while not self._stopping.is_set():
            process = await self._start(slot)
            ready = asyncio.create_task(self._becomes_ready(process))
            ending = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait((ending, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if self._stopping.is_set():
                await self._stop(process, ending)
                await ready
                return
            self._board.clear(slot)
            if await ready:
                backoff = _FIRST_BACKOFF
            if self._ready < self._count:
                self._code = max(ending.result(), 1)
                self._stopping.set()
                return
            _log.warning("process ended; starting another", slot=slot, code=ending.result(), seconds=backoff)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    async def _start(self, slot: int) -> asyncio.subprocess.Process:
        place = ["--address", self._address, "--board", str(self._board.descriptor), "--slot", str(slot)]
        if self._metrics_address:
            place += ["--metrics-address", nth_metrics_address(self._metrics_address, slot)]
        return await asyncio.create_subprocess_exec(
            *self._command,
            *place,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(self._board.descriptor,),
            start_new_session=True,
        )

    async def _becomes_ready(self, process: asyncio.subprocess.Process) -> bool:
        """Whether the process says that it answers, before it ends."""
        line = (await process.stdout.readline()).decode().strip() if process.stdout else ""
        if line:
            self._ready += 1
            if self._ready == self._count:
                self._on_ready(line)
        return bool(line)

    async def _stop(self, process: asyncio.subprocess.Process, ending: asyncio.Task[int]) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        done, _ = await asyncio.wait((ending,), timeout=self._patience)
        if not done:
            _log.error("process did not drain; killing it", pid=process.pid)
            process.kill()
        code = await ending
        if code not in {0, -signal.SIGTERM}:  # the signal itself ends one that has not begun to serve
            self._code = self._code or max(code, 1)


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
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot listen on {address}: {error}") from error
