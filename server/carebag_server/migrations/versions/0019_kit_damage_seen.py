"""Which doctor has read of which damage of a kit's disk."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kit_damage_seen",
        sa.Column("kit_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["kit_id"], ["kit.id"], name=op.f("fk_kit_damage_seen_kit_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_kit_damage_seen_practitioner_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_kit_damage_seen_visit_id")),
        sa.PrimaryKeyConstraint("kit_id", "practitioner_id", "number", name=op.f("pk_kit_damage_seen")),
    )


def downgrade() -> None:
    op.drop_table("kit_damage_seen")
