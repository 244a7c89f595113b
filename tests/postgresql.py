"""A real PostgreSQL for tests: made, started and stopped by them, with every safety on."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

import psycopg

_START_SECONDS: Final = 60.0


def programs() -> Path | None:
    """The newest directory with PostgreSQL's server, None where there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = [*map(str, debian[-1:]), shutil.which("initdb")]
    return next((Path(path).parent for path in found if path), None)


class PostgreSQLServer:
    """One server in a directory of its own, on a free port of the loopback."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._folder = Path(tempfile.mkdtemp(prefix="hashmatch-postgresql-"))
        self._numbers = count()
        self._process: subprocess.Popen[bytes] | None = None
        self._as = ["setpriv", "--pdeathsig=INT"]  # so that it ends with the tests, however they end
        if os.geteuid() == 0:  # as which it refuses to run
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._as += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def __enter__(self) -> Self:
        options = ("--username=hashmatch", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        command = [*self._as, str(self._where / "initdb"), "-D", str(self._folder / "data"), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Return once it answers."""
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "on"}
        command = [*self._as, str(self._where / "postgres"), "-D", str(self._folder / "data")]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self._conninfo).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self._folder / "log").read_text()[-2000:]) from None
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals) -> None:
        """Stop it: SIGINT ends connections in order, SIGQUIT is the `immediate` mode, as a crash would."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(60)
        self._process = None

    @property
    def pid(self) -> int:
        """Of the running server's first process."""
        assert self._process is not None
        return self._process.pid

    def new_url(self) -> str:
        """The URL of a schema of its own, which stands for a database and is made faster."""
        name = f"schema_{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"postgresql+psycopg://hashmatch@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{name}"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement as its superuser."""
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def _conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=hashmatch dbname=postgres"
