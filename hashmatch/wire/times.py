"""Moments."""

from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from hashmatch import errors


def time_to_wire(moment: datetime | None) -> Timestamp | None:
    """The message for a moment, to the microsecond; None, for a field that is left out, where there is none."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def time_from_wire(message: Message, name: str, path: str) -> datetime | None:
    """The moment in the field `name`, None where it is absent; raises InvalidField, naming `path`, for no moment."""
    if not message.HasField(name):
        return None
    value: Timestamp = getattr(message, name)
    try:
        return value.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise errors.InvalidField(path, "expected a time between the years 1 and 9999") from None
