"""NEWS2: what doctors said about the aim of the saturation and about pregnancy; never changed, never deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = "score_premise"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("says", sa.String(length=16), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["practitioner.id"], name=op.f("fk_score_premise_author_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_score_premise_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_premise")),
    )
    op.create_index(op.f("ix_score_premise_visit_id"), TABLE, ["visit_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_score_premise_visit_id"), table_name=TABLE)
    op.drop_table(TABLE)
