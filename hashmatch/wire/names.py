"""Resource names."""

import re

from hashmatch import errors

_BANK_NAME = re.compile(r"banks/([^/]+)")
_ENTRY_NAME = re.compile(r"banks/([^/]+)/entries/([1-9][0-9]{0,17})")


def bank_name(bank: str) -> str:
    """The resource name of a bank."""
    return f"banks/{bank}"


def entry_name(bank: str, entry: int) -> str:
    """The resource name of an entry."""
    return f"banks/{bank}/entries/{entry}"


def parse_bank_name(name: str, field: str) -> str:
    """The bank in `banks/{bank}`; raises InvalidField naming `field`."""
    found = _BANK_NAME.fullmatch(name)
    if found is None:
        raise errors.InvalidField(field, f"expected banks/{{bank}}, got {name[:80]!r}")
    return found[1]


def parse_entry_name(name: str, field: str) -> tuple[str, int]:
    """Bank and id in `banks/{bank}/entries/{entry}`; raises InvalidField naming `field`."""
    found = _ENTRY_NAME.fullmatch(name)
    if found is None:
        raise errors.InvalidField(field, f"expected banks/{{bank}}/entries/{{entry}}, got {name[:120]!r}")
    return found[1], int(found[2])
