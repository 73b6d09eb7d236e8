"""Administrators' commissions that reach the whole hub, and when each kit was last seen."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "whole_hub",
        sa.Column("commission_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("commission_id", name=op.f("pk_whole_hub")),
        sa.ForeignKeyConstraint(["commission_id"], ["commission.id"], name=op.f("fk_whole_hub_commission_id")),
    )
    op.create_table(
        "kit_seen",
        sa.Column("kit_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kit_id", name=op.f("pk_kit_seen")),
        sa.ForeignKeyConstraint(["kit_id"], ["kit.id"], name=op.f("fk_kit_seen_kit_id")),
    )


def downgrade() -> None:
    op.drop_table("kit_seen")
    op.drop_table("whole_hub")
