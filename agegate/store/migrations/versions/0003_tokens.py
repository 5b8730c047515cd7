"""Admission tokens that were used, so that none is used twice."""

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
