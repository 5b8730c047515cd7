"""agegate's own tables: made two ways alike, moments in UTC, whole transactions, and errors that help."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

import agegate.database
from agegate import AgeGate, Outcome, Registration
from agegate.database import SCHEMA, open_engine, parse_url, writing
from agegate.errors import BusyError, DatabaseError
from agegate.store import Store, beside, migrations, tables
from agegate.store.tables import Moment
from tests.conftest import NOW


@pytest.fixture
def store(database: str) -> Store:
    """A store by its migrations."""
    store = Store(database, create=True)
    store.upgrade()
    return store


# --- the two ways of making tables --------------------------------------------------------------------


def shape(store: Store) -> dict[str, Any]:
    """All that the database says about agegate's tables, to compare."""
    with store.reading() as connection:
        inspector = sa.inspect(connection)
        schema = SCHEMA if connection.dialect.name == "postgresql" else None
        return {
            table: {
                "columns": [
                    {key: str(value) for key, value in column.items()}
                    for column in sorted(
                        inspector.get_columns(table, schema), key=lambda column: column["name"]
                    )
                ],
                "key": inspector.get_pk_constraint(table, schema),
                "foreign": sorted(inspector.get_foreign_keys(table, schema), key=repr),
                "unique": sorted(inspector.get_unique_constraints(table, schema), key=repr),
                "indexes": sorted(inspector.get_indexes(table, schema), key=repr),
            }
            for table in inspector.get_table_names(schema)
        }


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrations_make_exactly_the_tables_of_the_metadata(
    kind: str, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" if kind == "sqlite" else new_database() for name in "ab"]
    migrated, created = (Store(url, create=True) for url in urls)
    migrated.upgrade()
    created.create()
    assert set(shape(created)) == {*(table.name for table in tables.metadata.sorted_tables), "agegate_version"}
    assert shape(migrated) == shape(created)


def without_schema() -> sa.MetaData:
    """The tables as SQLite, which knows neither schemas nor comments, has them."""
    found = sa.MetaData()
    for table in tables.metadata.sorted_tables:
        copy = table.to_metadata(found, schema=None, referred_schema_fn=lambda *_: sa.BLANK_SCHEMA)
        copy.comment = None
        names = {tuple(index.columns.keys()): index.name for index in table.indexes}
        for index in copy.indexes:
            index.name = names[tuple(index.columns.keys())]
    return found


def test_alembic_finds_nothing_to_migrate(store: Store) -> None:
    with store.reading() as connection:
        on_postgresql = connection.dialect.name == "postgresql"
        schema = SCHEMA if on_postgresql else None
        wanted = tables.metadata
        if not on_postgresql:
            wanted = without_schema()
        options = {
            "version_table": "agegate_version",
            "version_table_schema": schema,
            "include_schemas": on_postgresql,
            "compare_type": True,
            "compare_server_default": on_postgresql,
        }
        context = MigrationContext.configure(connection, opts=options)
        found = [change for change in compare_metadata(context, wanted) if "comment" not in repr(change)[:40]]
    assert found == []


@pytest.mark.parametrize("order", ["ccuc", "uucu"])
def test_making_and_upgrading_in_any_order_is_harmless(database: str, order: str) -> None:
    store = Store(database, create=True)
    for step in order:
        (store.create if step == "c" else store.upgrade)()
        if step == order[0]:
            first = shape(store)
            with store.writing() as connection:
                row = {"tag": secrets.token_hex(4), "expires_at": NOW}
                connection.execute(sa.insert(tables.refusals), [row])
    assert shape(store) == first
    with store.reading() as connection:
        assert connection.execute(sa.select(tables.refusals.c.expires_at)).scalars().first() == NOW
    store.require()


def test_missing_tables_are_asked_for_by_the_command_that_makes_them(database: str) -> None:
    store = Store(database, create=True)
    with pytest.raises(DatabaseError, match="run `agegate db upgrade`") as refused:
        store.require()
    assert "\n" not in str(refused.value)
    store.upgrade()
    store.require()


def test_table_that_vanished_is_asked_for_too(database: str) -> None:
    store = Store(database, create=True)
    with pytest.raises(DatabaseError) as refused, store.reading() as connection:
        connection.execute(sa.select(tables.refusals))
    assert "\n" not in str(refused.value)


def test_default_store_lies_beside_the_host() -> None:
    assert beside(parse_url("sqlite:////srv/shop/host.db")) == parse_url("sqlite:////srv/shop/agegate.db")
    server = parse_url("postgresql://u:p@h/db")
    assert beside(server) == server


# --- a store of an earlier version, and of a later one --------------------------------------------------

FIRST = "0001"

ROWS: dict[str, list[dict[str, object]]] = {
    "agegate_refusal": [{"tag": "k1:one", "expires_at": NOW}, {"tag": "k1:two", "expires_at": NOW}],
    "agegate_event": [{"id": 7, "at": NOW, "kind": "sweep.finished", "actor": "sweep", "data": "{}"}],
    "agegate_seal": [{"position": 1, "event_id": 7, "hash": "a" * 64, "sealed_at": NOW}],
    "agegate_lease": [{"name": "sweep", "holder": "elsewhere:1:ff", "until": NOW}],
    "agegate_sweep": [
        {
            "id": 3,
            "as_of": NOW.date(),
            "started_at": NOW,
            "finished_at": NOW,
            "rules": "b" * 64,
            "accounts": 12,
        },
        {"id": 4, "as_of": NOW.date(), "started_at": NOW, "rules": "b" * 64, "checkpoint": "5", "accounts": 5},
    ],
    "agegate_flag": [
        {
            **{
                "id": 5,
                "account": "17",
                "cause": "declared",
                "band": "certain",
                "under": 1.0,
                "ever_under": 1.0,
            },
            **{"limit_age": 13, "jurisdiction": "US", "rule": None, "notes": "n", "fingerprint": "c" * 64},
            **{"known_at": NOW, "verdict": "minor", "decided_by": "staff-7", "decided_at": NOW, "reason": "r"},
        }
    ],
    "agegate_evidence": [
        {
            **{"id": 6, "flag": 5, "account": "17", "signal": "birth_date", "rule": "declared-minor"},
            **{"source": "birth_date", "said_on": NOW.date(), "weight": 3.5, "words": "k1:words"},
        }
    ],
    "agegate_report": [
        {"id": 8, "account": "17", "said_by": "parent", "said_on": NOW.date(), "age": 11, "received_at": NOW}
    ],
    "agegate_request": [
        {"id": 9, "account": "17", "flag": 5, "state": "done", "cause": "declared", "queued_at": NOW}
    ],
    "agegate_receipt": [{"request": 9, "created_at": NOW, "body": "{}"}],
}
"""Rows for every table of the first version, by the columns that it had."""


def of_the_first_version(url: str) -> Store:
    """A store as the first version left it, with rows in every table."""
    store = Store(url, create=True)
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.schema.CreateSchema(SCHEMA))
        command.upgrade(migrations._config(connection), FIRST)
        found = tables_of(connection)
        for name, rows in ROWS.items():
            for row in rows:
                connection.execute(sa.insert(found[name]).values(row))
    return store


