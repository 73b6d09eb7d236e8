"""Values that are moved from one patient's visit to another's by two people: see `moves.py`."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # an empty text for the rows that are there, then no default any more, like every other column
    with op.batch_alter_table("finding") as finding:
        finding.add_column(sa.Column("move", sa.String(length=16), nullable=False, server_default=""))
    with op.batch_alter_table("finding") as finding:
        finding.alter_column("move", server_default=None)
    op.create_table(
        "record_move",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("to_visit_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_record_move_organization_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_record_move_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_move")),
    )
    for column in ("record_id", "visit_id", "to_visit_id"):
        op.create_index(op.f(f"ix_record_move_{column}"), "record_move", [column])


def downgrade() -> None:
    op.drop_table("record_move")
    # what was moved is nowhere else than where it was first: nobody is shown it as another patient's
    op.execute("DELETE FROM finding WHERE move = 'here'")
    with op.batch_alter_table("finding") as finding:
        finding.drop_column("move")
