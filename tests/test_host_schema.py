"""The host's live schema: every way to the account is found, whatever agegate.toml forgot is named."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agegate.database import open_engine, parse_url, writing
from agegate.errors import HostError
from agegate.host import Host, HostSection
from agegate.model import CATEGORIES
from tests.conftest import Layout
from tests.hosts import DESCRIPTION, school

CHAIN = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT, leader INTEGER REFERENCES people (id))",
    "CREATE TABLE carts (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id))",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, cart INTEGER REFERENCES carts (id))",
    "CREATE TABLE gifts (id INTEGER PRIMARY KEY, line INTEGER REFERENCES lines (id))",
    "CREATE TABLE cards (id INTEGER PRIMARY KEY, gift INTEGER REFERENCES gifts (id),"
    " next INTEGER REFERENCES cards (id))",
    "CREATE TABLE shops (id INTEGER PRIMARY KEY, city TEXT)",
    "CREATE TABLE desks (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops (id))",
)
NOT_HELD = dict.fromkeys(CATEGORIES, "not held here")


def section(url: str = "sqlite:///x.db", **more: Any) -> HostSection:
    """A description with the account table and nothing else but what is given."""
    accounts = {"table": "people", "key": "id", "created": "created"} | more.pop("accounts", {})
    held = {category for table in more.get("tables", {}).values() for category in [table["category"]]}
    more.setdefault("not_held", {name: why for name, why in NOT_HELD.items() if name not in held})
    return HostSection.model_validate({"url": url, "accounts": accounts, **more})


def make(url: str, statements: Sequence[str], **more: Any) -> Host:
    """A host of these statements, with a description."""
    engine = open_engine(parse_url(url), create=True)
    with writing(engine) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return Host(section(url, **more), parse_url(url))


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A SQLite host, for what does not depend on the database."""
    return f"sqlite:///{tmp_path}/host.db"


def tables(**categories: str) -> dict[str, dict[str, str]]:
    return {name: {"category": category} for name, category in categories.items()}


# --- reaching -----------------------------------------------------------------------------------------


def test_account_is_reached_by_any_number_of_references(database: str) -> None:
    found = make(database, CHAIN).schema.reaching("people")
    ways = {name: [str(edge) for edge in edges] for name, edges in found.items()}
    assert ways == {
        "cards": ["cards.gift -> gifts", "cards.next -> cards"],
        "carts": ["carts.person -> people"],
        "gifts": ["gifts.line -> lines"],
        "lines": ["lines.cart -> carts"],
        "people": ["people.leader -> people"],
    }


def test_circle_of_references_is_walked_once(database: str) -> None:
    host = make(
        database,
        [
            "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT)",
            "CREATE TABLE a (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), b INTEGER)",
            "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a, c INTEGER REFERENCES a)",
        ],
    )
    assert {name: len(edges) for name, edges in host.schema.reaching("people").items()} == {"a": 1, "b": 2}


def test_reference_without_columns_means_the_primary_key(file: str) -> None:
    host = make(
        file,
        [
            "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT)",
            "CREATE TABLE carts (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people)",
        ],
    )
    (edge,) = host.schema.reaching("people")["carts"]
    assert edge.parent_columns == ("id",)
    assert host.schema.link("carts", host.section) == ("person",)


def test_reference_in_other_letter_case_is_the_same_table(file: str) -> None:
    """SQLite tells no upper from lower case in names."""
    host = make(
        file,
        [
            "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT)",
            "CREATE TABLE carts (id INTEGER PRIMARY KEY, person INTEGER REFERENCES People (ID))",
        ],
    )
    assert list(host.schema.reaching("people")) == ["carts"]
    assert host.schema.link("carts", host.section) == ("person",)


# --- what is undeclared -------------------------------------------------------------------------------

DECLARED = ("people", "profiles", "billing", "tickets", "messages", "visits")


def forgetting(table: str) -> str:
    """The school's description without one declaration, its categories answered otherwise."""
    start = DESCRIPTION.index(f"[host.tables.{table}]")
    end = DESCRIPTION.index("[host.", start + 1)
    text = DESCRIPTION[:start] + DESCRIPTION[end:]
    lost = [name for name in CATEGORIES if f'"{name}"' not in text and f"\n{name} =" not in text]
    return text + "".join(f'{name} = "answered for the test"\n' for name in lost)


def test_every_declaration_that_is_taken_away_is_missed(layout: Layout) -> None:
    host = school(layout).open_host()
    assert host.check() == []
    for table in DECLARED:
        content = tomllib.loads(f'[host]\nurl = "{layout.host}"\n{forgetting(table)}')["host"]
        again = Host(HostSection.model_validate(content), host.engine.url)
        findings = again.check()
        again.dispose()
        assert [finding.where.partition(".")[0] for finding in findings] == [table]
        assert "host.not_personal" in findings[0].remedy
        assert table in str(findings[0])