def tables_of(connection: sa.Connection) -> dict[str, sa.Table]:
    """The tables as the database itself describes them, moments as ours."""
    found = sa.MetaData()
    found.reflect(connection, schema=SCHEMA if connection.dialect.name == "postgresql" else None)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.DateTime):
                column.type = Moment()
    return {table.name: table for table in found.tables.values()}


def contents(store: Store) -> dict[str, list[dict[str, object]]]:
    """Every row of every table but the version's, as a mapping without what is empty."""
    with store.reading() as connection:
        return {
            name: [
                {key: value for key, value in row._mapping.items() if value is not None}
                for row in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for name, table in tables_of(connection).items()
            if name != "agegate_version"
        }


def test_the_version_is_that_of_the_newest_migration(store: Store) -> None:
    with store.reading() as connection:
        scripts = ScriptDirectory.from_config(migrations._config(connection))
        held = connection.execute(sa.select(tables_of(connection)["agegate_version"])).scalars().all()
    line = [script.revision for script in scripts.walk_revisions()]
    assert scripts.get_heads() == [tables.VERSION] == held
    assert line == [f"{number:04}" for number in range(len(line), 0, -1)], "one line, numbered without gaps"


def test_older_store_is_refused_with_both_versions(database: str) -> None:
    old = of_the_first_version(database)
    before = contents(old)
    with pytest.raises(DatabaseError, match="run `agegate db upgrade`") as refused:
        old.require()
    said = str(refused.value)
    assert [part for part in (FIRST, tables.VERSION) if part not in said] == []
    assert "\n" not in said
    assert contents(old) == before


@pytest.mark.parametrize("steps", ["u", "c", "uu", "cc", "uc", "cu"])
def test_older_store_is_upgraded_without_loss(
    database: str, steps: str, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    old = of_the_first_version(database)
    before = contents(old)
    assert {name: len(rows) for name, rows in before.items()} == {
        name: len(rows) for name, rows in ROWS.items()
    }
    for step in steps:
        (old.create if step == "c" else old.upgrade)()
    old.require()
    after = contents(old)
    assert (after.pop("agegate_question"), after.pop("agegate_token")) == ([], [])
    assert [row.pop("reported") for row in after["agegate_sweep"]] == ["{}", "{}"]
    assert after == before
    fresh = Store(
        f"sqlite:///{tmp_path}/fresh.db" if database.startswith("sqlite") else new_database(), create=True
    )
    fresh.create()
    assert shape(old) == shape(fresh)


def test_upgraded_store_takes_rows_of_this_version(database: str) -> None:
    store = of_the_first_version(database)
    store.create()
    question = {"account": "17", "asked_at": NOW, "under_at": NOW}
    swept = {"as_of": NOW.date(), "started_at": NOW, "rules": "b" * 64, "reported": '{"a": 1}'}
    with store.writing() as connection:
        connection.execute(sa.insert(tables.questions), [question])
        connection.execute(sa.insert(tables.sweeps), [swept])
        assert connection.execute(sa.select(tables.questions)).one()._asdict() == question
        written = sa.select(tables.sweeps.c.reported).where(tables.sweeps.c.reported != "{}")
        assert connection.execute(written).scalars().all() == ['{"a": 1}']


def test_gate_on_its_own_file_upgrades_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/agegate.db"
    old = of_the_first_version(url)
    gate = AgeGate.open(url)
    child = Registration(birth_date="2020-01-01", country="US", email="comet@example.net")
    assert gate.check(child, now=NOW).outcome is Outcome.REFUSE
    old.require()
    assert len(contents(old)["agegate_refusal"]) == 1, "the older marks had ended"


def test_interrupted_upgrade_leaves_the_older_version_whole(database: str) -> None:
    old = of_the_first_version(database)
    before = contents(old)
    with old.writing() as connection:
        migrations.upgrade(connection)
        connection.rollback()
    assert contents(old) == before
    with pytest.raises(DatabaseError, match=FIRST):
        old.require()
    old.upgrade()
    old.require()


LATER = "9999"


@pytest.mark.parametrize("way", ["require", "create", "upgrade"])
def test_store_of_a_later_version_is_refused_with_both_versions_and_left_alone(database: str, way: str) -> None:
    """An older agegate, started by mistake, must neither write into what it does not know nor crash."""
    store = Store(database, create=True)
    store.upgrade()
    with store.writing() as connection:
        connection.execute(sa.update(tables_of(connection)["agegate_version"]).values(version_num=LATER))
    before = shape(store)
    with pytest.raises(DatabaseError) as refused:
        getattr(store, way)()
    said = str(refused.value)
    assert [part for part in (LATER, tables.VERSION) if part not in said] == []
    assert "\n" not in said
    assert shape(store) == before


# --- moments ------------------------------------------------------------------------------------------

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001 - bounds are naive


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=lambda found: found.name)
@given(moment=MOMENTS)
def test_moment_is_kept_and_given_back_in_utc(dialect: sa.Dialect, moment: datetime) -> None:
    kept = Moment().process_bind_param(moment, dialect)
    back = Moment().process_result_value(kept, dialect)
    assert back is not None
    assert (back, back.tzinfo) == (moment, UTC)


def test_moment_comes_back_from_the_database_to_the_microsecond(store: Store) -> None:
    local = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-9, minutes=-30)))
    with store.writing() as connection:
        connection.execute(sa.insert(tables.refusals), [{"tag": "t", "expires_at": local}])
        found = connection.execute(sa.select(tables.refusals.c.expires_at)).scalar_one()
        early = sa.select(tables.refusals.c.tag).where(tables.refusals.c.expires_at < local)
        assert connection.execute(early).all() == []
    assert (found, found.tzinfo) == (local, UTC)


