"""A worker: it seals itself, then answers one job after another until the service hangs up."""

import os
import resource
import socket
from typing import Final

from hashmatch import _core, media
from hashmatch.errors import DecoderCrashed, MediaError, MediaTooLarge
from hashmatch.sandbox.control import SEALED
from hashmatch.sandbox.failure import send_failure
from hashmatch.sandbox.line import Line
from hashmatch.sandbox.task import LONGEST_REQUEST
from hashmatch.sandbox.tray import Tray
from hashmatch.sandbox.work import WORK
from hashmatch.settings import MediaLimits
from hashmatch.types import Sandbox

_MOST_DESCRIPTORS: Final = 16


def run(connection: socket.socket, reader: int, parent: int, limits: MediaLimits, sandbox: Sandbox) -> None:
    """Return when the service has hung up. `reader` is of its tray, `parent` the zygote's process id."""
    tray = Tray.of(reader)
    line = Line(_alone(connection), tray)
    try:
        _limit_resources(limits)
        _core.seal(parent, calls=sandbox is Sandbox.ON, threads=media.NEEDS_THREADS)
    except (OSError, ValueError) as error:
        if os.getppid() == parent:  # otherwise the seal is not to blame: the zygote ended, and its workers end with it
            line.send(str(error).encode())
        return
    line.send(SEALED)
    try:
        while True:
            _answer(line, limits)
    except (EOFError, OSError):
        line.close()  # Python asks the kernel to describe a socket that was left open, which the seal forbids


def _answer(line: Line, limits: MediaLimits) -> None:
    message = line.receive(LONGEST_REQUEST)
    try:
        WORK[message[0]](line, message, limits)
    except MediaError as error:
        send_failure(line, error)
    except MemoryError:
        send_failure(line, MediaTooLarge("max_decode_memory", limits.max_decode_memory, None))
    except (EOFError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the service is told instead of a traceback
        send_failure(line, DecoderCrashed(f"the decoder failed with {type(error).__name__}: {error}"))


def _alone(connection: socket.socket) -> socket.socket:
    """The connection as the only descriptor but those of the standard streams, which lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.dup2(connection.detach(), 3)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return socket.socket(fileno=3)


def _limit_resources(limits: MediaLimits) -> None:
    """Memory is counted from what the warm libraries have already mapped."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - nothing else is loaded for it
        mapped = int(statm.read().split()[0]) * resource.getpagesize()
    for limit, most in (
        (resource.RLIMIT_AS, mapped + limits.max_decode_memory),
        (resource.RLIMIT_NOFILE, _MOST_DESCRIPTORS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (allowed, allowed))
