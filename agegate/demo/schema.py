"""The demo host's own tables: a small online learning service, as a host of agegate's might have built it.

Only generic column types, so that the same tables stand on SQLite and on PostgreSQL. They show what a real
host has: a table that refers to the account through another one, a row that two accounts can lay claim to,
a reference without a foreign key, and tables that have nothing to do with anybody. agegate's own tables
are not here; it knows these only through the live catalog and `agegate.toml`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

metadata: Final = sa.MetaData()
"""All tables of the demo host."""


def _id(*, given: bool = False) -> sa.Column[int]:
    """A row's number; `given` where the generator chooses it, because other rows refer to it."""
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement="auto" if not given else False)


def _account(*, primary: bool = False) -> sa.Column[int]:
    """The reference to the account; `primary` where there is at most one row per account."""
    refers_to = sa.ForeignKey("accounts.id")
    if primary:
        return sa.Column("account_id", refers_to, primary_key=True, autoincrement=False)
    return sa.Column("account_id", refers_to, nullable=False, index=True)


def _text(name: str, length: int = 200, *, empty: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=empty)


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(name, metadata, *columns)


# --- whose accounts they are -------------------------------------------------------------------------

organisations: Final = _table("organisations", _id(given=True), _text("name"), _text("kind", 20))

accounts: Final = _table(
    "accounts",
    _id(given=True),
    sa.Column("organisation_id", sa.ForeignKey("organisations.id"), index=True),
    _text("first_name", 60),
    _text("last_name", 60),
    _text("email", 254),
    _text("phone", 20, empty=True),
    _text("username", 60),
    sa.Column("birth_date", sa.Date),
    _text("role", 20),
    _text("company", empty=True),
    _text("country", 2, empty=True),
    _text("region", 3, empty=True),
    _text("plan", 20),
    _moment("created_at"),
)

# --- what is kept about them -------------------------------------------------------------------------

profiles: Final = _table(
    "profiles",
    _account(primary=True),
    sa.Column("bio", sa.Text),
    _text("interests", empty=True),
    _moment("updated_at"),
)

settings: Final = _table(
    "settings",
    _account(primary=True),
    _text("locale", 12),
    _text("time_zone", 40),
    sa.Column("marketing", sa.Boolean, nullable=False),
)

billing: Final = _table(
    "billing",
    _id(),
    _account(),
    _text("name"),
    _text("address"),
    _text("country", 2),
    _text("card_last4", 4),
    _moment("created_at"),
)

devices: Final = _table(
    "devices",
    _id(),
    _account(),
    _text("device_id", 36),
    _text("os", 20),
    _text("browser", 20),
    _moment("seen_at"),
)

page_tags: Final = _table(
    "page_tags", _id(), _account(), _text("cookie", 40), _text("page", 120), _moment("at")
)

access_logs: Final = _table(
    "access_logs",
    _id(),
    # A log that must never fail has no foreign key; agegate.toml says what this column holds.
    sa.Column("account_id", sa.Integer, index=True),
    _text("ip", 45),
    _text("path", 120),
    _moment("at"),
)

referrals: Final = _table("referrals", _id(), _account(), _text("source", 80), _moment("at"))

partner_data: Final = _table(
    "partner_data", _id(), _account(), _text("partner", 80), _text("content"), _moment("received_at")
)

# --- what they do and write --------------------------------------------------------------------------

lessons: Final = _table("lessons", _id(given=True), _text("title"), _text("subject", 60))

usage_events: Final = _table(
    "usage_events",
    _id(),
    _account(),
    sa.Column("lesson_id", sa.ForeignKey("lessons.id"), nullable=False, index=True),
    _moment("at"),
)

support_tickets: Final = _table(
    "support_tickets", _id(given=True), _account(), _text("subject"), _moment("opened_at")
)

ticket_messages: Final = _table(
    "ticket_messages",
    _id(),
    sa.Column("ticket_id", sa.ForeignKey("support_tickets.id"), nullable=False, index=True),
    # Empty where a member of staff wrote it.
    sa.Column("author_id", sa.ForeignKey("accounts.id"), index=True),
    sa.Column("body", sa.Text, nullable=False),
    _moment("sent_at"),
)
