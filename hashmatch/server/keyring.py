"""The tokens in memory, soon after they change, so that no call waits for the database."""

import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from hashmatch.errors import Unauthenticated
from hashmatch.server.background import Background
from hashmatch.store import Kept, digest, token_id
from hashmatch.types import Role, Token

POLL_SECONDS: Final = 0.5
EVERYONE: Final = Token("everyone", frozenset(Role))
"""Who calls while there has never been a token."""

_log = structlog.get_logger(__name__)


class Keyring(Background):
    """Looks the tokens up again and again; while they cannot be had, the last ones hold. Any thread may use it."""

    def __init__(self, tokens: Callable[[], Sequence[Kept]], poll_seconds: float = POLL_SECONDS) -> None:
        super().__init__("keyring")
        self._tokens = tokens
        self._poll_seconds = poll_seconds
        self._kept: Mapping[str, Kept] = {}

    def start(self) -> None:
        """Load the tokens, then go on in the background; raises what loading raises."""
        self._load()
        super().start()

    @property
    def open(self) -> bool:
        """Whether there has never been a token, and so everyone may do everything."""
        return not self._kept

    def holder(self, secret: str) -> Token:
        """Return the token of a secret; raises Unauthenticated. Takes as long for a near miss as for any other."""
        if self.open:
            return EVERYONE
        kept = self._kept.get(token_id(secret))
        expected = kept.digest if kept is not None else bytes(32)
        if not hmac.compare_digest(digest(secret), expected) or kept is None:
            raise Unauthenticated("a token is needed, and this is none" if secret else "a token is needed")
        token = kept.token
        if token.revoked is not None:
            raise Unauthenticated(f"the token {token.name!r} was revoked")
        if token.expires is not None and token.expires.timestamp() <= time.time():
            raise Unauthenticated(f"the token {token.name!r} expired")
        return token

    def _load(self) -> None:
        self._kept = {kept.id: kept for kept in self._tokens()}

    def _run(self) -> None:
        failing = False
        while not self._stopping.wait(self._poll_seconds):
            try:
                self._load()
            except Exception as error:  # noqa: BLE001  # whatever it is, the tokens known so far must hold
                if not failing:
                    _log.warning("tokens not read", error=str(error))
                failing = True
            else:
                failing = False