def test_naive_moment_is_refused(store: Store) -> None:
    naive = NOW.replace(tzinfo=None)
    insert = sa.insert(tables.refusals).values(tag="t", expires_at=naive)
    with pytest.raises(sa.exc.StatementError, match="without a time zone"), store.writing() as connection:
        connection.execute(insert)
    assert Moment().process_bind_param(None, sqlite.dialect()) is None
    assert Moment().process_result_value(None, sqlite.dialect()) is None


# --- transactions -------------------------------------------------------------------------------------


def write_all(store: Store, *, leases: int = 1, error: type[BaseException] | None = None) -> None:
    """Write a refusal and a lease, the lease perhaps twice, and perhaps fail after it."""
    lease = {"name": "n", "holder": "zyzzyva", "until": NOW}
    with store.writing() as connection:
        connection.execute(sa.insert(tables.refusals), [{"tag": "one", "expires_at": NOW}])
        for _ in range(leases):
            connection.execute(sa.insert(tables.leases), [lease])
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("how", "raised"),
    [
        ({"error": RuntimeError}, RuntimeError),
        ({"error": KeyboardInterrupt}, KeyboardInterrupt),
        ({"leases": 2}, sa.exc.IntegrityError),
    ],
)
def test_error_in_the_middle_undoes_the_whole_transaction(
    store: Store, how: dict[str, Any], raised: type[BaseException]
) -> None:
    with pytest.raises(raised):
        write_all(store, **how)
    with store.reading() as connection:
        assert connection.execute(sa.select(tables.refusals)).all() == []
        assert connection.execute(sa.select(tables.leases)).all() == []
    write_all(store)


