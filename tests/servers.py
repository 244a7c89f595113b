"""Real servers for tests, each a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hashmatch.cli.child import ServerProcess


@contextmanager
def running_server(data_dir: Path, **environment: str) -> Iterator[ServerProcess]:
    """A server on a free port; where it still runs at the end, it must stop cleanly.

    `data_dir` is made where it is missing; `environment` adds variables, such as HASHMATCH_WORKERS="1".
    """
    server = ServerProcess(data_dir, environment)
    server.start()
    try:
        yield server
    finally:
        code = server.stop() if server.running else 0
    assert code == 0, server.log.read_text()
