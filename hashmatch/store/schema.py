"""The tables, as the newest migration leaves them."""

import enum
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal,
    text,
)

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

ROW_ID: Final = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; SQLite numbers its rows by a column only where its type is spelt INTEGER."""
NAME: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""Sorted by its bytes everywhere, whatever language the database speaks."""


class What(enum.StrEnum):
    """What one row of `changes` says."""

    BANK_PUT = "bank_put"
    BANK_DELETED = "bank_deleted"
    ENTRIES_ADDED = "entries_added"
    ENTRIES_REMOVED = "entries_removed"
    ENTRIES_PUT = "entries_put"
    """Entries that were added earlier have changed, or match again."""


head = Table(
    "head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("last_entry", BigInteger, nullable=False),
    comment="One row. Every write begins by updating it, so writes happen one after another.",
)

banks = Table(
    "banks",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", NAME, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("minimum_quality", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("video_query_share", Integer, nullable=False, server_default="50"),
    Column("video_known_share", Integer, nullable=False, server_default="50"),
    Column(
        "kinds", Text, nullable=False, server_default="[]", comment="JSON: kind, threshold, minimum quality of each."
    ),
    Column("matching_enabled_ratio", Float, nullable=False, server_default="1"),
    Column("disabled_until", BigInteger, comment="Microseconds since 1970-01-01 UTC."),
    Column("entry_count", BigInteger, comment="Of entries that match; NULL where they were never counted."),
    Column("approval", Text, nullable=False, server_default="NONE"),
    Column("review_hours", Integer, nullable=False, server_default="24"),
    Column("growth_limit", Integer, nullable=False, server_default="100", comment="Percent in 24 hours; 0 for none."),
    Column("window_start", BigInteger, comment="Since when growth is counted."),
    Column("window_count", BigInteger, comment="Entries that matched then, and those approved since."),
    Column("false_share", Float, nullable=False, server_default="0.6"),
    Column("false_reports", Integer, nullable=False, server_default="3"),
    Column("false_reporters", Integer, nullable=False, server_default="2"),
)

