"""What tells a revision from the one of that number in another history."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; revisions written before have no token, so that no file of the index is trusted for them."""
    token = sa.Column(
        "token", sa.Text, comment="Random: tells this revision from that of another history; of ordinal 0."
    )
    op.add_column("changes", token)
