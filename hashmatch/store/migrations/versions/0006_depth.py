"""What banks want of each kind and when, and where entries come from, how long they hold, and whether they still do."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; entries that were removed before are gone, and cannot be restored."""
    kinds = "JSON: kind, threshold, minimum quality of each."
    op.add_column("banks", sa.Column("kinds", sa.Text, nullable=False, server_default="[]", comment=kinds))
    op.add_column("banks", sa.Column("matching_enabled_ratio", sa.Float, nullable=False, server_default="1"))
    since = "Microseconds since 1970-01-01 UTC."
    op.add_column("banks", sa.Column("disabled_until", sa.BigInteger, comment=since))
    count = "Of entries that match; NULL where they were never counted."
    op.add_column("banks", sa.Column("entry_count", sa.BigInteger, comment=count))
    op.add_column("entries", sa.Column("programme", sa.Text, nullable=False, server_default=""))
    op.add_column(
        "entries", sa.Column("reported", sa.BigInteger, comment="Microseconds since 1970-01-01 UTC, as all times.")
    )
    op.add_column("entries", sa.Column("expires", sa.BigInteger))
    op.add_column("entries", sa.Column("review_from", sa.BigInteger, comment="From then on matches ask for REVIEW."))
    state = "As it is, or was before it was removed."
    op.add_column("entries", sa.Column("state", sa.Text, nullable=False, server_default="LIVE", comment=state))
    op.add_column("entries", sa.Column("removed", sa.BigInteger))
    op.add_column("entries", sa.Column("removal_reason", sa.Text, nullable=False, server_default=""))
    _create_index("ix_entries_content_id", ["bank_id", "content_id", "id"], "content_id != ''")
    _create_index("ix_entries_expires", ["expires"], "expires IS NOT NULL AND removed IS NULL")


def _create_index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "entries", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
