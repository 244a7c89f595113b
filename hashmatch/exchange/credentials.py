"""Secrets for exchanges: out of the environment or a file that is private, and kept out of all that is told."""

import base64
import logging
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote, quote_plus

from hashmatch.errors import ConfigurationError
from hashmatch.exchange.api import Api
from hashmatch.types import Exchange

_LONGEST = 4_096


class Secret:
    """What an exchange is asked with; it is shown as stars by `repr`, and in any text that `hide` is given."""

    def __init__(self, text: str, parts: Iterable[str]) -> None:
        self._text = text
        forms = {form for part in (text, *parts) if part for form in _forms(part)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._hidden = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @classmethod
    def of(cls, exchange: Exchange, api: Api) -> Self:
        """The secret of an exchange; raises ConfigurationError where it is missing, readable by others, or none."""
        if not api.needs:
            return cls("", ())
        variable = f"HASHMATCH_EXCHANGE_{exchange.name.upper().replace('-', '_')}"
        text = os.environ.get(variable, "").strip()
        where = f"the variable {variable}"
        if not text and exchange.credentials:
            text, where = _read(Path(exchange.credentials)), exchange.credentials
        if not text:
            raise ConfigurationError(
                f"{exchange.name} needs {api.needs}: in the variable {variable}, or in a file named by --credentials"
            )
        try:
            return cls(text, api.secrets(text))
        except ValueError as error:
            raise ConfigurationError(f"what {where} holds {error}: {exchange.name} needs {api.needs}") from None

    def __repr__(self) -> str:
        return "Secret(***)"

    def reveal(self) -> str:
        """The secret itself."""
        return self._text

    def hide(self, text: object) -> str:
        """A text without the secret, in whatever form."""
        return self._hidden.sub("***", str(text))

    @contextmanager
    def logged(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Tell what libraries log meanwhile as warnings or worse, without the secret, and keep it from going elsewhere.

        Libraries would otherwise write to standard error themselves, addresses with tokens included.
        """
        handler = _Handler(lambda record: tell(self.hide(record.getMessage())))
        root = logging.getLogger()
        before, level = root.handlers[:], root.level
        root.handlers[:] = [handler]
        root.setLevel(logging.WARNING)
        try:
            yield
        finally:
            root.handlers[:] = before
            root.setLevel(level)


class _Handler(logging.Handler):
    def __init__(self, tell: Callable[[logging.LogRecord], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record)


def _forms(part: str) -> Iterator[str]:
    """A secret as it stands in addresses, headers and quotations."""
    yield part
    yield quote(part, safe="")
    yield quote_plus(part)
    yield repr(part)[1:-1]
    yield base64.b64encode(part.encode()).decode()


def _read(path: Path) -> str:
    """The first line of a file that nobody else can read; raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_mode & 0o077 or facts.st_uid not in {os.geteuid(), 0}:
                raise ConfigurationError(f"{path} must be a file that its owner alone can read: chmod 600 {path}")
            return file.read(_LONGEST).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the secret in {path}") from error
