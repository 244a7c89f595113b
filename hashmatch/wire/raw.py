"""Messages of the contract as they come."""

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import DecodeError

from hashmatch.errors import InvalidInput

_M = TypeVar("_M")


def parsed(read: Callable[[bytes], _M], message: bytes) -> _M:
    """What `read`, a message type's `FromString`, makes of the bytes; raises InvalidInput where they are none."""
    try:
        return read(message)
    except DecodeError:
        raise InvalidInput("the request is not a message of this method") from None