def test_every_table_of_a_long_chain_is_missed_and_no_other(database: str) -> None:
    found = make(database, CHAIN).check()
    assert [finding.where for finding in found] == ["cards", "carts", "gifts", "lines", "people"]
    assert "reaches the account (lines.cart -> carts)" in str(found[3])


def test_table_that_is_said_to_hold_nothing_personal_is_not_missed(database: str) -> None:
    reasons = dict.fromkeys(("cards", "carts", "gifts", "lines"), "numbers of things")
    host = make(database, CHAIN, tables=tables(people="contact"), not_personal=reasons)
    assert host.check() == []


NAMED_ALIKE = "CREATE TABLE visits (person INTEGER, at TEXT)"


def test_column_named_like_a_reference_is_found(database: str) -> None:
    host = make(database, [*CHAIN[:2], NAMED_ALIKE], tables=tables(people="contact", carts="billing"))
    (finding,) = host.check()
    assert str(finding).startswith(
        "visits.person: is named like a reference to the account and has no foreign key"
    )
    declared = tables(people="contact", carts="billing") | {"visits": {"category": "logs", "account": "person"}}
    again = Host(section(database, tables=declared), parse_url(database))
    assert again.check() == []
    assert [edge.declared for edge in again.schema.reaching("people")["visits"]] == [True]


def test_declared_table_that_leads_nowhere_is_found(database: str) -> None:
    host = make(database, [*CHAIN[:1], CHAIN[5]], tables=tables(people="contact", shops="logs"))
    (finding,) = host.check()
    assert str(finding).startswith("shops: is declared but nothing leads from it to the account")
    assert "host.tables.shops.account" in finding.remedy


def test_every_category_needs_a_table_or_an_answer(database: str) -> None:
    host = make(database, CHAIN[:1], tables=tables(people="contact"), not_held={})
    assert [finding.where for finding in host.check()] == [f"category {name}" for name in CATEGORIES[1:]]


# --- several ways -------------------------------------------------------------------------------------

LETTERS = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT)",
    "CREATE TABLE letters (id INTEGER PRIMARY KEY, sender INTEGER REFERENCES people (id),"
    " reader INTEGER REFERENCES people (id), body TEXT)",
)


@pytest.mark.parametrize(("owners", "count"), [(None, 1), ("one", 1), ("any", 0)])
def test_two_ways_need_a_word_about_whose_row_it_is(database: str, owners: str | None, count: int) -> None:
    declared: dict[str, Any] = tables(people="contact", letters="profile")
    if owners:
        declared["letters"]["owners"] = owners
    host = make(database, LETTERS, tables=declared)
    found = host.check()
    assert len(found) == count
    if found:
        assert "in 2 ways (letters.reader -> people, letters.sender -> people)" in str(found[0])
        assert 'host.tables.letters.owners = "any"' in found[0].remedy
    with pytest.raises(HostError, match="refers to people in 2 ways; name the columns"):
        host.schema.link("letters", host.section)


def test_text_whose_author_is_named_needs_no_other_word_about_its_table(database: str) -> None:
    declared: dict[str, Any] = tables(people="contact", letters="profile")
    declared["letters"]["owners"] = "any"
    texts = [{"table": "letters", "column": "body", "written": "id", "author": "sender"}]
    assert make(database, LETTERS, tables=declared, texts=texts).check() == []
    with pytest.raises(HostError, match="or author, for a text"):
        Host(section(tables=declared, texts=[{**texts[0], "author": None}]), parse_url(database)).check()


def test_reference_that_is_declared_too_is_one_way(database: str) -> None:
    declared = tables(people="contact") | {"carts": {"category": "billing", "account": "person"}}
    host = make(database, CHAIN[:2], tables=declared)
    assert host.check() == []
    assert host.schema.link("carts", host.section) == ("person",)


def test_link_of_the_account_table_is_its_key_and_of_a_grandchild_is_none(database: str) -> None:
    host = make(database, CHAIN)
    assert host.schema.link("people", host.section) == ("id",)
    for table in ("lines", "shops"):
        with pytest.raises(
            HostError, match=rf"table {table} refers to people in 0 ways.*host.tables.{table}.account"
        ):
            host.schema.link(table, host.section)


def test_composite_reference_is_one_way(database: str) -> None:
    host = make(
        database,
        [
            "CREATE TABLE people (school TEXT, no INTEGER, created TEXT, PRIMARY KEY (school, no))",
            "CREATE TABLE carts (id INTEGER PRIMARY KEY, s TEXT, n INTEGER,"
            " FOREIGN KEY (s, n) REFERENCES people (school, no))",
            "CREATE TABLE back (id INTEGER PRIMARY KEY, s TEXT, n INTEGER,"
            " FOREIGN KEY (n, s) REFERENCES people (no, school))",
            "CREATE TABLE visits (s TEXT, n INTEGER)",
        ],
        accounts={"key": ["school", "no"]},
        tables=tables(people="contact", carts="billing", back="usage"),
    )
    assert {finding.where.partition(".")[0] for finding in host.check()} == {"visits"}
    assert host.schema.link("carts", host.section) == ("s", "n")
    assert host.schema.link("back", host.section) == ("s", "n")


