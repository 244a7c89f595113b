"""Moments on the command line: times, and spans from now, ahead or ago."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from hashmatch.cli.moments import optional_moment, parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2024-02-29T12:30:00", datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
        ("2024-02-29T12:30:00+02:00", datetime(2024, 2, 29, 10, 30, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_say(text: str, moment: datetime) -> None:
    assert parse_moment(text, "--expires") == moment
    assert optional_moment(text, "--reported", ago=True) == moment


@pytest.mark.parametrize(
    ("text", "length"), [("30d", timedelta(days=30)), ("12h", timedelta(hours=12)), ("15m", timedelta(minutes=15))]
)
def test_spans_are_ahead_or_ago(text: str, length: timedelta) -> None:
    for ago, sign in ((False, 1), (True, -1)):
        before = datetime.now(UTC)
        moment = parse_moment(text, "--any", ago=ago)
        assert before <= moment - sign * length <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["soon", "30", "30s", "-1d", "2024-02-30", "999999d"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="ago") as caught:
        parse_moment(text, "--reported", ago=True)
    assert caught.value.param_hint == "--reported"


def test_nothing_said() -> None:
    assert optional_moment("", "--expires") is None
