"""Migrations of agegate's own tables, run by `agegate db upgrade` inside one transaction."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from agegate.database import SCHEMA


def upgrade(connection: sa.Connection) -> None:
    """Run every migration that the database has not had."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
    command.upgrade(_config(connection), "head")


def stamp(connection: sa.Connection) -> None:
    """Note that tables made by `create_all` have the newest shape."""
    command.stamp(_config(connection), "head")


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
