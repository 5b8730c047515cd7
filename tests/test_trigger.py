"""The trigger: what SQLAlchemy never sees is stopped in the database, and no open door is left behind."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from agegate import AgeGate
from agegate.database import parse_url
from agegate.errors import NotAdmittedError
from agegate.signup import trigger
from agegate.signup.guard import Guard
from agegate.testing import aassert_guarded, admitted, assert_guarded, ways
from tests.conftest import Databases
from tests.test_guard import Sealed

READER, OTHER = "reader@example.org", "other@example.org"


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    mail: Mapped[str | None] = mapped_column("email", unique=True)


class Robot(Base):
    __tablename__ = "Robot Accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    mail: Mapped[str | None] = mapped_column("E-Mail")


TABLE, ROBOTS = Base.metadata.tables["account"], Base.metadata.tables["Robot Accounts"]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> AgeGate:
    """A gate with a store of its own, apart from every host."""
    return AgeGate.open(f"sqlite:///{tmp_path_factory.mktemp('gate')}/agegate.db")


@pytest.fixture(scope="module")
def server(postgresql: str) -> Iterator[str]:
    """The URL of a PostgreSQL database for all tests here."""
    made = Databases(postgresql)
    yield made.make()
    made.close()


@pytest.fixture(params=("sqlite", "postgresql"))
def database(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[str]:
    """The URL of a database with both tables, and nothing of agegate's."""
    url = f"sqlite:///{tmp_path}/host.db" if request.param == "sqlite" else request.getfixturevalue("server")
    engine = sa.create_engine(parse_url(url))
    Base.metadata.create_all(engine)
    yield str(url)
    Base.metadata.drop_all(engine)
    if request.param == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA IF EXISTS agegate CASCADE")
    engine.dispose()


@pytest.fixture
def postgres(server: str) -> Iterator[sa.Engine]:
    """An engine of an empty PostgreSQL database, which is emptied again."""
    made = sa.create_engine(parse_url(server))
    yield made
    with made.begin() as connection:
        for schema in ("agegate", "public"):
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    made.dispose()


@pytest.fixture
def bare(database: str) -> Iterator[sa.Engine]:
    """An engine of a host without the trigger."""
    made = sa.create_engine(parse_url(database))
    yield made
    made.dispose()


@pytest.fixture
def engine(bare: sa.Engine) -> sa.Engine:
    """An engine of a host with the trigger on its accounts."""
    with bare.begin() as connection:
        trigger.install(connection, TABLE, "email")
    return bare


@pytest.fixture
def guard() -> Iterator[Guard]:
    """The guard that tells the trigger."""
    with Guard(Account, email="mail", trigger=True) as found:
        yield found


def mails(engine: sa.Engine) -> list[str | None]:
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(TABLE.c.email)), key=str)


def told(engine: sa.Engine) -> int:
    """How many accounts the trigger would let in."""
    name = "agegate.agegate_admission" if engine.dialect.name == "postgresql" else "agegate_admission"
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one())


def by_another_program(engine: sa.Engine, mail: str = READER, table: str = "account") -> str:
    """What the database answers to a program that knows nothing of SQLAlchemy; empty where it inserts."""
    sql = f"INSERT INTO \"{table}\" VALUES (77, '{mail}')"
    try:
        if engine.dialect.name == "sqlite":
            plain = sqlite3.connect(str(engine.url.database))
            try:
                plain.execute(sql)
                plain.commit()
            finally:
                plain.close()
        else:
            with psycopg.connect(engine.url.set(drivername="postgresql").render_as_string(False)) as other:
                other.execute(sql)
    except (sqlite3.Error, psycopg.Error) as error:
        return str(error).partition("\n")[0]
    return ""


def async_engine(engine: sa.Engine) -> AsyncEngine:
    driver = "sqlite+aiosqlite" if engine.dialect.name == "sqlite" else "postgresql+psycopg"
    return create_async_engine(engine.url.set(drivername=driver))


# --- what is stopped --------------------------------------------------------------------------------


def test_every_way_is_stopped_the_drivers_own_too(engine: sa.Engine, guard: Guard) -> None:
    assert_guarded(engine, Account, lambda number: {"mail": f"reader{number}@example.org"}, trigger=True)
    assert_guarded(engine, TABLE, lambda number: {"email": f"reader{number}@example.org"}, trigger=True)
    assert (mails(engine), told(engine)) == ([], 0)


def test_every_way_of_an_async_engine_is_stopped(engine: sa.Engine, guard: Guard) -> None:
    async def run() -> None:
        host = async_engine(engine)
        values = lambda number: {"mail": f"reader{number}@example.org"}  # noqa: E731 - a row by number
        await aassert_guarded(host, Account, values, trigger=True)
        await host.dispose()

    asyncio.run(run())
    assert mails(engine) == []


