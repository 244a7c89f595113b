"""Entries that wait for another person's approval, and how fast banks may grow."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table of batches and the columns; what is there matches as before."""
    op.add_column("banks", sa.Column("approval", sa.Text, nullable=False, server_default="NONE"))
    op.add_column("banks", sa.Column("review_hours", sa.Integer, nullable=False, server_default="24"))
    percent = "Percent in 24 hours; 0 for none."
    limit = sa.Column("growth_limit", sa.Integer, nullable=False, server_default="100", comment=percent)
    op.add_column("banks", limit)
    op.add_column("banks", sa.Column("window_start", sa.BigInteger, comment="Since when growth is counted."))
    counted = "Entries that matched then, and those approved since."
    op.add_column("banks", sa.Column("window_count", sa.BigInteger, comment=counted))
    waited = "Of those that waited for approval, or still do: a row of batches."
    op.add_column("entries", sa.Column("batch", sa.BigInteger, comment=waited))
    waiting = sa.text("state IN ('PENDING', 'UNREVIEWED') AND removed IS NULL")
    op.create_index("ix_entries_batch", "entries", ["batch", "id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "batches",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("bank_id", ROW_ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("hold", sa.Text, nullable=False, comment="Why its entries waited."),
        sa.Column("created", sa.BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        sa.ForeignKeyConstraint(["bank_id"], ["banks.id"], name="fk_batches_bank_id"),
    )
    op.create_index("ix_batches_bank_id", "batches", ["bank_id", "name", "author"], unique=True)
