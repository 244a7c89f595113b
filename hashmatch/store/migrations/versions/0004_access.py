"""Bearer tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table of tokens."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, nullable=False, comment="The part of the secret that is none."),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the secret."),
        sa.Column("roles", sa.Text, nullable=False, comment="A JSON array of strings."),
        sa.Column("tenant", sa.Text, comment="NULL for every tenant."),
        sa.Column("banks", sa.Text, nullable=False, comment="A JSON array of strings; empty for all."),
        sa.Column("created", sa.BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC."),
        sa.Column("expires", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )
