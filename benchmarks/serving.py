"""The processes of a server that runs as a child: which they are, what memory they hold, and how they are killed."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hashmatch.cli.child import ServerProcess


def processes(server: ServerProcess) -> list[int]:
    """Those that serve: the one that was started, or those that it supervises."""
    below = [
        int(child) for file in Path(f"/proc/{server.pid}/task").glob("*/children") for child in file.read_text().split()
    ]
    serving = [each for each in below if b"--slot" in Path(f"/proc/{each}/cmdline").read_bytes()]
    return serving or [server.pid]


def kill(server: ServerProcess) -> None:
    """End all its processes at once, as a loss of power would."""
    serving = processes(server)
    server.kill()
    for process in serving:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def memory(process: int) -> Mapping[str, float]:
    """MB that a process holds: of its own, mapped from files, and its share of all."""
    said = dict(line.split(":", 1) for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:])
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return {
        "own": int(status["RssAnon"].split()[0]) / 1024,
        "mapped": int(status["RssFile"].split()[0]) / 1024,
        "share": int(said["Pss"].split()[0]) / 1024,
    }


@contextmanager
def peak(server: ServerProcess) -> Iterator[dict[str, float]]:
    """The most MB that all serving processes hold together meanwhile: of their own, and of their shares."""
    most = {"own": 0.0, "share": 0.0}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.25):
            seen = [memory(process) for process in processes(server)]
            for name, so_far in most.items():
                most[name] = max(so_far, sum(each[name] for each in seen))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        done.set()
        watching.join()
