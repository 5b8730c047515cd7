"""Database URLs: what is understood, what cannot be used, and that no message repeats a password."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from agegate.config import Config
from agegate.database import parse_url, reading, shown
from agegate.errors import DatabaseError
from agegate.store import Store
from tests.conftest import Layout
from tests.hosts import DESCRIPTION, SCHOOL

SECRET = "zyzzyva"

UNDERSTOOD = {
    "sqlite:///host.db": "sqlite:////srv/host.db",
    "sqlite:///data/host.db": "sqlite:////srv/data/host.db",
    "sqlite:////var/host.db": "sqlite:////var/host.db",
    "sqlite:///~/host.db": f"sqlite:///{Path.home()}/host.db",
    "postgresql://u@h:5432/db": "postgresql+psycopg://u@h:5432/db",
    "postgres://u@h/db": "postgresql+psycopg://u@h/db",
    "postgresql+psycopg2://u@h/db": "postgresql+psycopg://u@h/db",
    "postgresql+asyncpg://u@h/db": "postgresql+psycopg://u@h/db",
    "postgresql:///db?host=/run": "postgresql+psycopg:///db?host=%2Frun",
}


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_driver_and_folder_are_settled(text: str) -> None:
    found = parse_url(text, base=Path("/srv"))
    assert found.render_as_string(hide_password=False) == UNDERSTOOD[text]


def test_relative_file_without_a_folder_stays_as_it_is() -> None:
    assert parse_url("sqlite:///host.db").database == "host.db"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host.db",
        "sqlite://",
        "sqlite:///:memory:",
        f"host={SECRET} dbname=db",
        f"mysql://u:{SECRET}@h/db",
        f"oracle+oracledb://u:{SECRET}@h/db",
        f"nosuch://u:{SECRET}@h/db",
        f"//u:{SECRET}@h/db",
        f"postgresql:/u:{SECRET}@h/db",
        f"postgresql://u:{SECRET}@h:port/db",
    ],
)
def test_what_is_no_url_of_ours_is_one_line_without_the_password(text: str) -> None:
    with pytest.raises(DatabaseError, match=r"sqlite:///") as refused:
        Store(text)
    said = str(refused.value)
    assert SECRET not in said
    assert "\n" not in said


@pytest.mark.parametrize("text", ["sqlite+aiosqlite:///{folder}/one.db", "sqlite+pysqlite:///{folder}/one.db"])
def test_sqlite_always_means_the_standard_librarys_driver(text: str, tmp_path: Path) -> None:
    store = Store(text.format(folder=tmp_path), create=True)
    store.upgrade()
    store.require()
    assert (tmp_path / "one.db").is_file()


@pytest.mark.parametrize(
    "text",
    [f"postgresql://u:{SECRET}@h/db", f"postgresql://h/db?user=u&password={SECRET}"],
    ids=["in the address", "in the query"],
)
def test_shown_url_has_no_password(text: str) -> None:
    assert SECRET not in shown(parse_url(text))


def test_missing_file_is_named(tmp_path: Path) -> None:
    for place in (tmp_path / "none.db", tmp_path):
        with pytest.raises(DatabaseError, match=rf"{place}: there is no such file; check the path"):
            Store(f"sqlite:///{place}")
    assert list(tmp_path.iterdir()) == []


def test_file_in_a_missing_folder_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be used: unable to open database file") as refused:
        Store(f"sqlite:///{tmp_path}/none/one.db", create=True).upgrade()
    assert "\n" not in str(refused.value)


def test_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "one.db"
    file.write_text(SECRET * 500)
    with pytest.raises(DatabaseError) as refused:
        Store(f"sqlite:///{file}").require()
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://u:{SECRET}@/db?host={{folder}}",
        f"postgresql://u:{SECRET}@127.0.0.1:1/db",
        f"postgresql://u@/db?host={{folder}}&password={SECRET}",
    ],
    ids=["socket", "port", "password in the query"],
)
def test_server_that_cannot_be_reached_is_one_line_without_the_password(address: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"cannot be used: .") as refused:
        Store(address.format(folder=tmp_path)).require()
    said = str(refused.value)
    assert SECRET not in said
    assert "\n" not in said


def test_missing_driver_is_asked_for_by_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DatabaseError, match=r"install agegate\[postgresql\]"):
        Store("postgresql://u@h/db")


def test_database_that_the_server_does_not_have(new_database: Callable[[], str]) -> None:
    url = parse_url(new_database()).set(database="nosuch")
    with pytest.raises(DatabaseError, match='database "nosuch" does not exist') as refused:
        Store(url).require()
    assert "\n" not in str(refused.value)


# --- one file for host and store ----------------------------------------------------------------------


def journal_mode(layout: Layout, file: str) -> object:
    return (
        layout.engine(f"sqlite:///{layout.folder}/{file}")
        .connect()
        .exec_driver_sql("PRAGMA journal_mode")
        .scalar_one()
    )


@pytest.mark.parametrize(
    ("store", "own"),
    [
        ("sqlite:///host.db", False),
        ("sqlite:///./host.db", False),
        ("sqlite:///sub/../host.db", False),
        ("sqlite:///link.db", False),
        ("sqlite:///agegate.db", True),
        (None, True),
    ],
)
def test_hosts_file_keeps_its_journal_however_it_is_spelled(
    tmp_path: Path, store: str | None, own: bool
) -> None:
    layout = Layout("sqlite", f"sqlite:///{tmp_path}/host.db", "", tmp_path)
    layout.run(*SCHOOL)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "host.db")
    section = f'[store]\nurl = "{store}"\n' if store else ""
    (tmp_path / "agegate.toml").write_text(f'{section}[host]\nurl = "sqlite:///host.db"\n{DESCRIPTION}')
    made = Config.load(tmp_path / "agegate.toml").open_store(create=True)
    made.upgrade()
    made.require()
    made.dispose()
    assert journal_mode(layout, "host.db") == "delete"
    assert (tmp_path / "agegate.db").exists() is own
    if own:
        assert journal_mode(layout, "agegate.db") == "wal"


def test_unreadable_text_in_a_cell_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/one.db", create=True)
    query = sa.text(f"SELECT CAST(x'{SECRET.encode().hex()}ff' AS TEXT) AS born")
    said = ""
    try:
        with reading(store.engine) as connection:
            connection.execute(query).all()
    except DatabaseError as error:
        said = str(error)
    assert SECRET not in said
