"""Alembic's entry: the connection is handed in by `shared.migrations.migrate`."""

from alembic import context

config = context.config
context.configure(connection=config.attributes["connection"], target_metadata=config.attributes["metadata"])
with context.begin_transaction():
    context.run_migrations()
