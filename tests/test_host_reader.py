"""Reading the host: accounts by any key, in chunks, with their fields and texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from agegate.birthdate import BirthDate
from agegate.database import open_engine, parse_url, writing
from agegate.errors import DatabaseError, NotFoundError
from agegate.host import Host, HostSection
from agegate.model import Account
from tests.conftest import TODAY, Layout
from tests.hosts import enrol, school

KINDS = frozenset({"profile", "ticket", "post"})


def make(url: str, statements: Sequence[str], *, texts: Sequence[object] = (), **accounts: Any) -> Host:
    """A host of these statements whose account table is `people`."""
    engine = open_engine(parse_url(url), create=True)
    with writing(engine) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
    accounts = {"table": "people", "key": "id", "created": "created"} | accounts
    section = HostSection.model_validate({"url": url, "accounts": accounts, "texts": texts})
    return Host(section, parse_url(url))


def walk(host: Host, size: int, kinds: Iterable[str] = KINDS) -> list[Account]:
    """Every account, chunk by chunk, as the sweep asks for them."""
    found: list[Account] = []
    while chunk := host.chunk(found[-1].key if found else None, size, kinds=frozenset(kinds), today=TODAY):
        assert len(chunk) <= size
        found += chunk
    return found


def one(host: Host, kinds: Iterable[str] = KINDS) -> Account:
    (account,) = walk(host, 10, kinds)
    return account


def literal(value: object) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


# --- keys of every type -------------------------------------------------------------------------------

KEYS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    # type: (the key's columns, the keys there are)
    "integer": ("id INTEGER", [(-5,), (0,), (1,), (2,), (10,), (2**31 - 1,)]),
    "big integer": ("id BIGINT", [(1,), (2**53 + 1,), (2**63 - 1,)]),
    "text": ("id VARCHAR(40)", [("a",), ("B",), ("17",), ("né",), ("q\"u'o\\te",), ("",), ("日本",)]),
    "uuid": ("id UUID", [(UUID(int=number << 90),) for number in range(1, 7)]),
    "composite": ("school TEXT, id INTEGER", [("a", 1), ("a", 2), ("a", 10), ("b", 1), ("b", 2), ("", 9)]),
    "composite with uuid": ("id UUID, no INTEGER", [(UUID(int=1), 2), (UUID(int=1), 3), (UUID(int=2), 1)]),
}


def keyed(url: str, kind: str) -> Host:
    """People with keys of a kind; each has a pet in another table and a text in a third."""
    columns, keys = KEYS[kind]
    if not url.startswith("postgresql"):
        columns = columns.replace("UUID", "CHAR(36)")
    names = [part.split()[0] for part in columns.split(", ")]
    listed = ", ".join(names)
    refers = f"FOREIGN KEY ({listed}) REFERENCES people ({listed})"
    statements = [
        f"CREATE TABLE people ({columns}, created TEXT, PRIMARY KEY ({listed}))",
        f"CREATE TABLE pets (pet INTEGER PRIMARY KEY, {columns}, name TEXT, {refers})",
        f"CREATE TABLE notes (note INTEGER PRIMARY KEY, {columns}, body TEXT, {refers})",
    ]
    for number, key in enumerate(keys):
        values = ", ".join(map(literal, key)).replace("%", "%%")
        statements += [
            f"INSERT INTO people VALUES ({values}, '2026-01-15')",
            f"INSERT INTO pets VALUES ({number}, {values}, 'pet {number}')",
            f"INSERT INTO notes VALUES ({number}, {values}, 'note {number}')",
        ]
    texts = [{"table": "notes", "column": "body", "written": "note"}]
    return make(url, statements, key=names, fields={"handle": "pets.name"}, texts=texts)


def key_of(values: tuple[Any, ...]) -> str:
    plain = [value if isinstance(value, int) else str(value) for value in values]
    return json.dumps(plain[0] if len(plain) == 1 else plain, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("kind", KEYS)
def test_every_account_is_read_once_in_chunks_of_any_size(database: str, kind: str) -> None:
    host = keyed(database, kind)
    keys = KEYS[kind][1]
    assert host.count() == len(keys)
    wanted = {
        key_of(key): ("2026-01-15", f"pet {number}", [f"note {number}"]) for number, key in enumerate(keys)
    }
    for size in range(1, len(keys) + 2):
        accounts = walk(host, size)
        assert len(accounts) == len(keys)
        assert {
            account.key: (
                str(account.created_on),
                account.fields["handle"],
                [text.text for text in account.texts],
            )
            for account in accounts
        } == wanted


@pytest.mark.parametrize("kind", KEYS)
def test_each_account_is_found_by_its_key(database: str, kind: str) -> None:
    host = keyed(database, kind)
    for account in walk(host, 100):
        assert host.account(account.key, kinds=KINDS, today=TODAY) == account


UNKNOWN = ("99", "-1", '"99"', '"zyzzyva"', '"00000000-0000-0000-0000-00000000ffff"', "[1,2]", '["a",99]', "[]")
UNKNOWN += ("", "abc", "null", "1.5", "{}", str(2**70), '["zyzzyva","zyzzyva"]')


@pytest.mark.parametrize("kind", ["integer", "text", "uuid", "composite"])
def test_key_of_nobody_is_not_found_whatever_it_looks_like(database: str, kind: str) -> None:
    host = keyed(database, kind)
    wrong = {}
    for key in UNKNOWN:
        try:
            wrong[key] = host.account(key, kinds=KINDS, today=TODAY).key
        except NotFoundError as error:
            if "\n" in str(error) or "zyzzyva" in str(error):
                wrong[key] = str(error)
        except Exception as error:
            wrong[key] = type(error).__name__
    assert wrong == {}


# --- joined fields ------------------------------------------------------------------------------------

PEOPLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT, born TEXT, mail TEXT)"
JOINED = (
    PEOPLE,
    "CREATE TABLE addresses (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people, country TEXT, tel TEXT)",
    "INSERT INTO people VALUES (1, '2026-01-15', NULL, 'm'), (2, '2026-01-15', '1990-03', ''),"
    " (3, '2026-01-15', '', NULL)",
    "INSERT INTO addresses VALUES (7, 1, 'FR', '1'), (9, 1, 'DE', NULL), (8, 1, 'US', ''), (5, 2, '', NULL)",
)
FIELDS = {
    "birth_date": "born",
    "email": "people.mail",
    "billing_country": "addresses.country",
    "phone": "addresses.tel",
}


@pytest.mark.parametrize("size", [1, 2, 3])
def test_of_several_rows_the_last_that_is_filled_counts(database: str, size: int) -> None:
    host = make(database, JOINED, fields=FIELDS)
    found = [dict(account.fields) for account in walk(host, size)]
    assert [account.get("billing_country") for account in found] == ["DE", None, None]
    assert [account.get("email") for account in found] == ["m", None, None]
    assert [account.birth_date for account in walk(host, size)] == [None, BirthDate.parse("1990-03"), None]
    assert found[2] == {}
    assert not host.unreadable


def test_birth_date_of_another_table(database: str) -> None:
    statements = (
        "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT)",
        "CREATE TABLE facts (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), born TEXT)",
        "INSERT INTO people VALUES (1, '2026-01-15')",
        "INSERT INTO facts VALUES (1, 1, '2016-03-01'), (2, 1, NULL)",
    )
    host = make(database, statements, fields={"birth_date": "facts.born"})
    assert one(host).birth_date == BirthDate.parse("2016-03-01")
    assert one(host).fields == {}


# --- texts --------------------------------------------------------------------------------------------

LETTERS = (
    PEOPLE,
    "CREATE TABLE letters (id INTEGER PRIMARY KEY, sender INTEGER REFERENCES people (id),"
    " reader INTEGER REFERENCES people (id), body TEXT, at TEXT)",
    "CREATE TABLE posts (owner INTEGER REFERENCES people (id), no INTEGER, body TEXT, at TEXT,"
    " PRIMARY KEY (owner, no))",
    "INSERT INTO people (id, created) VALUES (1, '2026-01-15'), (2, '2026-01-15')",
    "INSERT INTO letters VALUES (1, 1, 2, 'from one', '2026-02-01'), (2, 2, 1, 'from two', '2026-02-02')",
    "INSERT INTO posts VALUES (1, 2, 'second', '2026-03-02'), (1, 1, 'first', '2026-03-01'),"
    " (2, 1, NULL, NULL), (2, 2, '', NULL)",
)
SECTIONS = (
    {"table": "letters", "column": "body", "written": "at", "author": "sender", "kind": "interpersonal"},
    {"table": "posts", "column": "body", "written": "at", "kind": "post"},
)


def words(accounts: Iterable[Account]) -> list[list[str]]:
    return [[text.text for text in account.texts] for account in accounts]


def test_texts_are_those_that_the_holder_wrote_and_only_of_kinds_asked_for(database: str) -> None:
    host = make(database, LETTERS, texts=SECTIONS)
    assert words(walk(host, 10, {"post"})) == [["first", "second"], []]
    assert words(walk(host, 10, {"profile", "ticket", "post"})) == [["first", "second"], []]
    assert words(walk(host, 10, {"interpersonal"})) == [["from one"], ["from two"]]
    assert words(walk(host, 10, set())) == [[], []]


def test_text_knows_its_place_day_and_kind_and_is_read_again_from_there(database: str) -> None:
    host = make(database, LETTERS, texts=SECTIONS)
    first, second = walk(host, 10, {"post"})[0].texts
    assert (first.field, first.row, first.written_on, first.kind) == (
        "posts.body",
        "[1,1]",
        date(2026, 3, 1),
        "post",
    )
    assert [host.text(text.field, text.row) for text in (first, second)] == ["first", "second"]
    assert host.text("posts.body", "[9,9]") is None
    assert host.text("posts.body", "[2,1]") is None


def test_text_of_a_table_without_a_key_is_read_and_never_found_again(database: str) -> None:
    statements = (PEOPLE, "CREATE TABLE says (person INTEGER REFERENCES people (id), body TEXT, at TEXT)")
    rows = (
        "INSERT INTO people (id, created) VALUES (1, '2026-01-15')",
        "INSERT INTO says VALUES (1, 'hi', NULL)",
    )
    texts = [{"table": "says", "column": "body", "written": "at"}]
    (text,) = one(make(database, (*statements, *rows), texts=texts)).texts
    assert (text.text, text.written_on) == ("hi", TODAY)
    assert make(database, (), texts=texts).text(text.field, text.row) is None


# --- dates that many share ----------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["TEXT", "DATE"])
@pytest.mark.parametrize(
    ("share", "at_least", "found"),
    [
        (0.2, 1, {"2000-01-01"}),
        (0.29, 3, {"2000-01-01"}),
        (0.3, 1, set()),  # not more than the share
        (0.2, 4, set()),
        (0.05, 1, {"2000-01-01", "1990-01-01"}),
        (0.05, 2, {"2000-01-01"}),
    ],
)
def test_common_birth_dates_stand_on_more_than_a_share_and_on_enough_accounts(
    database: str, column: str, share: float, at_least: int, found: set[str]
) -> None:
    dates = ["'2000-01-01'"] * 3 + ["'1990-01-01'"] + ["NULL"] * 6
    rows = ", ".join(f"({number}, '2026-01-15', {born})" for number, born in enumerate(dates))
    statements = (
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT, born {column})",
        f"INSERT INTO people VALUES {rows}",
    )
    host = make(database, statements, fields={"birth_date": "born"})
    assert host.common_birth_dates(share, at_least) == {BirthDate.parse(text) for text in found}


def test_nothing_is_common_where_no_date_is_held_or_none_can_be_read(database: str) -> None:
    rows = "INSERT INTO people VALUES (1, '2026-01-15', 'n/a', NULL), (2, '2026-01-15', 'n/a', NULL)"
    assert make(database, (PEOPLE, rows)).common_birth_dates(0.1, 1) == frozenset()
    again = make(database, (), fields={"birth_date": "born"})
    assert again.common_birth_dates(0.1, 1) == frozenset()


# --- only read ----------------------------------------------------------------------------------------


def test_host_that_is_only_read_refuses_writes(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, born="2016-03-01")
    host = config.open_host()
    refused = (DatabaseError, sa.exc.DBAPIError)
    with pytest.raises(refused, match=r"read.?only"), writing(host.engine) as connection:
        connection.exec_driver_sql("DELETE FROM visits")
    assert layout.rows("SELECT count(*) FROM visits") == [(1,)]
    for_erasing = config.open_host(read_only=False)
    with writing(for_erasing.engine) as connection:
        connection.exec_driver_sql("DELETE FROM visits")
    assert layout.rows("SELECT count(*) FROM visits") == [(0,)]
    host.dispose()


def test_account_table_of_another_schema_is_read(new_database: Callable[[], str]) -> None:
    statements = (
        "CREATE SCHEMA app",
        "CREATE TABLE app.people (id INTEGER PRIMARY KEY, created TEXT, mail TEXT)",
        "CREATE TABLE app.bios (id INTEGER PRIMARY KEY, person INTEGER REFERENCES app.people,"
        " body TEXT, at TEXT)",
        "INSERT INTO app.people VALUES (1, '2026-01-15', 'm')",
        "INSERT INTO app.bios VALUES (5, 1, 'hello', '2026-02-01')",
    )
    texts = [{"table": "app.bios", "column": "body", "written": "at"}]
    fields = {"email": "app.people.mail", "handle": "app.bios.body"}
    host = make(new_database(), statements, table="app.people", fields=fields, texts=texts)
    account = one(host)
    assert account.fields == {"email": "m", "handle": "hello"}
    (text,) = account.texts
    assert (text.field, host.text(text.field, text.row)) == ("app.bios.body", "hello")
