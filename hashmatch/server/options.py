"""How a caller may look things up."""

from dataclasses import replace
from typing import Any, Final

import grpc

from hashmatch import errors, types, wire
from hashmatch.engine import Engine
from hashmatch.server.access import seen, seen_of
from hashmatch.server.work import reach

_LONGEST_KEY: Final = 256


def content_id(text: str) -> str:
    """A caller's name for what it sends; raises InvalidField."""
    if len(text) > _LONGEST_KEY:
        raise errors.InvalidField("content_id", f"expected at most {_LONGEST_KEY} characters")
    return text


async def permitted(message: Any, engine: Engine, context: grpc.aio.ServicerContext[Any, Any]) -> types.MatchOptions:
    """The options of a request, within the banks that its caller sees, once their revision is reached.

    Raises InvalidField, RevisionNotReached, and NotFound for a bank that the caller does not see.
    """
    options = wire.options_from_wire(message)
    await reach(lambda: engine.revision, options.min_revision, context)
    banks = tuple(map(seen, options.banks)) or seen_of(engine.bank_names)
    return replace(options, banks=banks) if banks else options
