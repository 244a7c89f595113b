"""Long lists, page by page."""

import base64
import binascii
from typing import Final

from hashmatch import errors

_DEFAULT: Final = 100
_LARGEST: Final = 1000
_DIGITS: Final = 19
"""Of a number that a database does not keep."""


def page_size(asked: int) -> int:
    """How many items a page has at most; raises InvalidField."""
    if asked > _LARGEST:
        raise errors.InvalidField("page_size", f"expected 1 to {_LARGEST}, got {asked}")
    return asked or _DEFAULT


def write_token(place: str) -> str:
    """A token that says where the next page begins."""
    return base64.urlsafe_b64encode(place.encode()).decode()


def read_token(token: str, *, number: bool = False) -> str:
    """Where a page begins, "" for the first; raises InvalidField, also where that is to be a number and is none."""
    try:
        place = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise errors.InvalidField("page_token", "not a token that this service gave") from None
    if "\0" in place:
        raise errors.InvalidField("page_token", "not a token that this service gave")
    if number and place and not (place.isdecimal() and len(place) < _DIGITS):
        raise errors.InvalidField("page_token", "not a token of this method")
    return place
