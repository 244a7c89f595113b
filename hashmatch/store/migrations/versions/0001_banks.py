"""Banks, entries, the history of both, and the requests that made it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the first tables, and the one row of `head`."""
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("last_entry", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_head"),
        comment="One row. Every write begins by updating it, so writes happen one after another.",
    )
    op.bulk_insert(head, [{"id": 1, "revision": 0, "last_entry": 0}])
    op.create_table(
        "banks",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("threshold", sa.Integer, nullable=False),
        sa.Column("minimum_quality", sa.Integer, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_banks"),
        sa.UniqueConstraint("name", name="uq_banks_name"),
    )
    _create_entries()
    op.create_table(
        "changes",
        sa.Column("revision", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("bank", sa.Text, nullable=False, comment="The bank's name at that time."),
        sa.Column("first_entry", sa.BigInteger, comment="Of a run of entries added or removed."),
        sa.Column("last_entry", sa.BigInteger, comment="Inclusive."),
        sa.Column("state", sa.JSON, comment="The bank as it was put; how entries were added, where they were to wait."),
        sa.PrimaryKeyConstraint("revision", "ordinal", name="pk_changes"),
    )
    op.create_table(
        "requests",
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the method and its arguments."),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
        sa.PrimaryKeyConstraint("request_id", name="pk_requests"),
    )
    op.create_index("ix_requests_created", "requests", ["created"])


def _create_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("bank_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("bits", sa.LargeBinary, nullable=False),
        sa.Column("quality", sa.Integer),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False, comment="A JSON array of strings."),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.ForeignKeyConstraint(["bank_id"], ["banks.id"], name="fk_entries_bank_id"),
        comment="Numbered from head.last_entry: a number is never used twice, and grows with the revision.",
    )
    op.create_index("ix_entries_bank_id", "entries", ["bank_id", "id"])
