"""A large list into a bank through a running server, and again: on SQLite and on PostgreSQL.

    python -m benchmarks.imports --rows 1000000

The server is one of its own, and so is PostgreSQL, with every safety on, where Debian's package is installed.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.machine import described, processor_seconds
from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.types import Bank
from tests.postgresql import PostgreSQLServer, programs

COMMAND = (sys.executable, "-m", "hashmatch.cli")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--format", choices=["csv", "jsonl"], action="append")
    arguments = parser.parse_args()
    print(described())
    print(
        "| database | format | rows | import, s | core s: command, server, database | again, s | without its note, s |"
    )
    print("|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for form in arguments.format or ["csv", "jsonl"]:
            file = Path(folder) / f"list.{form}"
            write_list(file, form, arguments.rows)
            for name in arguments.database or ["sqlite", "postgresql"]:
                with database(name) as (url, process), TemporaryDirectory() as data:
                    measure(Path(data), url, process, file, arguments.rows)


def write_list(file: Path, form: str, rows: int) -> None:
    """Rows as an exchange hands them out: a quality, a name of its own, one of few sources and sets of labels."""
    source = Random(rows)
    with file.open("w") as out:
        if form == "csv":
            out.write("hash,quality,content_id,source,labels\n")
        line = "{},{},case-{},programme {},{};b\n"
        if form == "jsonl":
            line = '{{"hash": "{}", "quality": {}, "content_id": "case-{}", "source": "programme {}"'
            line += ', "labels": ["{}", "b"]}}\n'
        for number in range(rows):
            out.write(line.format(source.randbytes(32).hex(), number % 101, number, number % 7, f"label {number % 50}"))


@contextmanager
def database(name: str) -> Iterator[tuple[str, int]]:
    """The URL of an empty database and its process; empty and 0 for SQLite in the server's own directory."""
    if name == "sqlite":
        yield "", 0
        return
    where = programs()
    if where is None:
        raise SystemExit("PostgreSQL is not installed (Debian: apt-get install postgresql-15)")
    with PostgreSQLServer(where) as server:
        yield server.new_url(), server.pid


def measure(data: Path, url: str, process: int, file: Path, rows: int) -> None:
    """Import, then import again with and without the note of how far it came, and say how long each took."""
    server = ServerProcess(data, {"HASHMATCH_DATABASE_URL": url} if url else {})
    with server, Client(server.address, timeout=60) as client:
        client.create_bank(Bank("known"))
        load = ("--server", server.address, "--timeout", "60", "bank", "import", "known", str(file))
        before = spent(server.pid, process)
        first = timed(data, *load)
        used = [after - earlier for earlier, after in zip(before, spent(server.pid, process), strict=True)]
        again, anew = timed(data, *load), timed(data, *load, "--anew")
        assert client.get_bank("known")[1] == rows, "a row is missing, or was written twice"
    cells = (f"{rows:,}", f"{first:.1f}", ", ".join(f"{each:.1f}" for each in used), f"{again:.1f}", f"{anew:.1f}")
    print("|", "PostgreSQL" if url else "SQLite", "|", file.suffix[1:], "|", " | ".join(cells), "|", flush=True)


def spent(server: int, process: int) -> list[float]:
    """Seconds of a core that the commands so far, a server and a database used."""
    command = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [
        command.ru_utime + command.ru_stime,
        processor_seconds(server),
        processor_seconds(process) if process else 0.0,
    ]


def timed(data: Path, *arguments: str) -> float:
    """How many seconds a command took."""
    began = time.perf_counter()
    environment = {**os.environ, "XDG_CACHE_HOME": str(data / "cache")}
    subprocess.run([*COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
