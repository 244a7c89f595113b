"""Moments on the command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer

_SPAN: Final = re.compile(r"([0-9]{1,6})([dhm])")
_UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
METAVAR: Final = "TIME"
_ISO: Final = "an ISO 8601 time (UTC unless it says), or 30d, 12h, 15m"
AHEAD: Final = f"{_ISO} from now."
AGO: Final = f"{_ISO} ago."


def parse_moment(text: str, option: str, *, ago: bool = False) -> datetime:
    """The moment that a text names, spans from now or `ago`; raises BadParameter, which names the option."""
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            length = int(span[1]) * _UNITS[span[2]]
            return datetime.now(UTC) + (-length if ago else length)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is not {AGO if ago else AHEAD}", param_hint=option) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def optional_moment(text: str, option: str, *, ago: bool = False) -> datetime | None:
    """The same, None where the text is empty."""
    return parse_moment(text, option, ago=ago) if text else None
