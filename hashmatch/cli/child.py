"""A server as a child process, for the demo and the tests."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from hashmatch.errors import ConfigurationError

_READY = re.compile(r"hashmatch \S+ listening on (\S+) \(")
_STOP_SECONDS = 30.0


class ServerProcess:
    """`hashmatch serve` on one data directory, started and stopped as often as the caller likes.

    In a `with` statement it runs from the beginning to the end, unless it is stopped before. Settings of
    this process's environment are not passed on: they name somebody's database.
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.log = data_dir / "server.log"
        self.address = ""
        inherited = {name: value for name, value in os.environ.items() if not _is_setting(name)}
        self._environment = {**inherited, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self.stop()

    @property
    def running(self) -> bool:
        """Whether it was started and has not been stopped here."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Of the running process."""
        return self._running().pid

    def start(self, address: str = "127.0.0.1:0") -> None:
        """Return once the server answers, at `self.address`; raises ConfigurationError where it does not start."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "hashmatch.cli", "serve", "--address", address]
        command += ["--data-dir", str(self.data_dir)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=self._environment, text=True
            )
        ready = _READY.match(self._first_line())
        if ready is None:
            self.kill()
            raise ConfigurationError(f"the server did not start: {self.log.read_text().strip()[-2000:]}")
        self.address = ready[1]

    def stop(self) -> int:
        """Ask the server to drain and stop; returns its exit code, negative where a signal ended it."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End the server as a crash would; returns its exit code."""
        return self._end(signal.SIGKILL)

    def _first_line(self) -> str:
        output = self._running().stdout
        try:
            return output.readline() if output is not None else ""
        except BaseException:
            self.kill()
            raise

    def _end(self, number: signal.Signals) -> int:
        process = self._running()
        process.send_signal(number)
        try:
            code = process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._process = None
        return code

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise ConfigurationError("the server is not running")
        return self._process


def _is_setting(name: str) -> bool:
    return name.startswith("HASHMATCH_") and name != "HASHMATCH_VARIANT"
