"""Building the files of the index: by command, and in the background of whichever server holds the machine's lock."""

import os
import subprocess
import sys
from collections.abc import Callable
from time import monotonic
from typing import Final

import structlog

from hashmatch.errors import ConfigurationError
from hashmatch.index import Directory, build
from hashmatch.server.background import Background
from hashmatch.settings import Settings
from hashmatch.store import Store
from hashmatch.types import Progress

_POLL_SECONDS: Final = 1.0
_LONGEST_BACKOFF: Final = 300.0
_STOP_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


def build_files(settings: Settings, report: Callable[[Progress], None]) -> int:
    """Bring the files up to the database; returns their revision.

    Raises ConfigurationError where another process of the machine does so, or they cannot be written.
    """
    directory = opened(settings)
    with directory.building() as lock:
        if lock is None:
            raise ConfigurationError(f"another process keeps the files in {settings.segments}: a server does by itself")
        return _build(settings, directory, report)


def build_in_background(settings: Settings) -> int:
    """The same for a server that holds the lock: out of the way of everything else, and told to all processes."""
    os.nice(10)
    directory = opened(settings)
    return _build(settings, directory, directory.report)


def opened(settings: Settings) -> Directory:
    """The directory that the settings name; raises ConfigurationError."""
    try:
        return Directory(settings.segments)
    except OSError as error:
        raise ConfigurationError(f"cannot use {settings.segments} for the index: {error.strerror}") from error


def _build(settings: Settings, directory: Directory, report: Callable[[Progress], None]) -> int:
    with Store.open(settings.database) as store:
        try:
            return build(store, directory, report)
        except OSError as error:
            raise ConfigurationError(f"cannot write to {settings.segments}: {error.strerror}") from error


class Builder(Background):
    """A thread that starts a process whenever a build is due, for as long as this process holds the lock on it.

    The process inherits the lock: where this one is killed, nobody else builds before that has ended. It can be
    killed at any time, and the next goes on from what it has finished; to stop ends it too.
    """

    def __init__(self, settings: Settings, due: Callable[[], bool]) -> None:
        """`due` tells whether a build is; it is asked every second."""
        super().__init__("builder")
        self._settings = settings
        self._due = due

    def start(self) -> None:
        """Begin to look whether a build is due; raises ConfigurationError where the directory cannot be used."""
        self._directory = opened(self._settings)
        super().start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._directory.building() as lock:
                if lock is not None:
                    self._directory.report(None)
                    self._keep(lock)
            self._stopping.wait(_POLL_SECONDS)

    def _keep(self, lock: int) -> None:
        pause = _POLL_SECONDS
        while not self._stopping.is_set():
            if self._due():
                pause = _POLL_SECONDS if self._build(lock) else min(2 * pause, _LONGEST_BACKOFF)
            self._stopping.wait(pause)

    def _build(self, lock: int) -> bool:
        """Run one build to its end, or to that of this process; whether it was one without an error."""
        places = {
            "HASHMATCH_DATA_DIR": str(self._settings.data_dir),
            "HASHMATCH_DATABASE_URL": self._settings.database_url,
        }
        began = monotonic()
        process = subprocess.Popen(  # vfork and exec at once, which gRPC does not mind
            [sys.executable, "-m", "hashmatch.cli", "index", "build", "--background"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **places},
            pass_fds=(lock,),
        )
        while process.poll() is None and not self._stopping.wait(0.1):
            pass
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        elif process.returncode:
            _log.error("index build failed", code=process.returncode)
        else:
            _log.info("index built", seconds=round(monotonic() - began, 3))
        self._directory.report(None)
        return not process.returncode
