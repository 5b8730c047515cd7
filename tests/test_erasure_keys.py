"""From sweep to receipt with keys of every type, by foreign keys and by soft references."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agegate.erasure import Eraser
from agegate.sweep import Sweep
from tests.conftest import NOW, Layout, write_config

CHILD_UUID = "0b5c1f7e-3a52-4d0f-9b1e-2f6a7c8d9e01"
ADULT_UUID = "7d9a4b1c-6e2f-4a8b-8c3d-1e5f6a7b8c02"

KEYS = {
    # kind: (columns of the key with their types, the child's key, the adult's key)
    "integer": ({"id": "INTEGER"}, ("7",), ("8",)),
    "uuid": ({"id": "UUID"}, (f"'{CHILD_UUID}'",), (f"'{ADULT_UUID}'",)),
    "text": ({"id": "TEXT"}, ("'käfer/7'",), ("'käfer/8'",)),
    "composite": ({"school": "TEXT", "number": "INTEGER"}, ("'north'", "7"), ("'south'", "7")),
}


def build(layout: Layout, kind: str) -> str:
    """A host whose accounts have keys of a kind, with a child and an adult; returns its description."""
    columns, child, adult = KEYS[kind]
    typed = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
    names = ", ".join(columns)
    refers = f"FOREIGN KEY ({names}) REFERENCES accounts ({names})"
    layout.run(
        f"CREATE TABLE accounts ({typed}, born TEXT, created TEXT, country TEXT, PRIMARY KEY ({names}))",
        f"CREATE TABLE posts (post INTEGER PRIMARY KEY, {typed}, {refers})",
        "CREATE TABLE replies (reply INTEGER PRIMARY KEY, post INTEGER REFERENCES posts (post))",
        f"CREATE TABLE visits ({typed}, path TEXT)",
        *(
            statement
            for number, (key, born) in enumerate(((child, "2016-03-01"), (adult, "1990-03-01")), 1)
            for statement in (
                f"INSERT INTO accounts VALUES ({', '.join(key)}, '{born}', '2026-01-15', 'US')",
                f"INSERT INTO posts VALUES ({number}, {', '.join(key)})",
                f"INSERT INTO replies VALUES ({number * 10}, {number}), ({number * 10 + 1}, {number})",
                f"INSERT INTO visits VALUES ({', '.join(key)}, '/')",
            )
        ),
    )
    listed = ", ".join(f'"{name}"' for name in columns)
    return f"""
[host.accounts]
table = "accounts"
key = [{listed}]
created = "created"
fields = {{ birth_date = "born", country = "country" }}
[host.tables]
accounts.category = "registration"
posts.category = "profile"
replies.category = "profile"
visits = {{ category = "logs", account = [{listed}] }}
[host.not_held]
contact = "none"
usage = "none"
device = "none"
page_tags = "none"
referral = "none"
third_party = "none"
billing = "none"
settings = "none"
"""


@pytest.mark.parametrize("kind", KEYS)
def test_child_goes_and_adult_stays_whatever_the_key(layout: Layout, kind: str) -> None:
    config = write_config(layout, build(layout, kind), sweep="chunk = 1")
    (found,) = Sweep(config).run(apply=True, now=NOW).found
    assert found.state == "quarantined"
    counts = Eraser(config).count(found.account)
    assert counts == {"visits": 1, "replies": 2, "posts": 1, "accounts": 1}
    (outcome,) = Eraser(config).run(now=NOW + timedelta(days=15))
    assert outcome.receipt is not None
    assert outcome.receipt.categories["profile"].rows == 3
    left = {
        table: layout.rows(f"SELECT * FROM {table}") for table in ("accounts", "posts", "replies", "visits")
    }
    assert {table: len(rows) for table, rows in left.items()} == {
        "accounts": 1,
        "posts": 1,
        "replies": 2,
        "visits": 1,
    }
    assert [row[0] for row in left["replies"]] == [20, 21]
    assert left["accounts"][0][-3] == "1990-03-01"
