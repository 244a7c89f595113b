"""What the commands share: exit codes, the connection that the global options name, and common options."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import enum
import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hashmatch.errors import ConfigurationError, Unavailable
from hashmatch.types import Author

if TYPE_CHECKING:
    from hashmatch.client import Client, Security
    from hashmatch.store import Store

T = TypeVar("T")
Reason = Annotated[str, typer.Option(help="Why, for the audit log.")]
DataDir = Annotated[Path | None, typer.Option(help="As for serve.")]
DatabaseUrl = Annotated[str | None, typer.Option(envvar="HASHMATCH_DATABASE_URL", help="As for serve.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines: one object a line, with stable keys.")]


class Code(enum.IntEnum):
    """The exit codes of `hashmatch`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_SCANNED = 3
    UNREACHABLE = 4
    REFUSED = 5
    TAMPERED = 6
    REVIEW = 10
    BLOCK = 20
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the server is, how many seconds each call may take, and what it takes to be let in."""

    server: str
    timeout: float
    token_file: Path | None = None
    tls: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @property
    def security(self) -> "Security":
        """Raises ConfigurationError where the token's file cannot be read."""
        from hashmatch.client import Security

        token = os.environ.get("HASHMATCH_TOKEN", "")
        if self.token_file is not None:
            try:
                token = self.token_file.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"cannot read the token in {self.token_file}") from error
        return Security(token.strip(), self.tls, self.ca, self.cert, self.key)


def configured(build: Callable[[], T]) -> T:
    """What `build` makes of settings; raises ConfigurationError that names those that are not valid."""
    from pydantic import ValidationError

    try:
        return build()
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
            if problem["type"] != "default_factory_not_called"  # a default that follows from what is not valid
        )
        raise ConfigurationError("; ".join(problems)) from error


@contextmanager
def opened_store(data_dir: Path | None, database_url: str | None) -> Iterator["Store"]:
    """The store of the database that a command works on itself; raises ConfigurationError."""
    from hashmatch.settings import Settings
    from hashmatch.store import Store

    said: dict[str, Any] = {"data_dir": data_dir, "database_url": database_url}
    settings = configured(lambda: Settings(**{name: value for name, value in said.items() if value is not None}))
    with Store.open(settings.database) as store:
        yield store


def operator(reason: str) -> Author:
    """Who runs a command that works on the database itself, by the name that the operating system knows, and why."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return Author(f"cli:{user}", reason)


@contextmanager
def connect(context: typer.Context) -> Iterator["Client"]:
    """A client of the server that the global options name; where none answers there, says so."""
    from hashmatch.client import Client

    connection: Connection = context.obj
    with Client(connection.server, timeout=connection.timeout, security=connection.security) as client:
        try:
            yield client
        except Unavailable as error:
            if not error.message.startswith("UNAVAILABLE: "):
                raise
            raise Unavailable(f"no server answers at {connection.server}: start one with 'hashmatch serve'") from error
