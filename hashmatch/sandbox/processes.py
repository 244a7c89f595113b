"""The service's end of the zygote: starting it, and having workers forked and buried."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Final

from hashmatch.errors import ConfigurationError, Unavailable
from hashmatch.sandbox.control import BURY, READY, REPLY, REQUEST, SEALED, SPAWN
from hashmatch.sandbox.line import Line
from hashmatch.sandbox.tray import Tray
from hashmatch.settings import MediaLimits
from hashmatch.types import Sandbox

_INHERITED: Final = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "HASHMATCH_VARIANT",
)  # fmt: skip
"""What the zygote sees of the environment, which holds the database's password and more."""
_START_SECONDS: Final = 60.0
_REPLY_SECONDS: Final = 10.0
_LONGEST_REPLY: Final = 4096
_TRIES: Final = 2


@dataclass(slots=True)
class Worker:
    """A hashing process that is ready for a job."""

    pid: int
    line: Line
    zygote: int
    """The process id of the zygote that forked it."""
    jobs: int = field(default=0)
    """How many it has answered."""


class Zygote:
    """Starts the zygote, and starts it again where it has ended; any thread may call it."""

    def __init__(self, limits: MediaLimits, sandbox: Sandbox) -> None:
        """Return once it is ready; raises ConfigurationError with the reason where it cannot be."""
        self._arguments = (str(sandbox), limits.model_dump_json())
        self._largest = limits.max_media_bytes
        self._lock = threading.Lock()
        self._closed = False
        self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def spawn(self) -> Worker:
        """A new worker, sealed; raises ConfigurationError where it cannot be, Unavailable where there is no process.

        Where it ends before it is ready, that is logged, and another is tried once.
        """
        how = ""
        for _ in range(_TRIES):
            worker = self._forked()
            try:
                said = worker.line.receive(_LONGEST_REPLY)
            except (OSError, EOFError, ValueError) as error:
                how = self._log_early_end(worker, error)
                continue
            if said != SEALED:
                self.bury(worker)
                raise ConfigurationError(
                    f"the processes that decode cannot be sealed here ({said.decode(errors='replace')}); "
                    "'--sandbox off' does without, and is for no stranger's media"
                )
            return worker
        raise Unavailable(f"hashing processes end before they are ready: {how}")

    def bury(self, worker: Worker) -> int | None:
        """End a worker and return what `os.waitstatus_to_exitcode` takes; None where the zygote had ended before.

        Then the kernel has ended the worker with it.
        """
        worker.line.close()
        with self._lock:
            if self._closed or worker.zygote != self._process.pid:
                return None
            try:
                self._control.send(REQUEST.pack(BURY, worker.pid))
                (status,) = REPLY.unpack(self._reply()[0])
            except (OSError, EOFError):
                self._end()  # a reply that comes late would be taken for the next one
                return None
            return int(status)

    def close(self) -> None:
        """End it and all its workers, whatever they do."""
        with self._lock:
            self._closed = True
            self._end()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = (sys.executable, "-P", "-m", "hashmatch.sandbox.zygote", str(theirs.fileno()), *self._arguments)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**inherited, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._control.settimeout(_START_SECONDS)
        try:
            said = self._reply()[0]
        except (OSError, EOFError) as error:
            self._end()
            raise ConfigurationError("the hashing processes do not start; standard error has the reason") from error
        if said != READY:
            self._end()
            raise ConfigurationError(f"the hashing processes cannot start: {said.decode(errors='replace')}")
        self._control.settimeout(_REPLY_SECONDS)

    def _forked(self) -> Worker:
        """A worker that may yet fail to be sealed."""
        with self._lock:
            if self._closed:
                raise Unavailable("the hashing processes are stopping")
            try:
                pid, line = self._fork()
            except (OSError, EOFError):
                pid, line = self._restart()
            return Worker(pid, line, self._process.pid)

    def _log_early_end(self, worker: Worker, error: Exception) -> str:
        """Bury a worker that was never ready; how it ended."""
        import structlog  # noqa: PLC0415 - the zygote, which loads this module, has no use for it

        status = self.bury(worker)
        how = "the process that forked it ended" if status is None else ending(status)
        structlog.get_logger(__name__).warning(
            "a hashing process ended before it was ready",
            how=how,
            pid=worker.pid,
            error=repr(error),
            zygote=worker.zygote,
            zygote_status=self._process.poll(),
        )
        return how

    def _restart(self) -> tuple[int, Line]:
        self._end()
        try:
            self._start()
            return self._fork()
        except (OSError, EOFError, ConfigurationError) as error:
            raise Unavailable("the hashing processes could not be started again") from error

    def _fork(self) -> tuple[int, Line]:
        tray, reader = Tray.made(self._largest)
        try:
            socket.send_fds(self._control, [REQUEST.pack(SPAWN, 0)], [reader])
        finally:
            os.close(reader)
        reply, descriptors = self._reply()
        (pid,) = REPLY.unpack(reply)
        if pid < 0 or len(descriptors) != 1:
            raise Unavailable(f"no hashing process can be started: {os.strerror(-pid)}")
        return pid, Line(socket.socket(fileno=descriptors[0]), tray)

    def _reply(self) -> tuple[bytes, list[int]]:
        reply, descriptors, _, _ = socket.recv_fds(self._control, _LONGEST_REPLY, 1)
        if not reply:
            raise EOFError
        return reply, descriptors

    def _end(self) -> None:
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def ending(status: int) -> str:
    """How a process ended, of the status that waiting for it gave."""
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
