"""How Alembic reaches the database: over the connection that the caller gives it."""

from alembic import context

from placements.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    # The job queue keeps its own tables beside ours on PostgreSQL.
    include_name=lambda name, kind, parents: kind != "table" or name in Base.metadata.tables,
)
with context.begin_transaction():
    context.run_migrations()
