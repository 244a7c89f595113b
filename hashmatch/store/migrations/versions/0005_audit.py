"""The audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create its table; the store writes its first record when it is opened, of what there is already."""
    tree = "Hashes of the complete subtrees that end here, leaf first."
    op.create_table(
        "audit",
        sa.Column("number", ROW_ID, autoincrement=False, nullable=False, comment="From 0, without a gap."),
        sa.Column("revision", sa.BigInteger, nullable=False, comment="That the record is of."),
        sa.Column("bank", NAME, comment="The name of the one bank that the record is of."),
        sa.Column("record", sa.Text, nullable=False, comment="Canonical JSON; a leaf of the tree."),
        sa.Column("tree", sa.LargeBinary, nullable=False, comment=tree),
        sa.Column(
            "hashes", sa.LargeBinary, nullable=False, comment="Of the rows that the record names, 32 bytes each."
        ),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
        sa.UniqueConstraint("revision", name="uq_audit_revision"),
        comment="The audit log: a Merkle tree (RFC 6962) of one record a revision. Rows are never changed.",
    )
    op.create_index("ix_audit_bank", "audit", ["bank", "number"])
