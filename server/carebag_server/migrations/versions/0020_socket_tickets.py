"""Tickets with which pages open their sockets: see `socket_tickets.py`."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "socket_ticket",
        sa.Column("ticket_sha256", sa.String(length=64), nullable=False),
        sa.Column("socket", sa.String(length=16), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ticket_sha256", name=op.f("pk_socket_ticket")),
    )
    op.create_index(op.f("ix_socket_ticket_expires_at"), "socket_ticket", ["expires_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_socket_ticket_expires_at"), table_name="socket_ticket")
    op.drop_table("socket_ticket")