def test_trigger_alone_stops_every_way(engine: sa.Engine) -> None:
    found = ways(engine, Account, lambda number: {"mail": f"reader{number}@example.org"})
    assert {way.name for way in found if way.result != "stopped"} == set()
    assert len(found) > 15


def test_other_programs_are_stopped_with_one_clear_line(engine: sa.Engine) -> None:
    assert by_another_program(engine) == trigger.MESSAGE
    assert mails(engine) == []


def test_program_of_its_own_process_is_stopped_while_an_admission_is_open_here(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    program = (
        "import sys, sqlalchemy as sa\n"
        "with sa.create_engine(sys.argv[1]).begin() as connection:\n"
        "    connection.execute(sa.text(\"INSERT INTO account (email) VALUES ('reader@example.org')\"))\n"
    )
    url = engine.url.render_as_string(hide_password=False)
    with admitted(gate, email=READER):
        done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=False)
    assert (done.returncode, trigger.MESSAGE in done.stderr) == (1, True)
    assert mails(engine) == []


@pytest.mark.parametrize("verb", ["INSERT OR IGNORE", "INSERT OR REPLACE", "INSERT OR FAIL", "REPLACE"])
def test_conflict_clauses_of_sqlite_do_not_silence_the_trigger(tmp_path: Any, verb: str) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/host.db")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        trigger.install(connection, TABLE, "email")
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError, match=trigger.MESSAGE):
        connection.exec_driver_sql(f"{verb} INTO account VALUES (1, 'reader@example.org')")
    assert mails(engine) == []
    engine.dispose()


