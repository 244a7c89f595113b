"""Runs the migrations on the connection, and within the transaction, that the caller began."""

from alembic import context

from hashmatch.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
