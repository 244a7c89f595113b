"""`hashmatch serve`: settings from flags and environment, logging, and the line that says it is ready."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from hashmatch.cli.common import configured
from hashmatch.cli.logs import LogLevel, configure_logging
from hashmatch.settings import MediaLimits, Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from hashmatch.engine import Engine


def _options() -> Iterator[inspect.Parameter]:
    """A flag and a variable for every setting, with its default."""
    fields = {**Settings.model_fields, **MediaLimits.model_fields}
    del fields["limits"]
    for name, field in fields.items():
        option = typer.Option(
            f"--{name.replace('_', '-')}",
            envvar=f"HASHMATCH_{name.upper()}",
            help=escape(field.description or ""),
        )
        annotation = Annotated[field.annotation | None, option]  # type: ignore[name-defined]  # a class
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_default(field), annotation=annotation)


def _default(field: "FieldInfo") -> object:
    """None where the settings find it out by themselves, or there is nothing to show."""
    return field.default if field.default_factory is None and field.default != "" else None


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command that takes `**flags` have an option for every setting."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
    parameters = [*_options(), *(parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in own)]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # as typer reads it
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


@_with_settings
def serve(
    log_level: Annotated[
        LogLevel, typer.Option(help="Logs go to stderr: JSON lines, or for people on a terminal.")
    ] = LogLevel.INFO,
    board: Annotated[int | None, typer.Option(hidden=True, help="Descriptor of a supervisor's board.")] = None,
    slot: Annotated[int, typer.Option(hidden=True, help="This process's place on the board.")] = 0,
    **flags: Any,
) -> None:
    """Run the service until SIGTERM or Ctrl-C.

    Prints one line to standard output once it answers. Until there is a
    token (hashmatch token create) it listens on loopback alone, where
    everyone may do everything; from then on every call needs one.

    SIGTERM and Ctrl-C let calls in flight end first. With --processes, SIGHUP
    replaces the processes one by one, each once its successor answers, so
    that an upgrade costs no call, under the settings that there were; alone,
    it is as SIGTERM.

    Example: hashmatch serve --address 127.0.0.1:50051 --data-dir ./hashmatch-data
    """
    for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(pool, "1")
    configure_logging(log_level)
    from hashmatch.server.ports import check_address

    settings = _settings({name: value for name, value in flags.items() if value is not None})
    check_address(settings.address)
    if board is not None:
        _run(settings, board, slot)
        return
    if settings.processes == 1:
        _run(settings)
    else:
        _supervise(settings)


def _run(settings: Settings, board: int | None = None, slot: int = 0) -> None:
    from hashmatch.server.app import serve as run
    from hashmatch.server.board import Board

    run(settings, _announce, None if board is None else Board(board, slot))


def _supervise(settings: Settings) -> None:
    from hashmatch.server.supervisor import Supervisor

    command = [sys.executable, "-m", "hashmatch.cli", *sys.argv[1:]]
    raise typer.Exit(Supervisor(command, settings, _print_ready).run())


def _settings(flags: dict[str, Any]) -> Settings:
    limits = {name: flags.pop(name) for name in MediaLimits.model_fields if name in flags}
    return configured(lambda: Settings(limits=MediaLimits(**limits), **flags))


def _announce(address: str, engine: "Engine") -> None:
    status = engine.status()
    entries = sum(status.entries.values())
    _print_ready(
        f"hashmatch {status.versions['hashmatch']} listening on {address} "
        f"(revision {status.revision}, {entries} entries, {status.variant})"
    )


def _print_ready(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the line that other programs wait for
