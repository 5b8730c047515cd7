"""Cells that are no dates, no texts or no values at all: counted by column, and a chunk never stops."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from agegate.birthdate import BirthDate
from agegate.host import Host
from tests.conftest import TODAY
from tests.test_host_reader import KINDS, make, walk

FIELDS = {"birth_date": "born", "handle": "handle"}
TEXTS = [{"table": "notes", "column": "body", "written": "at"}]


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A SQLite host: whose columns take anything."""
    return f"sqlite:///{tmp_path}/host.db"


def people(url: str, cells: str, *, created: str = "TEXT", born: str = "TEXT", handle: str = "TEXT") -> Host:
    """A host whose first account has these cells (created, born, handle), between two that are in order."""
    good = "'2026-01-15', '1990-03-01', NULL"
    statements = (
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, created {created}, born {born}, handle {handle})",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people, body TEXT, at TEXT)",
        f"INSERT INTO people VALUES (1, {good})",
        f"INSERT INTO people VALUES (2, {cells})",
        f"INSERT INTO people VALUES (3, {good})",
    )
    return make(url, statements, fields=FIELDS, texts=TEXTS)


def second(host: Host) -> tuple[date, BirthDate | None]:
    """The day and the birth date read of the account in the middle; its neighbours must be whole."""
    for size in (1, 10):
        host.unreadable.clear()
        accounts = walk(host, size)
        assert [account.key for account in accounts] == ["1", "2", "3"]
        for account in (accounts[0], accounts[2]):
            assert (account.created_on, str(account.birth_date and account.birth_date.first)) == (
                date(2026, 1, 15),
                "1990-03-01",
            )
    return accounts[1].created_on, accounts[1].birth_date


# --- birth dates --------------------------------------------------------------------------------------

BORN: dict[str, tuple[str | None, int]] = {
    # what stands in a text column: (what is read, how many are counted as unreadable)
    "NULL": (None, 0),
    "''": (None, 0),
    "'2016-03-01'": ("2016-03-01", 0),
    "'2016-03'": ("2016-03", 0),
    "'2016'": ("2016", 0),
    "'2016-03-01 00:00:00'": ("2016-03-01", 0),
    "'2016-03-01T00:00:00Z'": ("2016-03-01", 0),
    "'01.03.2016'": (None, 1),
    "'2016-02-31'": (None, 1),
    "'0000-00-00'": (None, 1),
    "'unknown'": (None, 1),
    "'2016-03-011'": (None, 1),
    "'2016-03-01/02'": (None, 1),
    "' '": (None, 1),
}


@pytest.mark.parametrize("cell", BORN)
def test_birth_date_in_a_text_column(file: str, cell: str) -> None:
    read, counted = BORN[cell]
    host = people(file, f"'2026-01-15', {cell}, NULL")
    assert second(host)[1] == (BirthDate.parse(read) if read else None)
    assert dict(host.unreadable) == ({"born": counted} if counted else {})


@pytest.mark.parametrize("column", ["DATE", "DATETIME", "TIMESTAMP"])
@pytest.mark.parametrize(
    ("cell", "read"),
    [("'garbage'", None), ("'31.12.2015'", None), ("-5", None), ("x'00ff'", None), ("'2016-03'", "2016-03")],
)
def test_anything_in_a_date_column_of_sqlite(file: str, column: str, cell: str, read: str | None) -> None:
    host = people(file, f"'2026-01-15', {cell}, NULL", born=column)
    assert second(host)[1] == (BirthDate.parse(read) if read else None)
    assert dict(host.unreadable) == ({} if read else {"born": 1})


