"""Corrections of signed minutes: each a new version that stands beside the earlier ones; append-only as these are."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "review_minutes_correction"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["review_sample.id"], name=op.f(f"fk_{TABLE}_sample_id")),
        sa.PrimaryKeyConstraint("sample_id", "version", name=op.f(f"pk_{TABLE}")),
    )
    for operation in ("UPDATE", "DELETE"):
        _refuse(operation)


def _refuse(operation: str) -> None:
    """As 0002 does; its function is there on PostgreSQL."""
    head = f"CREATE TRIGGER {TABLE}_{operation.lower()} BEFORE {operation} ON {TABLE} "
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"{head}FOR EACH ROW EXECUTE FUNCTION carebag_refuse()")
    else:
        op.execute(f"{head}BEGIN SELECT RAISE(ABORT, 'append_only'); END")


def downgrade() -> None:
    op.drop_table(TABLE)
