"""From a URL to the kind of database that it names."""

import re
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from hashmatch.errors import ConfigurationError
from hashmatch.store.database import Database
from hashmatch.store.postgresql import PostgreSQL
from hashmatch.store.sqlite import SQLite

_KINDS: Final[dict[str, type[SQLite | PostgreSQL]]] = {
    "sqlite": SQLite,
    "sqlite+pysqlite": SQLite,
    "postgresql": PostgreSQL,
    "postgresql+psycopg": PostgreSQL,
}
_PASSWORD: Final = re.compile(r"(?<=:)[^:@/]*(?=@)")


def connect(url: str) -> Database:
    """Return the database at an SQLAlchemy URL; nothing is read or written yet.

    For example `sqlite:////var/lib/hashmatch/hashmatch.db` or `postgresql+psycopg://user@host/name`. Raises
    ConfigurationError where the URL cannot be understood or used; a password in it is not repeated.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            f"{_PASSWORD.sub('***', url)!r} is not a database URL such as sqlite:////path/to/hashmatch.db or "
            f"postgresql+psycopg://user@host/name"
        ) from error
    if parsed.drivername not in _KINDS:
        raise ConfigurationError(
            f"databases of type {parsed.drivername!r} are not supported; sqlite and postgresql+psycopg are"
        )
    return _KINDS[parsed.drivername].at(parsed)
