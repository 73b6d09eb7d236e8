"""Alembic's entry: it always runs on the connection that `migrate.py` hands over."""

from alembic import context

from carebag_server import access_tables, review_tables, sign_in_tables, socket_tickets  # noqa: F401 (makes their tables known)
from carebag_server.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    render_as_batch=False,
)
with context.begin_transaction():
    context.run_migrations()
