"""The patient's consents and blocks, emergency accesses, and protected identities."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _id(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=False)


def _text(name: str, length: int | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _index(table: str, column: str) -> None:
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def upgrade() -> None:
    op.create_table(
        "patient_consent",
        *map(_id, ("id", "patient_id", "organization_id", "visit_id")),
        _text("asked_by", 16),
        _text("how", 16),
        _text("recorded_by"),
        _id("recorded_by_id"),
        _time("at"),
        _time("valid_until"),
        _time("withdrawn_at", nullable=True),
        _text("withdrawn_by"),
        _of("patient_consent", "patient_id", "patient"),
        _of("patient_consent", "organization_id", "organization"),
        _of("patient_consent", "visit_id", "visit"),
        _of("patient_consent", "recorded_by_id", "practitioner"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_consent")),
    )
    op.create_table(
        "patient_block",
        *map(_id, ("id", "patient_id", "organization_id")),
        _text("unit"),
        _time("covers_until", nullable=True),
        _text("recorded_by"),
        _time("at"),
        _time("lifted_at", nullable=True),
        _text("lifted_by"),
        _text("lifted_why", 16),
        _of("patient_block", "patient_id", "patient"),
        _of("patient_block", "organization_id", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_block")),
    )
    op.create_table(
        "emergency_access",
        *map(_id, ("id", "patient_id", "visit_id", "commission_id", "organization_id")),
        _text("doctor"),
        _text("reason"),
        _time("at"),
        _time("expires_at"),
        _time("ended_at", nullable=True),
        _of("emergency_access", "patient_id", "patient"),
        _of("emergency_access", "visit_id", "visit"),
        _of("emergency_access", "commission_id", "commission"),
        _of("emergency_access", "organization_id", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_access")),
    )
    op.create_table(
        "patient_protection",
        *map(_id, ("id", "patient_id")),
        _text("kind", 32),
        _time("since"),
        _text("set_by"),
        _time("ended_at", nullable=True),
        _text("ended_by"),
        _of("patient_protection", "patient_id", "patient"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_protection")),
    )
    for table in ("patient_consent", "patient_block", "emergency_access", "patient_protection"):
        _index(table, "patient_id")
    _index("emergency_access", "commission_id")
    _index("emergency_access", "at")


def downgrade() -> None:
    for table in ("patient_protection", "emergency_access", "patient_block", "patient_consent"):
        op.drop_table(table)
