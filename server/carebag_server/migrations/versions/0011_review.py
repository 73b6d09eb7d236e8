"""The medical lead's review: samples, judgements, questions, minutes, outcomes; the log by day and by patient."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
# table -> {operation: condition on OLD under which it is refused}
REFUSED = {
    "review_sample": {"UPDATE": "1 = 1", "DELETE": "1 = 1"},
    "review_sampled": {"UPDATE": "1 = 1", "DELETE": "1 = 1"},
    "review_judgement": {"UPDATE": "1 = 1", "DELETE": "1 = 1"},
    "review_minutes": {"UPDATE": "1 = 1", "DELETE": "1 = 1"},
    "review_question": {"UPDATE": "OLD.answered_at IS NOT NULL", "DELETE": "1 = 1"},
}


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "review_sample",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("monday", sa.String(10), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("accesses", sa.Integer(), nullable=False),
        sa.Column("drawn_by", sa.Text(), nullable=False),
        sa.Column("drawn_at", AT, nullable=False),
        _to("review_sample", "organization_id", "organization.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_sample")),
        sa.UniqueConstraint("organization_id", "monday", name=op.f("uq_review_sample_organization_id_monday")),
    )
    op.create_table(
        "review_sampled",
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        _to("review_sampled", "sample_id", "review_sample.id"),
        sa.PrimaryKeyConstraint("sample_id", "seq", name=op.f("pk_review_sampled")),
    )
    op.create_table(
        "review_judgement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", AT, nullable=False),
        _to("review_judgement", "organization_id", "organization.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_judgement")),
    )
    op.create_table(
        "review_question",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("to_name", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", AT, nullable=True),
        _to("review_question", "organization_id", "organization.id"),
        _to("review_question", "to_id", "practitioner.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_question")),
    )
    op.create_table(
        "review_minutes",
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("signed_at", AT, nullable=False),
        _to("review_minutes", "sample_id", "review_sample.id"),
        sa.PrimaryKeyConstraint("sample_id", name=op.f("pk_review_minutes")),
    )
    op.create_table(
        "visit_outcome",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", AT, nullable=False),
        _to("visit_outcome", "visit_id", "visit.id"),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visit_outcome")),
    )
    op.create_index(op.f("ix_review_judgement_seq"), "review_judgement", ["seq"])
    op.create_index(op.f("ix_review_question_seq"), "review_question", ["seq"])
    op.create_index(op.f("ix_review_question_to_id"), "review_question", ["to_id"])
    op.create_index(op.f("ix_audit_event_at"), "audit_event", ["at"])
    op.create_index(op.f("ix_audit_event_patient_id"), "audit_event", ["patient_id"])
    for table, operations in REFUSED.items():
        for operation, condition in operations.items():
            _refuse(table, operation, condition)


def _refuse(table: str, operation: str, condition: str) -> None:
    """As 0002 does; its function is there on PostgreSQL."""
    head = f"CREATE TRIGGER {table}_{operation.lower()} BEFORE {operation} ON {table} "
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"{head}FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION carebag_refuse()")
    else:
        op.execute(f"{head}WHEN {condition} BEGIN SELECT RAISE(ABORT, 'append_only'); END")


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_event_patient_id"), "audit_event")
    op.drop_index(op.f("ix_audit_event_at"), "audit_event")
    for table in ("visit_outcome", "review_minutes", "review_question", "review_judgement", "review_sampled"):
        op.drop_table(table)
    op.drop_table("review_sample")
