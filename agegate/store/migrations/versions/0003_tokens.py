"""Admission tokens that were used, so that none is used twice; on SQLite, marks without an order of rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from agegate.database import SCHEMA
from agegate.store.tables import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "agegate_token",
        sa.Column(
            "nonce", sa.String(length=40), nullable=False, comment="random part of a token that was used"
        ),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("nonce"),
        schema=SCHEMA,
    )
    schema = SCHEMA if op.get_bind().dialect.name == "postgresql" else None
    op.create_index("ix_agegate_agegate_token_expires_at", "agegate_token", ["expires_at"], schema=schema)
    if schema is None:
        _without_rowid()


def _without_rowid() -> None:
    """Write the marks anew, in the order of their tags: SQLite cannot alter a table to have no row numbers."""
    op.rename_table("agegate_refusal", "agegate_refusal_before")
    op.drop_index("ix_agegate_agegate_refusal_expires_at", table_name="agegate_refusal_before")
    op.create_table(
        "agegate_refusal",
        sa.Column("tag", sa.String(80), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_agegate_agegate_refusal_expires_at", "agegate_refusal", ["expires_at"])
    op.execute("INSERT INTO agegate_refusal SELECT tag, expires_at FROM agegate_refusal_before ORDER BY tag")
    op.drop_table("agegate_refusal_before")
