"""What `hashmatch serve` logs, and how: one JSON line an event, libraries' included, or lines for people."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import enum
import logging
import sys
from typing import Any


class LogLevel(enum.StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def configure_logging(level: LogLevel) -> None:
    """Log to standard error. Traces name places and errors, never the values there: those may be a stranger's media."""
    import structlog

    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if sys.stderr.isatty()
        else [
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
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
    logging.getLogger().addHandler(_Libraries())


class _Libraries(logging.Handler):
    """Logs what libraries do in the same way, from warnings on: that is the root logger's level."""

    def emit(self, record: logging.LogRecord) -> None:
        import structlog

        structlog.get_logger().log(
            min(record.levelno // 10 * 10, logging.CRITICAL),
            record.getMessage(),
            library=record.name.partition(".")[0],
            exc_info=record.exc_info,
        )