entries = Table(
    "entries",
    METADATA,
    Column("id", ROW_ID, primary_key=True, autoincrement=False),
    Column("bank_id", ROW_ID, ForeignKey("banks.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("bits", LargeBinary, nullable=False),
    Column("quality", Integer),
    Column("content_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("labels", Text, nullable=False, comment="A JSON array of strings."),
    Column("note", Text, nullable=False),
    Column("created", BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
    Column("revision", BigInteger, nullable=False),
    Column("shown_from", BigInteger, comment="Microseconds since the video's beginning; NULL for a still."),
    Column("shown_until", BigInteger, comment="Inclusive."),
    Column("programme", Text, nullable=False, server_default=""),
    Column("reported", BigInteger, comment="Microseconds since 1970-01-01 UTC, as all times."),
    Column("expires", BigInteger),
    Column("review_from", BigInteger, comment="From then on matches ask for REVIEW."),
    Column("state", Text, nullable=False, server_default="LIVE", comment="As it is, or was before it was removed."),
    Column("removed", BigInteger),
    Column("removal_reason", Text, nullable=False, server_default=""),
    Column("batch", BigInteger, comment="Of those that waited for approval, or still do: a row of batches."),
    comment="Numbered from head.last_entry: a number is never used twice, and grows with the revision.",
)
Index("ix_entries_bank_id", entries.c.bank_id, entries.c.id)
_OF_CONTENT: Final = entries.c.content_id != ""
Index(
    "ix_entries_content_id",
    entries.c.bank_id,
    entries.c.content_id,
    entries.c.id,
    sqlite_where=_OF_CONTENT,
    postgresql_where=_OF_CONTENT,
)
_EXPIRING: Final = entries.c.expires.is_not(None) & entries.c.removed.is_(None)
Index("ix_entries_expires", entries.c.expires, sqlite_where=_EXPIRING, postgresql_where=_EXPIRING)
OF_EXCHANGE: Final = text("substr(entries.source, 1, 9) = 'exchange:'")
"""Entries that an exchange brought; queries that say so, in these words, find them by an index of their own."""
_OF_EXCHANGE: Final = text("substr(source, 1, 9) = 'exchange:'")
Index(
    "ix_entries_exchange",
    entries.c.bank_id,
    entries.c.source,
    entries.c.content_id,
    entries.c.id,
    sqlite_where=_OF_EXCHANGE,
    postgresql_where=_OF_EXCHANGE,
)
_WAITING: Final = entries.c.state.in_(("PENDING", "UNREVIEWED")) & entries.c.removed.is_(None)
Index("ix_entries_batch", entries.c.batch, entries.c.id, sqlite_where=_WAITING, postgresql_where=_WAITING)

IS_FLAGGED: Final = (entries.c.state == literal("FLAGGED", literal_execute=True)) & entries.c.removed.is_(None)
"""In these words, so that queries find them by an index of their own."""
_FLAGGED: Final = (entries.c.state == "FLAGGED") & entries.c.removed.is_(None)
Index("ix_entries_flagged", entries.c.bank_id, entries.c.id, sqlite_where=_FLAGGED, postgresql_where=_FLAGGED)

batches = Table(
    "batches",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("bank_id", ROW_ID, ForeignKey("banks.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("hold", Text, nullable=False, comment="Why its entries waited."),
    Column("created", BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
)
Index("ix_batches_bank_id", batches.c.bank_id, batches.c.name, batches.c.author, unique=True)

reporters = Table(
    "reporters",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", NAME, nullable=False, unique=True, comment="As the audit log names who writes."),
    Column("window_start", BigInteger, nullable=False, comment="Since when its reports are counted."),
    Column("window_count", Integer, nullable=False, comment="How many it has made since."),
    comment="Whoever has reported a match.",
)

reports = Table(
    "reports",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("entry_id", ROW_ID, ForeignKey("entries.id"), nullable=False),
    Column("reporter_id", ROW_ID, ForeignKey("reporters.id"), nullable=False),
    Column("content_id", Text, nullable=False, comment="Of the upload that matched."),
    Column("finding", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created", BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
    comment="The newest report of each entry, reporter and upload.",
)
Index("ix_reports_entry_id", reports.c.entry_id, reports.c.reporter_id, reports.c.content_id, unique=True)

changes = Table(
    "changes",
    METADATA,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("what", Text, nullable=False),
    Column("bank", Text, nullable=False, comment="The bank's name at that time."),
    Column("first_entry", BigInteger, comment="Of a run of entries added or removed."),
    Column("last_entry", BigInteger, comment="Inclusive."),
    Column("state", JSON, comment="The bank as it was put; how entries were added, where they were to wait."),
    Column("token", Text, comment="Random: tells this revision from that of another history; of ordinal 0."),
)

requests = Table(
    "requests",
    METADATA,
    Column("request_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the method and its arguments."),
    Column("revision", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
)
Index("ix_requests_created", requests.c.created)

tokens = Table(
    "tokens",
    METADATA,
    Column("id", Text, primary_key=True, comment="The part of the secret that is none."),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the secret."),
    Column("roles", Text, nullable=False, comment="A JSON array of strings."),
    Column("tenant", Text, comment="NULL for every tenant."),
    Column("banks", Text, nullable=False, comment="A JSON array of strings; empty for all."),
    Column("created", BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
)

exchanges = Table(
    "exchanges",
    METADATA,
    Column("name", NAME, primary_key=True),
    Column("api", Text, nullable=False),
    Column("bank", Text, nullable=False, comment="The bank's name."),
    Column("options", JSON, nullable=False, comment="What the interface needs to know; no secret."),
    Column("credentials", Text, nullable=False, comment="The path of the file that holds the secret."),
    Column("created", BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC, as all times."),
    Column("fetch", Text, nullable=False, comment="Drawn at random by the fetch that began last."),
    Column("began", BigInteger, comment="When that was."),
    Column("checkpoint", JSON(none_as_null=True), comment="How far it has come, in the interface's terms."),
    Column("fetched", BigInteger, comment="When a fetch last came to its end."),
    Column("error", Text, nullable=False, comment="Why the last did not; empty where it did."),
)

audit = Table(
    "audit",
    METADATA,
    Column("number", ROW_ID, primary_key=True, autoincrement=False, comment="From 0, without a gap."),
    Column("revision", BigInteger, nullable=False, unique=True, comment="That the record is of."),
    Column("bank", NAME, comment="The name of the one bank that the record is of."),
    Column("record", Text, nullable=False, comment="Canonical JSON; a leaf of the tree."),
    Column("tree", LargeBinary, nullable=False, comment="Hashes of the complete subtrees that end here, leaf first."),
    Column("hashes", LargeBinary, nullable=False, comment="Of the rows that the record names, 32 bytes each."),
    comment="The audit log: a Merkle tree (RFC 6962) of one record a revision. Rows are never changed.",
)
Index("ix_audit_bank", audit.c.bank, audit.c.number)

AUDITED: Final = tuple(table for table in METADATA.sorted_tables if table not in {head, audit})
"""The tables whose state follows from the audit log: they are written through `audit.Journal` alone."""
