"""What was reported of matches, and when a bank heeds it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables and the columns; no entry is flagged yet."""
    op.add_column("banks", sa.Column("false_share", sa.Float, nullable=False, server_default="0.6"))
    op.add_column("banks", sa.Column("false_reports", sa.Integer, nullable=False, server_default="3"))
    op.add_column("banks", sa.Column("false_reporters", sa.Integer, nullable=False, server_default="2"))
    flagged = sa.text("state = 'FLAGGED' AND removed IS NULL")
    op.create_index("ix_entries_flagged", "entries", ["bank_id", "id"], sqlite_where=flagged, postgresql_where=flagged)
    named = "As the audit log names who writes."
    op.create_table(
        "reporters",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False, comment=named),
        sa.Column("window_start", sa.BigInteger, nullable=False, comment="Since when its reports are counted."),
        sa.Column("window_count", sa.Integer, nullable=False, comment="How many it has made since."),
        sa.PrimaryKeyConstraint("id", name="pk_reporters"),
        sa.UniqueConstraint("name", name="uq_reporters_name"),
        comment="Whoever has reported a match.",
    )
    op.create_table(
        "reports",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("reporter_id", ROW_ID, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False, comment="Of the upload that matched."),
        sa.Column("finding", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_reports_entry_id"),
        sa.ForeignKeyConstraint(["reporter_id"], ["reporters.id"], name="fk_reports_reporter_id"),
        comment="The newest report of each entry, reporter and upload.",
    )
    op.create_index("ix_reports_entry_id", "reports", ["entry_id", "reporter_id", "content_id"], unique=True)
