"""Alembic's entry: it always runs on the connection that `migrate.py` hands over."""

from alembic import context

from carebag_server import (  # noqa: F401 (makes their tables known)
    access_tables,
    admin_tables,
    kit_damage,
    move_tables,
    review_tables,
    rooms_kept,
    score_tables,
    sign_in_tables,
    socket_tickets,
)
from carebag_server.hubs import running  # noqa: F401
from carebag_server.retention import tables as retention_tables  # noqa: F401
from carebag_server.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    render_as_batch=False,
)
with context.begin_transaction():
    context.run_migrations()
