"""Who is in the rooms of a hub that is alone, for when it is started again: see `rooms_kept.py`."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rooms_kept",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms_kept")),
    )


def downgrade() -> None:
    op.drop_table("rooms_kept")
