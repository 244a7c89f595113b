"""Bearer tokens, kept so that whoever reads the database cannot use one."""

import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select

from hashmatch.errors import AlreadyExists, InvalidField, NotFound
from hashmatch.store.checks import check_bank_name, check_label
from hashmatch.store.database import Database, answering
from hashmatch.store.schema import tokens
from hashmatch.store.writing import Writer
from hashmatch.types import LOCAL, Author, Role, Token

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECRET: Final = re.compile(r"hm_([0-9a-f]{12})_[\w-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """One token as it is kept: found by its id, recognised by the digest of its secret."""

    id: str
    digest: bytes
    """SHA-256 of the whole secret, whose 256 random bits need no slower hash."""
    token: Token


def token_id(secret: str) -> str:
    """The part of a secret that names its token and is no secret; empty where it has not the form of one."""
    found = _SECRET.fullmatch(secret)
    return found[1] if found else ""


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


class Tokens:
    """The tokens of one database, for any number of threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database)

    def create(self, token: Token, author: Author = LOCAL) -> str:
        """Make a token and return its secret, which cannot be had again.

        Raises InvalidField, and AlreadyExists where a token of that name is neither revoked nor expired.
        """
        _check(token)
        public = secrets.token_hex(6)
        secret = f"hm_{public}_{secrets.token_urlsafe(32)}"
        with self._writer.write(author, "", ("create_token", public)) as write:
            same = select(tokens).where(tokens.c.name == token.name, tokens.c.revoked.is_(None))
            if any(_usable(_kept(row).token) for row in write.connection.execute(same)):
                raise AlreadyExists(f"a token named {token.name!r} is in use; revoke it, or take another name")
            kept = {"id": public, "digest": digest(secret), "created": write.created, **_values(token)}
            write.tables.insert(tokens, [kept])
        return secret

    def all(self) -> list[Kept]:
        """Return every token there ever was, oldest first; raises Unavailable."""
        with answering(), self._database.reads.connect() as connection:
            return [_kept(row) for row in connection.execute(select(tokens).order_by(tokens.c.created, tokens.c.id))]

    def revoke(self, name: str, author: Author = LOCAL) -> None:
        """Refuse the token of that name from now on; raises NotFound where none is in use."""
        with self._writer.write(author, "", ("revoke_token", name)) as write:
            live = (tokens.c.name == name) & tokens.c.revoked.is_(None)
            if not write.tables.update(tokens, live, {"revoked": write.created}):
                raise NotFound(f"no token named {name!r} is in use")


def _check(token: Token) -> None:
    check_label("name", token.name)
    if not token.roles:
        raise InvalidField("roles", f"expected one or more of {', '.join(Role)}")
    if token.tenant:
        check_label("tenant", token.tenant)
    for bank in token.banks:
        check_bank_name("banks", bank)
        if token.tenant is not None and bank.rpartition("/")[0] != token.tenant:
            raise InvalidField("banks", f"{bank!r} is not of the token's tenant")
    if not _usable(token):
        raise InvalidField("expires", "is in the past")


def _usable(token: Token) -> bool:
    return token.revoked is None and (token.expires is None or token.expires.timestamp() > time.time())


def _values(token: Token) -> dict[str, object]:
    return {
        "name": token.name,
        "roles": json.dumps(sorted(token.roles)),
        "tenant": token.tenant,
        "banks": json.dumps(token.banks),
        "expires": None if token.expires is None else (token.expires - _EPOCH) // timedelta(microseconds=1),
    }


def _kept(row: Row[Any]) -> Kept:
    token = Token(
        name=row.name,
        roles=frozenset(map(Role, json.loads(row.roles))),
        tenant=row.tenant,
        banks=tuple(json.loads(row.banks)),
        expires=_moment(row.expires),
        revoked=_moment(row.revoked),
    )
    return Kept(row.id, row.digest, token)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
