"""Answers, and the errors that come in their place, as bounded bytes."""

import struct
from typing import Final

from hashmatch.errors import CorruptMedia, DecoderCrashed, EmptyMedia, MediaError, MediaTooLarge, UnsupportedMedia
from hashmatch.sandbox.line import Line, Malformed
from hashmatch.settings import MediaLimits

_ANSWER: Final = b"\0"
_FAILURE: Final = b"\1"
_CLASSES: Final = (EmptyMedia, UnsupportedMedia, CorruptMedia, DecoderCrashed)
_TOO_LARGE: Final = 255
_UNKNOWN: Final = -1
_LIMITS: Final = tuple(name for name in MediaLimits.model_fields if name.startswith("max_"))
_OVER: Final = struct.Struct("<BBq")
"""`_TOO_LARGE`, the limit's place in `_LIMITS`, and the input's value."""
_LONGEST_TEXT: Final = 400
_LONGEST_FAILURE: Final = 2 + 4 * _LONGEST_TEXT


def send_answer(line: Line, answer: bytes) -> None:
    """In the worker: send an answer, or one of several."""
    line.send(_ANSWER + answer)


def send_failure(line: Line, error: MediaError) -> None:
    """In the worker: send why there is no answer."""
    if isinstance(error, MediaTooLarge):
        actual = int(error.details.get("actual", _UNKNOWN))
        line.send(_FAILURE + _OVER.pack(_TOO_LARGE, _LIMITS.index(error.details["limit"]), actual))
    else:
        line.send(_FAILURE + bytes((_CLASSES.index(type(error)),)) + error.message[:_LONGEST_TEXT].encode())


def answer(line: Line, longest: int, limits: MediaLimits) -> bytes:
    """In the service: the next answer, at most `longest` bytes; raises the MediaError sent in its place, Malformed."""
    message = line.receive(max(1 + longest, _LONGEST_FAILURE))
    if message[:1] == _ANSWER and len(message) <= 1 + longest:
        return message[1:]
    if message[:1] == _FAILURE and len(message) > 1:
        raise _error(message[1:], limits)
    raise Malformed("neither an answer nor a failure")


def _error(message: bytes, limits: MediaLimits) -> MediaError:
    if message[0] < len(_CLASSES):
        text = message[1:].decode(errors="replace")
        return _CLASSES[message[0]]("".join(letter if letter.isprintable() else "?" for letter in text))
    if message[0] != _TOO_LARGE or len(message) != _OVER.size:
        return _malformed("a failure of no known class")
    _, place, actual = _OVER.unpack(message)
    if place >= len(_LIMITS):
        return _malformed("a limit that does not exist")
    maximum = getattr(limits, _LIMITS[place])
    return MediaTooLarge(_LIMITS[place], maximum, actual if actual > maximum else None)


def _malformed(what: str) -> MediaError:
    raise Malformed(what)