def test_drivers_error_does_not_repeat_what_was_to_be_written(store: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError) as refused:
        write_all(store, leases=2)
    assert "zyzzyva" not in str(refused.value)


def test_reference_to_nothing_is_refused(store: Store) -> None:
    receipt = {"request": 17, "created_at": NOW, "body": "{}"}
    with pytest.raises(sa.exc.IntegrityError), store.writing() as connection:
        connection.execute(sa.insert(tables.receipts), [receipt])


def test_read_only_engine_refuses_writes(database: str) -> None:
    store = Store(database, create=True)
    store.upgrade()
    engine = open_engine(parse_url(database), read_only=True)
    insert = sa.insert(tables.refusals).values(tag="t", expires_at=NOW)
    with pytest.raises((DatabaseError, sa.exc.DBAPIError), match=r"read.?only"), writing(engine) as connection:
        connection.execute(insert)
    engine.dispose()
    with store.reading() as connection:
        assert connection.execute(sa.select(tables.refusals)).all() == []


# --- SQLite's own -------------------------------------------------------------------------------------


def pragma(engine: sa.Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


@pytest.mark.parametrize(
    ("own", "pragmas"),
    [
        (True, {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}),
        (False, {"journal_mode": "delete", "secure_delete": 1, "foreign_keys": 1, "query_only": 0}),
    ],
)
def test_pragmas_of_own_file_and_of_a_hosts(tmp_path: Path, own: bool, pragmas: dict[str, object]) -> None:
    engine = open_engine(parse_url(f"sqlite:///{tmp_path}/one.db"), own=own, create=True)
    assert {name: pragma(engine, name) for name in pragmas} == pragmas


def test_deleted_bytes_are_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "one.db"
    engine = open_engine(parse_url(f"sqlite:///{file}"), create=True)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x TEXT)")
        connection.exec_driver_sql("INSERT INTO t VALUES ('zyzzyva')")
    assert b"zyzzyva" in file.read_bytes()
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM t")
    assert b"zyzzyva" not in file.read_bytes()


def test_held_write_lock_is_busy_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agegate.database, "BUSY_MS", 20)
    url = f"sqlite:///{tmp_path}/one.db"
    store, host = Store(url, create=True, shared=True), open_engine(parse_url(url), create=True)
    store.upgrade()
    with (
        writing(host),
        pytest.raises(BusyError, match="commit it before you call agegate") as refused,
        store.writing(),
    ):
        pass
    assert refused.value.exit_code == 75
    with store.writing() as connection:
        connection.execute(sa.insert(tables.refusals), [{"tag": "t", "expires_at": NOW}])
