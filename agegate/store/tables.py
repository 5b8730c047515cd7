"""agegate's own tables. No column holds a personal value: accounts are keys, texts are references.

Names carry the prefix `agegate_` in every layout, so that store and host may share a database.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from agegate.database import SCHEMA

PREFIX: Final = "agegate_"

VERSION: Final = "0003"
"""The migration that makes this shape."""


class Moment(sa.TypeDecorator[datetime]):
    """An aware datetime, kept and given back in UTC; a naive one is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """UTC; naive for SQLite, whose DateTime keeps no zone. Raises `ValueError` for a naive value."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


LONGEST_ID: Final = 120
"""Characters of the longest id of a member of staff or a job that is kept."""

Number: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")

metadata = sa.MetaData(schema=SCHEMA)

refusals = sa.Table(
    "agegate_refusal",
    metadata,
    sa.Column("tag", sa.String(80), primary_key=True, comment="keyed hash of an e-mail, phone or device"),
    sa.Column("expires_at", Moment, nullable=False, index=True),
    sqlite_with_rowid=False,  # the order of rows would say which marks were written together
)

tokens = sa.Table(
    "agegate_token",
    metadata,
    sa.Column("nonce", sa.String(40), primary_key=True, comment="random part of a token that was used"),
    sa.Column("expires_at", Moment, nullable=False, index=True),
)

events = sa.Table(
    "agegate_event",
    metadata,
    sa.Column("id", Number, sa.Identity(), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String(60), nullable=False),
    sa.Column("actor", sa.String(LONGEST_ID), nullable=False, comment="staff id, or the job's name"),
    sa.Column("subject", sa.String(80), comment="keyed hash of an account key"),
    sa.Column("data", sa.Text, nullable=False, comment="canonical JSON, no personal data"),
)

seals = sa.Table(
    "agegate_seal",
    metadata,
    sa.Column("position", Number, primary_key=True, autoincrement=False),
    sa.Column("event_id", Number, nullable=False, unique=True),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("sealed_at", Moment, nullable=False),
)

leases = sa.Table(
    "agegate_lease",
    metadata,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("holder", sa.String(80), nullable=False),
    sa.Column("until", Moment, nullable=False),
)

sweeps = sa.Table(
    "agegate_sweep",
    metadata,
    sa.Column("id", Number, sa.Identity(), primary_key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("finished_at", Moment),
    sa.Column("rules", sa.String(64), nullable=False, comment="hash of law, signals and settings"),
    sa.Column("checkpoint", sa.Text, comment="the last account key that is done"),
    sa.Column("accounts", Number, nullable=False, server_default="0"),
    sa.Column("quarantined", Number, nullable=False, server_default="0"),
    sa.Column(
        "reported",
        sa.Text,
        nullable=False,
        server_default="{}",
        comment="JSON: accounts under a limit that may not be acted on, by rule",
    ),
)

questions = sa.Table(
    "agegate_question",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("under_at", Moment, comment="when the holder answered to be under age"),
)

flags = sa.Table(
    "agegate_flag",
    metadata,
    sa.Column("id", Number, sa.Identity(), primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("cause", sa.String(20), nullable=False),
    sa.Column("band", sa.String(20), nullable=False),
    sa.Column("under", sa.Float, nullable=False),
    sa.Column("ever_under", sa.Float, nullable=False),
    sa.Column("limit_age", sa.Integer, nullable=False),
    sa.Column("jurisdiction", sa.String(10), nullable=False),
    sa.Column("rule", sa.String(80), comment="id of the rule that set the limit; empty for the floor"),
    sa.Column("notes", sa.Text, nullable=False, server_default="", comment="why it waits, what it reopens"),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="hash of the evidence it rests on"),
    sa.Column("known_at", Moment, nullable=False, comment="first knowledge: the clock starts here"),
    sa.Column("verdict", sa.String(20)),
    sa.Column("decided_by", sa.String(LONGEST_ID)),
    sa.Column("decided_at", Moment),
    sa.Column("reason", sa.Text),
    sa.UniqueConstraint("account", "fingerprint", name="agegate_flag_once"),
)

evidence = sa.Table(
    "agegate_evidence",
    metadata,
    sa.Column("id", Number, sa.Identity(), primary_key=True),
    sa.Column("flag", Number, sa.ForeignKey(flags.c.id, ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("signal", sa.String(80), nullable=False),
    sa.Column("rule", sa.String(80), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("said_on", sa.Date, nullable=False),
    sa.Column("born_first", sa.Date, comment="emptied by the verdict"),
    sa.Column("born_last", sa.Date, comment="emptied by the verdict"),
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("where_row", sa.Text, comment="key of the row that holds the text"),
    sa.Column("span_start", sa.Integer),
    sa.Column("span_end", sa.Integer),
    sa.Column("words", sa.String(80), nullable=False, comment="keyed hash of what was read"),
)

reports = sa.Table(
    "agegate_report",
    metadata,
    sa.Column("id", Number, sa.Identity(), primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("said_by", sa.String(20), nullable=False, comment="role of who reports, never a name"),
    sa.Column("said_on", sa.Date, nullable=False),
    sa.Column("age", sa.Integer, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
)

requests = sa.Table(
    "agegate_request",
    metadata,
    sa.Column("id", Number, sa.Identity(), primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("flag", Number, sa.ForeignKey(flags.c.id), nullable=False, unique=True),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("cause", sa.String(20), nullable=False),
    sa.Column("queued_at", Moment, nullable=False),
    sa.Column("due_at", Moment, comment="no worker acts before; empty until a verdict or knowledge sets it"),
    sa.Column("plan", sa.String(64), comment="hash of the plan that is being carried out"),
    sa.Column("finding", sa.Text, comment="why it is dead; no personal data"),
    sa.Column("done_at", Moment),
)

receipts = sa.Table(
    "agegate_receipt",
    metadata,
    sa.Column("request", Number, sa.ForeignKey(requests.c.id), primary_key=True, autoincrement=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="canonical JSON, no personal data"),
)
