"""Moments as whole numbers: microseconds since 1970-01-01 UTC, as they are stored, sent and compared."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

EVER: Final = 2**63 - 1
"""After every moment."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def now() -> int:
    """This moment."""
    return time.time_ns() // 1_000


def microseconds(moment: datetime) -> int:
    """A time zone aware moment as a number."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(number: int) -> datetime:
    """The moment of a number, in UTC; raises OverflowError past the year 9999."""
    return _EPOCH + number * _MICROSECOND
