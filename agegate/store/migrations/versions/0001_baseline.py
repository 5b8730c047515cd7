"""Baseline: every table of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from agegate.database import SCHEMA
from agegate.store.tables import Moment, Number

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "agegate_event",
        sa.Column("id", Number, sa.Identity(always=False), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False, comment="staff id, or the job's name"),
        sa.Column("subject", sa.String(length=80), nullable=True, comment="keyed hash of an account key"),
        sa.Column("data", sa.Text(), nullable=False, comment="canonical JSON, no personal data"),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_table(
        "agegate_flag",
        sa.Column("id", Number, sa.Identity(always=False), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("band", sa.String(length=20), nullable=False),
        sa.Column("under", sa.Float(), nullable=False),
        sa.Column("ever_under", sa.Float(), nullable=False),
        sa.Column("limit_age", sa.Integer(), nullable=False),
        sa.Column("jurisdiction", sa.String(length=10), nullable=False),
        sa.Column(
            "rule",
            sa.String(length=80),
            nullable=True,
            comment="id of the rule that set the limit; empty for the floor",
        ),
        sa.Column(
            "notes", sa.Text(), server_default="", nullable=False, comment="why it waits, what it reopens"
        ),
        sa.Column(
            "fingerprint", sa.String(length=64), nullable=False, comment="hash of the evidence it rests on"
        ),
        sa.Column(
            "known_at",
            Moment(),
            nullable=False,
            comment="first knowledge: the clock starts here",
        ),
        sa.Column("verdict", sa.String(length=20), nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "fingerprint", name="agegate_flag_once"),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_agegate_agegate_flag_account"), "agegate_flag", ["account"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "agegate_lease",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema=SCHEMA,
    )
    op.create_table(
        "agegate_refusal",
        sa.Column(
            "tag", sa.String(length=80), nullable=False, comment="keyed hash of an e-mail, phone or device"
        ),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tag"),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_agegate_agegate_refusal_expires_at"),
        "agegate_refusal",
        ["expires_at"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_table(
        "agegate_report",
        sa.Column("id", Number, sa.Identity(always=False), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("said_by", sa.String(length=20), nullable=False, comment="role of who reports, never a name"),
        sa.Column("said_on", sa.Date(), nullable=False),
        sa.Column("age", sa.Integer(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_agegate_agegate_report_account"), "agegate_report", ["account"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "agegate_seal",
        sa.Column("position", Number, autoincrement=False, nullable=False),
        sa.Column("event_id", Number, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("event_id"),
        schema=SCHEMA,
    )
    op.create_table(
        "agegate_sweep",
        sa.Column("id", Number, sa.Identity(always=False), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.Column("rules", sa.String(length=64), nullable=False, comment="hash of law, signals and settings"),
        sa.Column("checkpoint", sa.Text(), nullable=True, comment="the last account key that is done"),
        sa.Column("accounts", Number, server_default="0", nullable=False),
        sa.Column("quarantined", Number, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_table(
        "agegate_evidence",
        sa.Column("id", Number, sa.Identity(always=False), nullable=False),
        sa.Column("flag", Number, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("signal", sa.String(length=80), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("said_on", sa.Date(), nullable=False),
        sa.Column("born_first", sa.Date(), nullable=True, comment="emptied by the verdict"),
        sa.Column("born_last", sa.Date(), nullable=True, comment="emptied by the verdict"),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("where_row", sa.Text(), nullable=True, comment="key of the row that holds the text"),
        sa.Column("span_start", sa.Integer(), nullable=True),
        sa.Column("span_end", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(length=80), nullable=False, comment="keyed hash of what was read"),
        sa.ForeignKeyConstraint(["flag"], ["agegate.agegate_flag.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_agegate_agegate_evidence_account"),
        "agegate_evidence",
        ["account"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_agegate_agegate_evidence_flag"), "agegate_evidence", ["flag"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "agegate_request",
        sa.Column("id", Number, sa.Identity(always=False), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("flag", Number, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("queued_at", Moment(), nullable=False),
        sa.Column(
            "due_at",
            Moment(),
            nullable=True,
            comment="no worker acts before; empty until a verdict or knowledge sets it",
        ),
        sa.Column(
            "plan", sa.String(length=64), nullable=True, comment="hash of the plan that is being carried out"
        ),
        sa.Column("finding", sa.Text(), nullable=True, comment="why it is dead; no personal data"),
        sa.Column("done_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["flag"],
            ["agegate.agegate_flag.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("flag"),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_agegate_agegate_request_account"), "agegate_request", ["account"], unique=False, schema=SCHEMA
    )
    op.create_index(
        op.f("ix_agegate_agegate_request_state"), "agegate_request", ["state"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "agegate_receipt",
        sa.Column("request", Number, autoincrement=False, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="canonical JSON, no personal data"),
        sa.ForeignKeyConstraint(
            ["request"],
            ["agegate.agegate_request.id"],
        ),
        sa.PrimaryKeyConstraint("request"),
        schema=SCHEMA,
    )
