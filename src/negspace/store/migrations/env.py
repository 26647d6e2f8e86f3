"""What alembic runs: the migrations over the connection that was handed to it."""

from alembic import context

from negspace.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
