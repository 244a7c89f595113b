"""Resource names."""

import re

from hashmatch import errors

_BANK = r"(?:tenants/([^/]+)/)?banks/([^/]+)"
_BANK_NAME = re.compile(_BANK)
_ENTRY_NAME = re.compile(rf"{_BANK}/entries/([1-9][0-9]{{0,17}})")


def bank_name(bank: str) -> str:
    """The resource name of a bank, whose own name begins with that of its tenant and a slash where it has one."""
    tenant, _, name = bank.rpartition("/")
    return f"tenants/{tenant}/banks/{name}" if tenant else f"banks/{name}"


def entry_name(bank: str, entry: int) -> str:
    """The resource name of an entry."""
    return f"{bank_name(bank)}/entries/{entry}"


def parse_bank_name(name: str, field: str) -> str:
    """The bank in `banks/{bank}` or `tenants/{tenant}/banks/{bank}`; raises InvalidField naming `field`."""
    found = _BANK_NAME.fullmatch(name)
    if found is None:
        raise errors.InvalidField(field, f"expected banks/{{bank}}, got {name[:80]!r}")
    return _bank(found)


def parse_entry_name(name: str, field: str) -> tuple[str, int]:
    """Bank and id in the bank's resource name and `/entries/{entry}`; raises InvalidField naming `field`."""
    found = _ENTRY_NAME.fullmatch(name)
    if found is None:
        raise errors.InvalidField(field, f"expected banks/{{bank}}/entries/{{entry}}, got {name[:120]!r}")
    return _bank(found), int(found[3])


def _bank(found: re.Match[str]) -> str:
    tenant, name = found[1], found[2]
    return f"{tenant}/{name}" if tenant else name
