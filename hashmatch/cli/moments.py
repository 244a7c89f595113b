"""Moments on the command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer

_AFTER: Final = re.compile(r"([0-9]{1,6})([dhm])")
_UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
METAVAR: Final = "TIME"
HELP: Final = "an ISO 8601 time (UTC unless it says), or 30d, 12h, 15m from now."


def parse_moment(text: str, option: str) -> datetime:
    """The moment that a text names; raises BadParameter, which names the option."""
    after = _AFTER.fullmatch(text)
    if after is not None:
        return datetime.now(UTC) + int(after[1]) * _UNITS[after[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not {HELP}", param_hint=option) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def optional_moment(text: str, option: str) -> datetime | None:
    """The same, None where the text is empty."""
    return parse_moment(text, option) if text else None
