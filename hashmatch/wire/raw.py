"""Messages of the contract as bytes: what comes, and what is sent without a copy of its media for each layer."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from hashmatch.errors import InvalidInput

_M = TypeVar("_M")

_LENGTH_DELIMITED: Final = 2


def parsed(read: Callable[[bytes], _M], message: bytes) -> _M:
    """What `read`, a message type's `FromString`, makes of the bytes; raises InvalidInput where they are none."""
    try:
        return read(message)
    except DecodeError:
        raise InvalidInput("the request is not a message of this method") from None


def with_bytes(message: Message, path: Sequence[int], data: bytes) -> bytes:
    """A message on the wire, with `data` in the field of bytes whose number ends `path`; others lead to it.

    A message that comes in parts is merged by whoever parses it, so that the part with the data can follow the rest;
    protobuf itself would copy the data into the message, and once more for each time its buffer grows.
    """
    parts, size = [data], len(data)
    for number in reversed(path):
        head = _varint(number << 3 | _LENGTH_DELIMITED) + _varint(size)
        parts.insert(0, head)
        size += len(head)
    return b"".join((message.SerializeToString(), *parts))


def _varint(value: int) -> bytes:
    """Protobuf's variable-length integer: seven bits a byte, the lowest first, the top bit where more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
