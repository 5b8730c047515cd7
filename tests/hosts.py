"""Small hosts for tests: a schema, its description, and people put in by hand."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from agegate.config import Config
from tests.conftest import Layout, write_config

SCHOOL = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, email TEXT, handle TEXT, born TEXT, country TEXT,"
    " created_at TEXT)",
    "CREATE TABLE profiles (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id), bio TEXT,"
    " updated_at TEXT)",
    "CREATE TABLE billing (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id), country TEXT)",
    "CREATE TABLE tickets (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id), subject TEXT)",
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES tickets (id),"
    " body TEXT)",
    "CREATE TABLE visits (person_id INTEGER, ip TEXT)",
    "CREATE TABLE courses (id INTEGER PRIMARY KEY, title TEXT)",
)

DESCRIPTION = """
[host.accounts]
table = "people"
key = "id"
created = "created_at"
[host.accounts.fields]
birth_date = "born"
email = "email"
handle = "handle"
country = "country"
billing_country = "billing.country"
[[host.texts]]
table = "profiles"
column = "bio"
written = "updated_at"
[host.tables.people]
category = ["registration", "contact"]
[host.tables.profiles]
category = "profile"
[host.tables.billing]
category = "billing"
[host.tables.tickets]
category = "contact"
[host.tables.messages]
category = "contact"
[host.tables.visits]
category = "logs"
account = "person_id"
[host.not_held]
usage = "nothing is counted"
device = "no device is kept"
page_tags = "there are none"
referral = "nobody refers"
third_party = "no partner"
settings = "there are none"
"""


def school(layout: Layout, **sections: str) -> Config:
    """A small school host with nobody in it, described, with agegate's tables made."""
    layout.run(*SCHOOL)
    return write_config(layout, DESCRIPTION, **sections)


def enrol(
    layout: Layout,
    number: int,
    *,
    born: str | None = None,
    bio: str | None = None,
    said: str = "2026-11-20",
    created: str = "2026-01-15",
    country: str = "US",
    **fields: Any,
) -> None:
    """Put a person into the school, with a row in every table."""
    values = {"id": number, "born": born, "created_at": created, "country": country, "name": f"Person {number}"}
    values |= fields
    columns = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    layout.run(
        sa.text(f"INSERT INTO people ({columns}) VALUES ({marks})").bindparams(**values),
        sa.text("INSERT INTO profiles VALUES (:n, :n, :bio, :said)").bindparams(n=number, bio=bio, said=said),
        f"INSERT INTO tickets VALUES ({number}, {number}, 'a question')",
        f"INSERT INTO messages VALUES ({number * 10}, {number}, 'hello'), ({number * 10 + 1}, {number}, 'bye')",
        f"INSERT INTO visits VALUES ({number}, '192.0.2.{number % 250}')",
    )


def snapshot(layout: Layout) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the school, to compare."""
    names = ("people", "profiles", "billing", "tickets", "messages", "visits", "courses")
    return {name: sorted(layout.rows(f"SELECT * FROM {name}"), key=repr) for name in names}
