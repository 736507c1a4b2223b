"""What Alembic runs for every migration: one transaction over the connection it is given."""

from __future__ import annotations

from alembic import context

from sereno.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
