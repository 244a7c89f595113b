"""A large list into a bank through a running server, twice, and out again: on SQLite and on PostgreSQL.

    python -m benchmarks.imports --rows 1000000

The server is one of its own, and so is PostgreSQL, with every safety on, where Debian's package is installed.
"""

import argparse
import os
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
        "| database | format | rows | import, s | rows/s | again, s | without its note, s | export, s | server, CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for form in arguments.format or ["csv", "jsonl"]:
            file = Path(folder) / f"list.{form}"
            write_list(file, form, arguments.rows)
            for name in arguments.database or ["sqlite", "postgresql"]:
                with database(name) as url, TemporaryDirectory() as data:
                    measure(Path(data), url, file, arguments.rows, f"{name} | {form}")


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
def database(name: str) -> Iterator[str]:
    """The URL of an empty database; empty for SQLite in the server's own directory."""
    if name == "sqlite":
        yield ""
        return
    where = programs()
    if where is None:
        raise SystemExit("PostgreSQL is not installed (Debian: apt-get install postgresql-15)")
    with PostgreSQLServer(where) as server:
        yield server.new_url()


def measure(data: Path, url: str, file: Path, rows: int, title: str) -> None:
    """Import, import again with and without the note of how far it came, export, and say how long each took."""
    server = ServerProcess(data, {"HASHMATCH_DATABASE_URL": url} if url else {})
    with server, Client(server.address, timeout=60) as client:
        client.create_bank(Bank("known"))
        base = ("--server", server.address, "--timeout", "60", "bank")
        load = (*base, "import", "known", str(file))
        seconds = [timed(data, *load)]
        used = processor_seconds(server.pid)
        seconds += [timed(data, *load), timed(data, *load, "--anew")]
        assert client.get_bank("known")[1] == rows, "a row is missing, or was written twice"
        seconds.append(timed(data, *base, "export", "known", str(data / "out")))
    first, again, anew, out = seconds
    cells = (
        f"{rows:,}",
        f"{first:.1f}",
        f"{rows / first:,.0f}",
        f"{again:.1f}",
        f"{anew:.1f}",
        f"{out:.1f}",
        f"{used:.1f}",
    )
    print("|", title, "|", " | ".join(cells), "|", flush=True)


def timed(data: Path, *arguments: str) -> float:
    """How many seconds a command took."""
    began = time.perf_counter()
    environment = {**os.environ, "XDG_CACHE_HOME": str(data / "cache")}
    subprocess.run([*COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
