"""What an interface to an exchange is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from hashmatch.errors import InvalidField
from hashmatch.types import Page

URL = "another address of the service, for example that of its test environment; https, or on this machine"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Api(ABC):
    """One interface; what it fetches with is made anew for each fetch."""

    options: ClassVar[Mapping[str, str]]
    """The names of what it must or may be told, and what each means."""
    required: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[str] = ""
    """What its secret is made of, for example `user:password`; empty where it needs none."""

    def checked(self, options: Mapping[str, str]) -> Mapping[str, str]:
        """The options as they are kept; raises InvalidField for one that is unknown, missing or wrong."""
        for name in options:
            if name not in self.options:
                raise InvalidField(name, f"is not one of {', '.join(self.options) or 'none'}")
        for name in self.required - options.keys():
            raise InvalidField(name, f"must be said: {self.options[name]}")
        if "url" in options:
            check_url(options["url"])
        return options

    def secrets(self, text: str) -> tuple[str, ...]:
        """The parts of a secret that must not be told; raises ValueError where it is none."""
        return (text,)

    def is_stale(self, checkpoint: Mapping[str, Any]) -> bool:  # noqa: ARG002 - for those who forget
        """Whether everything must be fetched again, because the service has forgotten what was withdrawn since."""
        return False

    @abstractmethod
    def pages(self, options: Mapping[str, str], secret: str, checkpoint: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield what is new after a checkpoint, or all there is; it may raise anything."""


def check_url(url: str) -> None:
    """Raise InvalidField for a URL that secrets must not be sent to, or that holds one."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InvalidField("url", "must begin with https://, as secrets are sent there")
    if "@" in parts.netloc or parts.query:
        raise InvalidField("url", "must hold neither a user nor a query: secrets are not kept with the settings")


def user_and_password(text: str) -> tuple[str, str]:
    """Both halves of a secret of that form; raises ValueError."""
    user, _, password = text.partition(":")
    if not user or not password:
        raise ValueError("is not user:password")
    return user, password
