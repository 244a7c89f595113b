"""Frames of known videos, and when a known video matches."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add when a frame is shown, and the shares of two videos that make a match."""
    begins = "Microseconds since the video's beginning; NULL for a still."
    op.add_column("entries", sa.Column("shown_from", sa.BigInteger, comment=begins))
    op.add_column("entries", sa.Column("shown_until", sa.BigInteger, comment="Inclusive."))
    op.add_column("banks", sa.Column("video_query_share", sa.Integer, nullable=False, server_default="50"))
    op.add_column("banks", sa.Column("video_known_share", sa.Integer, nullable=False, server_default="50"))