# --- names that do not exist --------------------------------------------------------------------------

ALL = {"people": "contact", "carts": "billing"}
UNKNOWN: dict[str, tuple[dict[str, Any], str]] = {
    "account table": ({"accounts": {"table": "folk"}}, r"host\.accounts.* names table folk"),
    "key": ({"accounts": {"key": "no"}}, r"host\.accounts.* names column people\.no"),
    "created": ({"accounts": {"created": "made"}}, r"host\.accounts.* names column people\.made"),
    "field": (
        {"accounts": {"fields": {"email": "mail"}}},
        r"host\.accounts\.fields\.email names column people\.mail",
    ),
    "field elsewhere": (
        {"accounts": {"fields": {"email": "mails.mail"}}},
        r"host\.accounts\.fields\.email names table mails",
    ),
    "field unlinked": ({"accounts": {"fields": {"region": "shops.city"}}}, r"host\.tables\.shops\.account"),
    "text table": (
        {"texts": [{"table": "bios", "column": "a", "written": "b"}]},
        r"host\.texts names table bios",
    ),
    "text column": (
        {"texts": [{"table": "carts", "column": "note", "written": "id"}]},
        r"host\.texts names column carts\.note",
    ),
    "text author": (
        {"texts": [{"table": "carts", "column": "id", "written": "id", "author": "who"}]},
        r"host\.texts names column carts\.who",
    ),
    "text unlinked": (
        {"texts": [{"table": "shops", "column": "city", "written": "id"}]},
        r"host\.tables\.shops\.acc",
    ),
    "table": ({"tables": tables(**ALL, bills="logs")}, r"host\.tables\.bills names table bills"),
    "table's account": (
        {"tables": tables(**ALL) | {"shops": {"category": "logs", "account": "who"}}},
        r"host\.tables\.shops\.account names column shops\.who",
    ),
    "not personal": ({"not_personal": {"bills": "not there"}}, r"host\.not_personal names table bills"),
    "account of more columns than the key": (
        {"tables": tables(**ALL) | {"shops": {"category": "logs", "account": ["id", "city"]}}},
        r"host\.tables\.shops\.account",
    ),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_name_that_the_database_does_not_have_is_told_by_its_setting(file: str, what: str) -> None:
    more, said = UNKNOWN[what]
    host = make(file, [*CHAIN[:2], CHAIN[5]], **more)
    with pytest.raises(HostError, match=said) as refused:
        host.check()
    assert "\n" not in str(refused.value)


# --- other schemas, agegate's own tables --------------------------------------------------------------


def test_tables_in_other_schemas_of_postgresql(new_database: Callable[[], str]) -> None:
    statements = [
        "CREATE SCHEMA app",
        "CREATE SCHEMA shop",
        "CREATE TABLE app.people (id INTEGER PRIMARY KEY, created TEXT)",
        "CREATE TABLE app.carts (id INTEGER PRIMARY KEY, person INTEGER REFERENCES app.people (id))",
        "CREATE TABLE shop.lines (id INTEGER PRIMARY KEY, cart INTEGER REFERENCES app.carts (id))",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, line INTEGER REFERENCES shop.lines (id))",
        "CREATE TABLE shop.tags (id INTEGER PRIMARY KEY, note INTEGER REFERENCES notes (id))",
    ]
    accounts = {"table": "app.people", "fields": {"email": "app.people.created"}}
    host = make(new_database(), statements, accounts=accounts)
    names = ["app.carts", "app.people", "notes", "shop.lines", "shop.tags"]
    assert [finding.where for finding in host.check()] == names
    declared = {name: {"category": "contact"} for name in names}
    again = Host(section(accounts=accounts, tables=declared), host.engine.url)
    assert again.check() == []
    assert again.schema.link("app.carts", again.section) == ("person",)


def test_own_tables_are_never_the_hosts(layout: Layout) -> None:
    host = school(layout).open_host()
    assert sorted(host.schema.tables) == sorted([*DECLARED, "courses"])
    if layout.together:
        assert layout.rows(f"SELECT count(*) FROM {layout.own('agegate_flag')}") == [(0,)]


def test_column_of_an_unknown_type_is_still_a_column(database: str) -> None:
    strange = "POINT" if database.startswith("postgresql") else "STRANGE"
    host = make(database, [f"CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT, place {strange})"])
    assert isinstance(host.schema.column("people", "place", named_by="a test"), sa.Column)
