"""What the commands share: exit codes, the connection that the global options name, and common options."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hashmatch.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from hashmatch.client import Client

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines: one object a line, with stable keys.")]


class Code(enum.IntEnum):
    """The exit codes of `hashmatch`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_SCANNED = 3
    UNREACHABLE = 4
    REFUSED = 5
    REVIEW = 10
    BLOCK = 20
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the server is, and how many seconds each call may take."""

    server: str
    timeout: float


def configured(build: Callable[[], T]) -> T:
    """What `build` makes of settings; raises ConfigurationError that names those that are not valid."""
    from pydantic import ValidationError

    try:
        return build()
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise ConfigurationError("; ".join(problems)) from error


@contextmanager
def connect(context: typer.Context) -> Iterator["Client"]:
    """A client of the server that the global options name; where none answers there, says so."""
    from hashmatch.client import Client

    connection: Connection = context.obj
    with Client(connection.server, timeout=connection.timeout) as client:
        try:
            yield client
        except Unavailable as error:
            if not error.message.startswith("UNAVAILABLE: "):
                raise
            raise Unavailable(f"no server answers at {connection.server}: start one with 'hashmatch serve'") from error
