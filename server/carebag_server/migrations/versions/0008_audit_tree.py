"""The access log as a Merkle tree: the events that are there become its leaves, and the head keeps its frontier."""

from collections.abc import Iterator
from datetime import UTC

import sqlalchemy as sa
from alembic import op

from carebag_server.audit_leaf import leaf_entry
from carebag_server.audit_tree import frontier_of, leaf_hash

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PAGE = 1000
_GROWS = "NEW.events <= OLD.events"
_TEXTS = ("practitioner", "role", "care_unit", "organization", "purpose", "origin", "request_ref")
_EVENT = sa.table(
    "audit_event",
    sa.column("seq", sa.BigInteger()),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("action", sa.Text()),
    sa.column("object", sa.Text()),
    sa.column("patient_id", sa.Uuid()),
    sa.column("visit_id", sa.Uuid()),
    *(sa.column(name, sa.Text()) for name in _TEXTS),
    sa.column("hash", sa.Text()),
)


def upgrade() -> None:
    connection = op.get_bind()
    nothing = sa.text(r"'\x'::bytea" if connection.dialect.name == "postgresql" else "x''")
    op.add_column("audit_head", sa.Column("frontier", sa.LargeBinary(), nullable=False, server_default=nothing))
    events = connection.execute(sa.text("SELECT events FROM audit_head WHERE id = 1")).scalar()
    if not events:
        return
    frontier = bytes(frontier_of(_leaves(connection, events)))
    _drop_trigger()  # it refuses every change but one more event
    connection.execute(sa.text("UPDATE audit_head SET frontier = :frontier WHERE id = 1"), {"frontier": frontier})
    _make_trigger()


def _leaves(connection: sa.Connection, events: int) -> Iterator[bytes]:
    """One for each number. A log that is broken already stays so: what is not there is taken for an empty entry."""
    number = 0
    while number < events:
        page = sa.select(_EVENT).where(_EVENT.c.seq.between(number + 1, number + _PAGE)).order_by(_EVENT.c.seq)
        found = {row["seq"]: row for row in connection.execute(page).mappings()}
        for _ in range(min(_PAGE, events - number)):
            number += 1
            yield leaf_hash(_entry(found[number]) if number in found else b"")


def _entry(row: sa.RowMapping) -> bytes:
    event = dict(row)
    at = event.pop("at")
    return leaf_entry(at=at if at.tzinfo else at.replace(tzinfo=UTC), **event)


def _drop_trigger() -> None:
    on = " ON audit_head" if op.get_bind().dialect.name == "postgresql" else ""
    op.execute(f"DROP TRIGGER audit_head_update{on}")


def _make_trigger() -> None:
    """As 0002 made it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER audit_head_update BEFORE UPDATE ON audit_head FOR EACH ROW WHEN ({_GROWS}) "
            "EXECUTE FUNCTION carebag_refuse()"
        )
    else:
        op.execute(
            f"CREATE TRIGGER audit_head_update BEFORE UPDATE ON audit_head WHEN {_GROWS} "
            "BEGIN SELECT RAISE(ABORT, 'append_only'); END"
        )


def downgrade() -> None:
    op.drop_column("audit_head", "frontier")
