"""Which hub processes run on this database, each with a row that it beats: see `hubs/running.py`."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hub_running",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bus", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_running")),
    )


def downgrade() -> None:
    op.drop_table("hub_running")
