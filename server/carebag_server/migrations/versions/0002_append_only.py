"""What is written stays: triggers that refuse to change or remove log rows, signed records and signed notes."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# table -> {operation: condition on OLD and NEW under which it is refused}
REFUSED = {
    "audit_event": {"UPDATE": "1 = 1", "DELETE": "1 = 1"},
    "audit_head": {"UPDATE": "NEW.events <= OLD.events", "DELETE": "1 = 1"},
    "record": {"UPDATE": "1 = 1", "DELETE": "1 = 1"},
    "note_version": {"UPDATE": "OLD.state = 'signed'", "DELETE": "OLD.state = 'signed'"},
}


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "CREATE FUNCTION carebag_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append_only'; END $$"
        )
    for table, operations in REFUSED.items():
        for operation, condition in operations.items():
            op.execute(_postgresql(table, operation, condition) if postgresql else _sqlite(table, operation, condition))
        if postgresql:
            op.execute(f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION carebag_refuse()")


def _sqlite(table: str, operation: str, condition: str) -> str:
    return (
        f"CREATE TRIGGER {table}_{operation.lower()} BEFORE {operation} ON {table} WHEN {condition} "
        "BEGIN SELECT RAISE(ABORT, 'append_only'); END"
    )


def _postgresql(table: str, operation: str, condition: str) -> str:
    return (
        f"CREATE TRIGGER {table}_{operation.lower()} BEFORE {operation} ON {table} FOR EACH ROW "
        f"WHEN ({condition}) EXECUTE FUNCTION carebag_refuse()"
    )


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table, operations in REFUSED.items():
        for operation in (*operations, *(["TRUNCATE"] if postgresql else [])):
            op.execute(f"DROP TRIGGER {table}_{operation.lower()}" + (f" ON {table}" if postgresql else ""))
    if postgresql:
        op.execute("DROP FUNCTION carebag_refuse()")
