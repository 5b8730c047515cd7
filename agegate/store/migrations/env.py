"""What Alembic runs: the migrations on the connection that `agegate.store.migrations` hands over."""

from __future__ import annotations

from alembic import context

from agegate.database import SCHEMA
from agegate.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="agegate_version",
    version_table_schema=SCHEMA if connection.dialect.name == "postgresql" else None,
)
context.run_migrations()
