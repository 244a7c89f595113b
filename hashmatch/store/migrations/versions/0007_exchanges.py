"""Exchanges that banks follow."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table of exchanges, and the index of the entries that they brought."""
    op.create_table(
        "exchanges",
        sa.Column("name", NAME, nullable=False),
        sa.Column("api", sa.Text, nullable=False),
        sa.Column("bank", sa.Text, nullable=False, comment="The bank's name."),
        sa.Column("options", sa.JSON, nullable=False, comment="What the interface needs to know; no secret."),
        sa.Column("credentials", sa.Text, nullable=False, comment="The path of the file that holds the secret."),
        sa.Column("created", sa.BigInteger, nullable=False, comment="Microseconds since 1970-01-01 UTC, as all times."),
        sa.Column("fetch", sa.Text, nullable=False, comment="Drawn at random by the fetch that began last."),
        sa.Column("began", sa.BigInteger, comment="When that was."),
        sa.Column("checkpoint", sa.JSON, comment="How far it has come, in the interface's terms."),
        sa.Column("fetched", sa.BigInteger, comment="When a fetch last came to its end."),
        sa.Column("error", sa.Text, nullable=False, comment="Why the last did not; empty where it did."),
        sa.PrimaryKeyConstraint("name", name="pk_exchanges"),
    )
    brought = sa.text("substr(source, 1, 9) = 'exchange:'")
    op.create_index(
        "ix_entries_exchange",
        "entries",
        ["bank_id", "source", "content_id", "id"],
        sqlite_where=brought,
        postgresql_where=brought,
    )
