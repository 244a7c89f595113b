"""The zygote: a process of one thread that has every codec warm, and forks workers for the service that started it.

`python -m hashmatch.sandbox.zygote DESCRIPTOR SANDBOX LIMITS` answers as `control` has it. It ends, and the kernel
ends its workers with it, when the service hangs up.
"""

import gc
import os
import signal
import socket
import sys

from hashmatch.sandbox.control import BURY, READY, REPLY, REQUEST, SPAWN
from hashmatch.settings import MediaLimits
from hashmatch.types import Sandbox


def main(control: socket.socket, sandbox: Sandbox, limits: MediaLimits) -> None:
    """Return when the service has hung up; in a worker, when its work is over."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the service decides when: it drains first
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where that is ignored, the kernel buries workers, and tells nobody
    control.send(_warm())
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST.size, 1)
        if not request:
            return
        kind, worker = REQUEST.unpack(request)
        if kind == SPAWN:
            (reader,) = descriptors
            _spawn(control, reader, sandbox, limits)
            os.close(reader)
        elif kind == BURY:
            os.kill(worker, signal.SIGKILL)
            control.send(REPLY.pack(os.waitpid(worker, 0)[1]))


def _warm() -> bytes:
    """READY, or the reason why no worker can be forked."""
    from hashmatch.errors import ConfigurationError  # noqa: PLC0415 - a broken installation is to be reported

    try:
        from hashmatch.sandbox import worker  # noqa: F401, PLC0415 - what a worker runs is loaded before it is forked
        from hashmatch.sandbox.warm import warm  # noqa: PLC0415

        warm()
    except (ConfigurationError, ImportError) as error:
        return str(error).encode()[:2000]
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - names alone
    if threads != 1:
        return f"a library has started threads ({threads - 1}), and a process of several must not fork".encode()
    gc.collect()
    gc.freeze()  # what is loaded stays shared with the workers
    return READY


def _spawn(control: socket.socket, reader: int, sandbox: Sandbox, limits: MediaLimits) -> None:
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    zygote = os.getpid()
    with theirs, ours:
        try:
            worker = os.fork()
        except OSError as error:
            control.send(REPLY.pack(-(error.errno or 1)))
            return
        if not worker:
            _become_worker(ours, reader, zygote, limits, sandbox)
        socket.send_fds(control, [REPLY.pack(worker)], [theirs.fileno()])


def _become_worker(connection: socket.socket, reader: int, zygote: int, limits: MediaLimits, sandbox: Sandbox) -> None:
    code = 1
    try:
        from hashmatch.sandbox import worker  # noqa: PLC0415 - warm since `_warm`

        worker.run(connection, reader, zygote, limits, sandbox)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), Sandbox(sys.argv[2]), MediaLimits.model_validate_json(sys.argv[3]))
