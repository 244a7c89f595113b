"""The audit log: every write as a record in a Merkle tree, from which the state of the tables follows.

A write makes one record: who, when, what, why, and which rows of which tables were inserted, updated and deleted.
`Journal` makes the changes and notes them, `append` seals them into the log in the same transaction, `AuditLog` reads
and proves, `verify` compares log and tables.
"""

from hashmatch.store.audit.forms import Key, canonical
from hashmatch.store.audit.journal import Journal
from hashmatch.store.audit.log import AuditLog
from hashmatch.store.audit.records import append, size

__all__ = ["AuditLog", "Journal", "Key", "append", "canonical", "size"]
