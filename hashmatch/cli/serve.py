"""`hashmatch serve`: settings from flags and environment, logging, and the line that says it is ready."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import enum
import ipaddress
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hashmatch.cli.common import configured

if TYPE_CHECKING:
    from hashmatch.engine import Engine
    from hashmatch.settings import Settings

_PLAIN = ("address", "data_dir", "database_url", "workers", "drain_seconds")
_LIMITS = ("max_media_bytes", "max_side", "max_pixels")


class LogLevel(enum.StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _option(name: str, text: str, default: str) -> Any:
    """An option that overrides one setting; its default is shown here and applied by the settings."""
    variable = f"HASHMATCH_{name.upper()}"
    return typer.Option(f"--{name.replace('_', '-')}", envvar=variable, help=text, show_default=default)


def serve(  # noqa: PLR0913, PLR0917 - one parameter for each setting
    address: Annotated[str | None, _option("address", "host:port; port 0 takes a free one.", "127.0.0.1:50051")] = None,
    data_dir: Annotated[Path | None, _option("data_dir", "Holds the embedded database.", "hashmatch-data")] = None,
    database_url: Annotated[
        str | None, _option("database_url", "SQLAlchemy URL of the banks.", "SQLite in the data directory")
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            envvar="HASHMATCH_PROCESSES",
            min=1,
            max=1024,
            help="Processes that share the port, each with the whole index.",
        ),
    ] = 1,
    workers: Annotated[
        int | None, _option("workers", "Images each process hashes at once.", "the cores, shared by the processes")
    ] = None,
    drain_seconds: Annotated[
        float | None, _option("drain_seconds", "How long calls in flight may finish after SIGTERM.", "20")
    ] = None,
    max_media_bytes: Annotated[
        int | None, _option("max_media_bytes", "Largest media item in bytes.", "33554432")
    ] = None,
    max_side: Annotated[int | None, _option("max_side", "Longest side in pixels.", "16384")] = None,
    max_pixels: Annotated[int | None, _option("max_pixels", "Most pixels.", "100000000")] = None,
    log_level: Annotated[
        LogLevel, typer.Option(help="Logs go to stderr: JSON lines, or for people on a terminal.")
    ] = LogLevel.INFO,
    board: Annotated[int | None, typer.Option(hidden=True, help="Descriptor of a supervisor's board.")] = None,
    slot: Annotated[int, typer.Option(hidden=True, help="This process's place on the board.")] = 0,
) -> None:
    """Run the service until SIGTERM or Ctrl-C.

    Prints one line to standard output once it answers. There is no access
    control yet: keep it on loopback or a private network.

    Example: hashmatch serve --address 127.0.0.1:50051 --data-dir ./hashmatch-data
    """
    given = locals()
    flags = {name: given[name] for name in (*_PLAIN, *_LIMITS) if given[name] is not None}
    for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(pool, "1")
    _configure_logging(log_level)
    if workers is None:
        flags["workers"] = max(1, len(os.sched_getaffinity(0)) // processes)
    settings = _settings(flags)
    if board is not None:
        _run(settings, board, slot)
        return
    _warn_if_exposed(settings.address)
    if processes == 1:
        _run(settings)
    else:
        _supervise(settings, processes)


def _run(settings: "Settings", board: int | None = None, slot: int = 0) -> None:
    from hashmatch.server.app import serve as run
    from hashmatch.server.board import Board

    run(settings, _announce, None if board is None else Board(board, slot))


def _supervise(settings: "Settings", processes: int) -> None:
    from hashmatch.server.supervisor import Supervisor

    command = [sys.executable, "-m", "hashmatch.cli", *sys.argv[1:], "--workers", str(settings.workers)]
    code = Supervisor(command, settings.address, processes, settings.drain_seconds, _print_ready).run()
    raise typer.Exit(code)


def _settings(flags: dict[str, Any]) -> "Settings":
    from hashmatch.settings import MediaLimits, Settings

    limits = {name: flags.pop(name) for name in _LIMITS if name in flags}
    return configured(lambda: Settings(limits=MediaLimits(**limits), **flags))


def _configure_logging(level: LogLevel) -> None:
    import structlog

    terminal = sys.stderr.isatty()
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer()]
        if terminal
        else [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _warn_if_exposed(address: str) -> None:
    import structlog

    host = address.rpartition(":")[0].strip("[]")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or address.startswith("unix:")
    if not loopback:
        structlog.get_logger().warning("reachable from other machines, and there is no access control", address=address)


def _announce(address: str, engine: "Engine") -> None:
    status = engine.status()
    entries = sum(status.entries.values())
    _print_ready(
        f"hashmatch {status.versions['hashmatch']} listening on {address} "
        f"(revision {status.revision}, {entries} entries, {status.variant})"
    )


def _print_ready(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the line that other programs wait for