def test_update_needs_no_admission(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    with admitted(gate, email=READER), Session(engine) as session:
        session.add(Account(mail=READER))
        session.commit()
    with engine.begin() as connection:
        connection.execute(sa.update(TABLE).values(email=OTHER))
    assert mails(engine) == [OTHER]


# --- what is let in ---------------------------------------------------------------------------------


LET_IN: dict[str, Callable[[Session], Any]] = {
    "session": lambda session: session.add(Account(mail=READER)),
    "other spelling": lambda session: session.add(Account(mail="Reader+School@Example.ORG")),
    "core": lambda session: session.execute(sa.insert(TABLE).values(email=READER)),
    "rows": lambda session: session.connection().execute(sa.insert(TABLE), [{"email": READER}]),
    "text": lambda session: session.execute(sa.text(f"INSERT INTO account (email) VALUES ('{READER}')")),
    "driver sql": lambda session: session.connection().exec_driver_sql(
        f"INSERT INTO account (email) VALUES ('{READER.upper()}')"
    ),
    "text from a select": lambda session: session.execute(
        sa.text(f"INSERT INTO account (email) SELECT '{READER}'")
    ),
    "savepoint": lambda session: _in_a_savepoint(session),
}


def _in_a_savepoint(session: Session) -> None:
    with session.begin_nested():
        session.add(Account(mail=READER))


@pytest.mark.parametrize("way", LET_IN.values(), ids=LET_IN)
def test_admitted_account_comes_in_once_and_the_door_is_shut_behind_it(
    engine: sa.Engine, guard: Guard, gate: AgeGate, way: Callable[[Session], Any]
) -> None:
    with admitted(gate, email=READER), Session(engine) as session:
        way(session)
        session.commit()
    assert (len(mails(engine)), told(engine)) == (1, 0)
    assert by_another_program(engine, OTHER) == trigger.MESSAGE
    with engine.begin() as connection:
        connection.execute(sa.delete(TABLE))
    assert by_another_program(engine) == trigger.MESSAGE


NOT_LET_IN = {
    "another person": f"INSERT INTO account (email) VALUES ('{OTHER}')",
    "nobody": "INSERT INTO account (id) VALUES (1)",
    "two rows": f"INSERT INTO account (email) VALUES ('{READER}'), ('{OTHER}')",
    "from a select": f"INSERT INTO account (email) SELECT '{READER}' UNION SELECT '{OTHER}'",
}


@pytest.mark.parametrize("sql", NOT_LET_IN.values(), ids=NOT_LET_IN)
def test_textual_insert_inside_an_admission_is_compared_by_the_database(
    engine: sa.Engine, guard: Guard, gate: AgeGate, sql: str
) -> None:
    with admitted(gate, email=READER), engine.connect() as connection:
        with pytest.raises(sa.exc.IntegrityError, match=trigger.MESSAGE):
            connection.exec_driver_sql(sql)
        connection.rollback()
        with connection.begin():  # the admission is still good
            connection.execute(sa.insert(TABLE).values(email=READER))
    assert (mails(engine), told(engine)) == ([READER], 0)


def test_many_rows_with_an_admission_each_come_in(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    with admitted(gate, email=READER), admitted(gate, email=OTHER), engine.begin() as connection:
        connection.execute(sa.insert(TABLE), [{"email": OTHER}, {"email": READER}])
    assert (mails(engine), told(engine)) == ([OTHER, READER], 0)


def test_copy_lets_in_only_who_was_told(postgres: sa.Engine, gate: AgeGate) -> None:
    Base.metadata.create_all(postgres)
    with postgres.begin() as connection:
        trigger.install(connection, TABLE, "email")
    with postgres.connect() as connection:
        trigger.admit_rows(connection, TABLE.c.email, [READER])
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            with cursor.copy("COPY account (email) FROM STDIN") as lines:
                lines.write_row((READER,))
            with (
                pytest.raises(psycopg.errors.CheckViolation),
                cursor.copy("COPY account (email) FROM STDIN") as lines,
            ):
                lines.write_row((READER + ".au",))
        connection.rollback()


def test_async_sessions_let_in_one_account(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    async def run() -> None:
        host = async_engine(engine)
        async with admitted(gate, email=READER), AsyncSession(host) as session:
            session.add(Account(mail=READER))
            await session.commit()
        async with AsyncSession(host) as session:
            session.add(Account(mail=OTHER))
            with pytest.raises(NotAdmittedError):
                await session.commit()
        await host.dispose()

    asyncio.run(run())
    assert (mails(engine), told(engine)) == ([READER], 0)


# --- what is left behind ----------------------------------------------------------------------------


def test_insert_that_fails_and_is_caught_leaves_no_open_door(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    with admitted(gate, email=READER), engine.begin() as connection:
        connection.execute(sa.insert(TABLE).values(id=1, email=READER))
    with admitted(gate, email=OTHER), engine.begin() as connection:
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(TABLE).values(id=1, email=OTHER))
        except sa.exc.IntegrityError:
            connection.execute(sa.update(TABLE).values(id=2))
    assert (mails(engine), told(engine)) == ([READER], 0)


def test_statement_that_fails_without_a_savepoint_leaves_no_open_door(
    tmp_path: Any, guard: Guard, gate: AgeGate
) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/host.db")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        trigger.install(connection, TABLE, "email")
    with admitted(gate, email=READER), engine.begin() as connection:
        connection.execute(sa.insert(TABLE).values(id=1, email=READER))
    with admitted(gate, email=OTHER), engine.begin() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(sa.insert(TABLE).values(id=1, email=OTHER))
    assert (mails(engine), told(engine)) == ([READER], 0)
    engine.dispose()


def test_rollback_leaves_no_open_door(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    with admitted(gate, email=READER):
        with engine.connect() as connection:
            connection.execute(sa.insert(TABLE).values(email=READER))
            connection.rollback()
        assert by_another_program(engine) == trigger.MESSAGE
        with engine.begin() as connection:
            connection.execute(sa.insert(TABLE).values(email=READER))
    assert (mails(engine), told(engine)) == ([READER], 0)


def test_upsert_that_meets_an_account_leaves_no_open_door(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    sql = f"INSERT INTO account (email) VALUES ('{READER}') ON CONFLICT DO NOTHING"
    for _ in range(2):
        with admitted(gate, email=READER), engine.begin() as connection:
            connection.exec_driver_sql(sql)
    assert (mails(engine), told(engine)) == ([READER], 0)
    guard.remove()
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError, match=trigger.MESSAGE):
        connection.exec_driver_sql(sql)


def test_what_one_transaction_was_told_lets_no_other_in(postgres: sa.Engine) -> None:
    Base.metadata.create_all(postgres)
    with postgres.begin() as connection:
        trigger.install(connection, TABLE, "email")
    with postgres.begin() as connection:
        trigger.admit_rows(connection, TABLE.c.email, [READER])  # and committed, against the rules
    assert by_another_program(postgres) == trigger.MESSAGE


def test_autocommit_with_the_trigger_is_one_clear_line(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    loose = engine.execution_options(isolation_level="AUTOCOMMIT")
    one_line = pytest.raises(NotAdmittedError, match="insert in a transaction")
    with admitted(gate, email=READER), loose.connect() as connection, one_line:
        connection.execute(sa.insert(TABLE).values(email=READER))
    assert (mails(engine), told(engine)) == ([], 0)


# --- installing and removing ------------------------------------------------------------------------


def test_installing_again_changes_nothing_and_removing_again_too(bare: sa.Engine) -> None:
    for _ in range(2):
        with bare.begin() as connection:
            trigger.install(connection, TABLE, "email")
    assert by_another_program(bare) == trigger.MESSAGE
    for _ in range(2):
        with bare.begin() as connection:
            trigger.remove(connection, TABLE)
    assert by_another_program(bare) == ""


def test_two_tables_are_guarded_side_by_side(bare: sa.Engine, gate: AgeGate) -> None:
    with bare.begin() as connection:
        trigger.install(connection, TABLE, "email")
        trigger.install(connection, ROBOTS, "E-Mail")
    assert by_another_program(bare) == by_another_program(bare, table=ROBOTS.name) == trigger.MESSAGE
    with Guard(Robot, email="mail", trigger=True), admitted(gate, email=READER), Session(bare) as session:
        session.add(Robot(mail=READER))
        session.commit()
    with bare.begin() as connection:
        trigger.remove(connection, TABLE)
    assert (by_another_program(bare), by_another_program(bare, table=ROBOTS.name)) == ("", trigger.MESSAGE)
    with bare.begin() as connection:
        trigger.remove(connection, ROBOTS)
    assert by_another_program(bare, table=ROBOTS.name) == ""


def test_migration_can_carry_the_statements(bare: sa.Engine) -> None:
    for statement in trigger.statements(bare.dialect, TABLE, "email"):
        with bare.begin() as connection:
            connection.execute(sa.text(statement))
    assert by_another_program(bare) == trigger.MESSAGE


def test_table_in_a_schema_is_guarded_there(postgres: sa.Engine, gate: AgeGate) -> None:
    table = sa.Table("account", sa.MetaData(), sa.Column("email", sa.String), schema="Our School")
    with postgres.begin() as connection:
        connection.execute(sa.schema.CreateSchema("Our School"))
        table.create(connection)
        trigger.install(connection, table, "email")
    with Guard(table, email="email", trigger=True):
        assert_guarded(postgres, table, lambda number: {"email": f"reader{number}@example.org"}, trigger=True)
        with admitted(gate, email=READER), postgres.begin() as connection:
            connection.execute(sa.insert(table).values(email=READER))
    with postgres.begin() as connection:
        connection.exec_driver_sql('DROP SCHEMA "Our School" CASCADE')


def test_partitions_are_guarded_with_their_table(postgres: sa.Engine, gate: AgeGate) -> None:
    table = sa.Table("account", sa.MetaData(), sa.Column("email", sa.String), sa.Column("land", sa.String))
    with postgres.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE account (email text, land text) PARTITION BY LIST (land)")
        connection.exec_driver_sql("CREATE TABLE account_fr PARTITION OF account FOR VALUES IN ('FR')")
        trigger.install(connection, table, "email")
    with postgres.connect() as connection, pytest.raises(sa.exc.IntegrityError, match=trigger.MESSAGE):
        connection.exec_driver_sql("INSERT INTO account_fr VALUES ('reader@example.org', 'FR')")
    with (
        Guard(table, email="email", trigger=True),
        admitted(gate, email=READER),
        postgres.begin() as connection,
    ):
        connection.execute(sa.insert(table).values(email=READER, land="FR"))
    with postgres.begin() as connection:
        trigger.remove(connection, table)


@pytest.mark.parametrize("column", ["email", None], ids=["compared", "counted"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_contact_that_the_host_encrypts_is_told_as_it_is_written(
    tmp_path: Any, postgres: sa.Engine, gate: AgeGate, column: str | None, kind: str
) -> None:
    table = sa.Table("account", sa.MetaData(), sa.Column("email", Sealed))
    engine = postgres if kind == "postgresql" else sa.create_engine(f"sqlite:///{tmp_path}/sealed.db")
    with engine.begin() as connection:
        table.create(connection)
        trigger.install(connection, table, column)
    with Guard(table, email="email", trigger=True), admitted(gate, email=READER):
        with engine.begin() as connection:
            connection.execute(sa.insert(table).values(email=READER))
        with engine.connect() as connection, pytest.raises(NotAdmittedError):
            connection.execute(sa.insert(table).values(email=READER))
    assert told(engine) == 0
    engine.dispose()


def test_role_that_may_not_tell_the_trigger_makes_no_account(postgres: sa.Engine) -> None:
    Base.metadata.create_all(postgres)
    with postgres.begin() as connection:
        trigger.install(connection, TABLE, "email")
        connection.exec_driver_sql("CREATE ROLE importer")
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA public TO importer")
        connection.exec_driver_sql("GRANT ALL ON account, account_id_seq TO importer")
    with postgres.connect() as connection:
        connection.exec_driver_sql("SET ROLE importer")
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.exec_driver_sql("INSERT INTO account (email) VALUES ('reader@example.org')")
    assert mails(postgres) == []
    with postgres.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY importer")
        connection.exec_driver_sql("DROP ROLE importer")
