"""Marks: moments of a body sound that a doctor points out. Taken back, they stay."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listening_mark",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.BigInteger(), nullable=False),
        sa.Column("rate_hz", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["practitioner.id"], name=op.f("fk_listening_mark_author_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_listening_mark_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening_mark")),
    )
    op.create_index(op.f("ix_listening_mark_visit_id"), "listening_mark", ["visit_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_listening_mark_visit_id"), table_name="listening_mark")
    op.drop_table("listening_mark")
