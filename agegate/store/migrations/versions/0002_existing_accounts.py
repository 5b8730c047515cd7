"""The neutral question to holders of existing accounts; what a sweep reports and does not act on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from agegate.database import SCHEMA
from agegate.store.tables import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward."""
    # An ALTER is not translated to a database without schemas, as a CREATE is.
    schema = SCHEMA if op.get_bind().dialect.name == "postgresql" else None
    op.create_table(
        "agegate_question",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("under_at", Moment(), nullable=True, comment="when the holder answered to be under age"),
        sa.PrimaryKeyConstraint("account"),
        schema=schema,
    )
    op.add_column(
        "agegate_sweep",
        sa.Column(
            "reported",
            sa.Text(),
            nullable=False,
            server_default="{}",
            comment="JSON: accounts under a limit that may not be acted on, by rule",
        ),
        schema=schema,
    )
