"""Banks, their entries and the history of both, in a database."""

from hashmatch.store.audit import AuditLog
from hashmatch.store.store import Store
from hashmatch.store.tokens import Kept, Tokens, digest, token_id

__all__ = ["AuditLog", "Kept", "Store", "Tokens", "digest", "token_id"]