@pytest.mark.parametrize("column", ["DATE", "TIMESTAMP"])
@pytest.mark.parametrize("cell", ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'12026-03-01'"])
def test_dates_that_only_postgresql_knows(new_database: Callable[[], str], column: str, cell: str) -> None:
    host = people(new_database(), f"'2026-01-15', {cell}, NULL", born=column, created=column)
    assert second(host)[1] is None
    assert dict(host.unreadable) == {"born": 1}


def test_dates_of_postgresql_are_read_as_days(new_database: Callable[[], str]) -> None:
    host = people(new_database(), "'2026-01-16', '2016-03-01', NULL", born="DATE", created="DATE")
    assert second(host) == (date(2026, 1, 16), BirthDate.parse("2016-03-01"))
    host = people(
        new_database(), "'2026-01-16 23:59', '2016-03-01 00:00', NULL", born="TIMESTAMP", created="DATE"
    )
    assert second(host) == (date(2026, 1, 16), BirthDate.parse("2016-03-01"))


# --- days of creation ---------------------------------------------------------------------------------

CREATED: dict[str, tuple[str | None, int]] = {
    "'2026-02-03'": ("2026-02-03", 0),
    "'2026-02-03 23:59:59.999'": ("2026-02-03", 0),
    "'2026-02-03T04:05:06Z'": ("2026-02-03", 0),
    "'2026-02-03T23:30:00-05:00'": ("2026-02-04", 0),
    "'2026-02-03 00:30:00+02:00'": ("2026-02-02", 0),
    "NULL": (None, 1),
    "''": (None, 1),
    "'garbage'": (None, 1),
    "'0000-00-00 00:00:00'": (None, 1),
    "'2026-02-30'": (None, 1),
    "'1768435200'": (None, 1),  # seconds since 1970
    "'1711051912345'": (None, 1),  # milliseconds, which look like a day of May 1711
    "'0001-01-01T00:00:00+05:00'": (None, 1),  # before the calendar in UTC
}


@pytest.mark.parametrize("cell", CREATED)
def test_day_of_creation_in_a_text_column(file: str, cell: str) -> None:
    read, counted = CREATED[cell]
    host = people(file, f"{cell}, NULL, NULL")
    assert second(host)[0] == (date.fromisoformat(read) if read else TODAY)
    assert dict(host.unreadable) == ({"created": counted} if counted else {})


def test_texts_of_postgresql_are_read_alike(new_database: Callable[[], str]) -> None:
    born = [(f"'2026-01-15', {cell}, NULL", day, counted) for cell, (day, counted) in BORN.items()]
    created = [(f"{cell}, NULL, NULL", day, counted) for cell, (day, counted) in CREATED.items()]
    rows = [f"INSERT INTO people VALUES ({10 + number}, {row[0]})" for number, row in enumerate(born + created)]
    url = new_database()
    people(url, "'2026-01-15', NULL, NULL").dispose()
    host = make(url, rows, fields=FIELDS)
    accounts = walk(host, 7)[3:]
    found = [account.birth_date for account in accounts[: len(born)]]
    assert found == [BirthDate.parse(day) if day else None for _, day, _ in born]
    days = [account.created_on for account in accounts[len(born) :]]
    assert days == [date.fromisoformat(day) if day else TODAY for _, day, _ in created]
    counts = {"born": sum(row[2] for row in born), "created": sum(row[2] for row in created)}
    assert dict(host.unreadable) == counts


MOMENTS = {
    "'2026-02-03 23:30:00-05'": "2026-02-04",
    "'2026-02-03 00:30:00+02'": "2026-02-02",
    "'2026-02-03 00:00:00+00'": "2026-02-03",
    "'2026-02-03 23:59:59.999999+00'": "2026-02-03",
}


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_moments_of_postgresql_become_days_in_utc(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setitem(os.environ, "PGTZ", zone)
    rows = ", ".join(f"({number}, {cell})" for number, cell in enumerate(MOMENTS))
    statements = (
        "CREATE TABLE people (id INTEGER PRIMARY KEY, created TIMESTAMPTZ)",
        f"INSERT INTO people VALUES {rows}",
    )
    accounts = walk(make(new_database(), statements), 10)
    assert [str(account.created_on) for account in accounts] == list(MOMENTS.values())


# --- fields and texts ---------------------------------------------------------------------------------


def test_fields_that_are_no_texts(new_database: Callable[[], str]) -> None:
    """An array and an object are values of PostgreSQL like any other."""
    for column, cell, read in (
        ("TEXT[]", "ARRAY['a', 'b']", "['a', 'b']"),
        ("JSONB", "'{\"a\": 1}'", "{'a': 1}"),
        ("INTEGER", "5", "5"),
        ("BOOLEAN", "true", "True"),
    ):
        host = people(new_database(), f"'2026-01-15', NULL, {cell}", handle=column)
        assert [account.fields.get("handle") for account in walk(host, 10)] == [None, read, None]


def test_birth_date_that_is_an_object_is_counted(new_database: Callable[[], str]) -> None:
    statements = (
        "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT, born JSONB)",
        "INSERT INTO people VALUES (1, '2026-01-15', '{\"year\": 2016}')",
    )
    host = make(new_database(), statements, fields={"birth_date": "born"})
    assert [account.birth_date for account in walk(host, 10)] == [None]
    assert dict(host.unreadable) == {"born": 1}


@pytest.mark.parametrize("place", ["created", "born", "handle", "text"])
def test_bytes_that_are_no_utf8_stop_nothing(file: str, place: str) -> None:
    broken = "CAST(x'7aff' AS TEXT)"
    cells = {"created": "'2026-01-15'", "born": "NULL", "handle": "NULL"}
    if place in cells:
        cells[place] = broken
    host = people(file, ", ".join(cells.values()))
    if place == "text":
        make(file, [f"INSERT INTO notes VALUES (1, 2, {broken}, '2026-02-01')"])
    second(host)
    assert dict(host.unreadable) == ({place: 1} if place in {"created", "born"} else {})


@pytest.mark.parametrize(
    ("at", "day", "counted"),
    [("'2026-02-01'", "2026-02-01", 0), ("NULL", None, 1), ("'garbage'", None, 1), ("''", None, 1)],
)
def test_text_without_a_readable_day_was_written_today(
    database: str, at: str, day: str | None, counted: int
) -> None:
    host = people(database, "'2026-01-15', NULL, NULL")
    make(database, [f"INSERT INTO notes VALUES (1, 2, 'hello', {at}), (2, 3, '', {at}), (3, 3, NULL, {at})"])
    texts = [text for account in walk(host, 10) for text in account.texts]
    assert [(text.text, text.written_on) for text in texts] == [
        ("hello", date.fromisoformat(day) if day else TODAY)
    ]
    assert dict(host.unreadable) == ({"notes.at": counted} if counted else {})


def test_reference_kept_as_another_type_still_finds_its_account(file: str) -> None:
    """SQLite keeps the number 2 in a text column as '2', and compares them as equal."""
    statements = (
        "CREATE TABLE people (id INTEGER PRIMARY KEY, created TEXT)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, person TEXT REFERENCES people (id), body TEXT, at TEXT)",
        "INSERT INTO people VALUES (2, '2026-01-15')",
        "INSERT INTO notes VALUES (1, 2, 'hello', '2026-02-01')",
    )
    host = make(file, statements, texts=TEXTS, fields={"handle": "notes.body"})
    account = host.account("2", kinds=KINDS, today=TODAY)
    assert [text.text for text in account.texts] == ["hello"]
    assert account.fields == {"handle": "hello"}


@pytest.mark.parametrize("column", ["UUID", "STRANGE"])
def test_keys_in_a_column_of_a_loose_type(file: str, column: str) -> None:
    """A column of SQLite takes texts whatever it is declared to hold."""
    statements = (
        f"CREATE TABLE people (id {column} PRIMARY KEY, created TEXT)",
        "INSERT INTO people VALUES ('a-1', '2026-01-15'), ('b-2', '2026-01-15'), ('c-3', '2026-01-15')",
    )
    host = make(file, statements)
    assert [account.key for account in walk(host, 1)] == ['"a-1"', '"b-2"', '"c-3"']
    assert host.account('"b-2"', kinds=KINDS, today=TODAY).key == '"b-2"'
