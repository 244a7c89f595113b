"""The interfaces, each a module of its own that imports the threatexchange library only when it is used."""

from importlib import import_module
from typing import Final

from hashmatch.errors import ConfigurationError, InvalidField
from hashmatch.exchange.api import Api

API_NAMES: Final = ("local_file", "ncmec", "stopncii", "fb_threatexchange", "tech_against_terrorism")


def api_named(name: str) -> Api:
    """An interface; raises InvalidField for an unknown name, and ConfigurationError where the extra is missing."""
    if name not in API_NAMES:
        raise InvalidField("api", f"{name[:80]!r} is not one of {', '.join(API_NAMES)}")
    try:
        api: Api = import_module(f"{__name__}.{name}").API
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"threatexchange", "dacite"}:
            raise
        raise ConfigurationError(
            "exchanges need the threatexchange library: pip install 'hashmatch[exchanges]'"
        ) from error
    return api


__all__ = ["API_NAMES", "Api", "api_named"]
