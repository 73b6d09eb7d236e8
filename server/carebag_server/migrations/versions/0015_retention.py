"""Years of keeping, holds, and the marks without which a trigger lets nothing be removed: see `retention/`."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
MARKS = ("pruned_event", "removed_record", "removed_visit")
# what may be removed all the same: a mark of it, and in the log the act that the mark names
PERMITTED = {
    "audit_event": (
        "EXISTS (SELECT 1 FROM pruned_event mark JOIN audit_event act ON act.seq = mark.act_seq WHERE "
        "mark.seq = OLD.seq AND mark.hash = OLD.hash AND act.action = 'log_pruned')"
    ),
    "record": (
        "EXISTS (SELECT 1 FROM removed_record mark JOIN audit_event act ON act.seq = mark.act_seq WHERE "
        "mark.record_id = OLD.id AND mark.sha256 = OLD.sha256 AND act.action = 'records_removed')"
    ),
    "note_version": (
        "OLD.state <> 'signed' OR EXISTS (SELECT 1 FROM removed_visit mark JOIN audit_event act ON "
        "act.seq = mark.act_seq WHERE mark.visit_id = OLD.visit_id AND act.action = 'records_removed')"
    ),
}
BEFORE = {"audit_event": "1 = 1", "record": "1 = 1", "note_version": "OLD.state = 'signed'"}
"""As 0002 has them."""


def upgrade() -> None:
    op.create_table(
        "retention_policy",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("log_years", sa.Integer(), nullable=True),
        sa.Column("record_years", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_retention_policy_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_retention_policy")),
    )
    op.create_table(
        "retention_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", AT, nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=False),
        sa.Column("lifted_at", AT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_retention_hold_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_hold")),
    )
    op.create_index(op.f("ix_retention_hold_patient_id"), "retention_hold", ["patient_id"])
    op.create_table(
        "pruned_event",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("act_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_pruned_event")),
    )
    op.create_index(op.f("ix_pruned_event_act_seq"), "pruned_event", ["act_seq"])
    op.create_table(
        "removed_record",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("kit_id", sa.Uuid(), nullable=False),
        sa.Column("kit_seq", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("act_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_removed_record")),
        sa.UniqueConstraint("kit_id", "kit_seq", name=op.f("uq_removed_record_kit_id_kit_seq")),
    )
    op.create_table(
        "removed_visit",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("act_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_removed_visit")),
    )
    op.create_table(
        "file_to_remove",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_file_to_remove")),
    )
    for table in MARKS:
        for operation in ("UPDATE", "DELETE"):
            _refuse(table, operation, "1 = 1")
        if _postgresql():
            op.execute(f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION carebag_refuse()")
    for table, permitted in PERMITTED.items():
        _drop(table)
        if _postgresql():
            _permit(table, permitted)
        else:
            _refuse(table, "DELETE", f"NOT ({permitted})")


def _postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _drop(table: str) -> None:
    op.execute(f"DROP TRIGGER IF EXISTS {table}_delete" + (f" ON {table}" if _postgresql() else ""))


def _refuse(table: str, operation: str, condition: str) -> None:
    """As 0002 does; its function is there on PostgreSQL."""
    head = f"CREATE TRIGGER {table}_{operation.lower()} BEFORE {operation} ON {table} "
    if _postgresql():
        op.execute(f"{head}FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION carebag_refuse()")
    else:
        op.execute(f"{head}WHEN {condition} BEGIN SELECT RAISE(ABORT, 'append_only'); END")


def _permit(table: str, permitted: str) -> None:
    """A condition that looks into other tables must be in the function."""
    op.execute(
        f"CREATE FUNCTION carebag_removal_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {permitted} THEN RETURN OLD; END IF; RAISE EXCEPTION 'append_only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION carebag_removal_of_{table}()"
    )


def downgrade() -> None:
    """Not where content was removed: without its marks the log would be one with holes, and kits would send anew."""
    for table in MARKS:
        if op.get_bind().execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar():
            raise RuntimeError("something was removed by `carebag retention`: an older version cannot read this log")
    for table, condition in BEFORE.items():
        _drop(table)
        _refuse(table, "DELETE", condition)
        if _postgresql():
            op.execute(f"DROP FUNCTION carebag_removal_of_{table}()")
    for table in ("file_to_remove", *reversed(MARKS), "retention_hold", "retention_policy"):
        op.drop_table(table)
