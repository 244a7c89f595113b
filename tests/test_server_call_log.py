"""Lines about calls: each refused one, and floods by their number."""

import pytest
from structlog.testing import capture_logs

from hashmatch import errors
from hashmatch.server.call_log import CallLog

METHOD = "/hashmatch.v1.MatchService/MatchImage"


def test_each_refused_call_has_a_line_without_the_message() -> None:
    log = CallLog()
    with capture_logs() as lines:
        for _ in range(2):
            log.refused(METHOD, errors.CorruptMedia("what was sent"), 0.25)
    line = {"event": "call refused", "log_level": "info", "method": METHOD, "reason": "CORRUPT_MEDIA", "ms": 250.0}
    assert lines == [line, line]


def test_a_flood_has_a_line_in_a_while_for_all_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("hashmatch.server.call_log.time.monotonic", lambda: clock[-1])
    log = CallLog()
    with capture_logs() as lines:
        for now in (100.0, 100.1, 109.9, 110.1, 110.2):
            clock.append(now)
            log.refused(METHOD, errors.Overloaded("no room", "bytes", 1.0), 0.0)
            log.refused(METHOD, errors.Unauthenticated("a token is needed"), 0.0)
        for now in (200.0, 500.0):
            clock.append(now)
            log.refused(METHOD, errors.Unauthenticated("a token is needed"), 0.0)
    assert [(line["event"], line["refused"]) for line in lines] == [
        ("overloaded", 1),
        ("unauthenticated", 1),
        ("overloaded", 3),
        ("unauthenticated", 3),
        ("unauthenticated", 2),
        ("unauthenticated", 1),
    ]
    assert {line["limit"] for line in lines if line["event"] == "overloaded"} == {"bytes"}
