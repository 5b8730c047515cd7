"""The guard: no way of inserting an account gets past it without an admission; with one, one account does."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Compiled
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

from agegate import AgeGate
from agegate.database import parse_url
from agegate.errors import ConfigError, InputError, NotAdmittedError
from agegate.frameworks.django.statements import find_inserts, read_rows
from agegate.signup.guard import Guard
from agegate.store.tables import events
from agegate.testing import admitted, assert_guarded
from tests.conftest import Databases

READER, OTHER, PHONE = "reader@example.org", "other@example.org", "+1 201 555 0123"


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    mail: Mapped[str | None] = mapped_column("email")
    phone: Mapped[str | None]
    nick: Mapped[str | None]
    posts: Mapped[list[Post]] = relationship(back_populates="account")
    groups: Mapped[list[Group]] = relationship(secondary=lambda: MEMBERS)


class Post(Base):
    __tablename__ = "account_post"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    account: Mapped[Account | None] = relationship(back_populates="posts")


class Group(Base):
    __tablename__ = "reading_group"
    id: Mapped[int] = mapped_column(primary_key=True)


MEMBERS = sa.Table(
    "account_group",
    Base.metadata,
    sa.Column("account", sa.ForeignKey("account.id")),
    sa.Column("reading_group", sa.ForeignKey("reading_group.id")),
)

TABLE = Account.metadata.tables["account"]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> AgeGate:
    """A gate with a store of its own, apart from every host."""
    return AgeGate.open(f"sqlite:///{tmp_path_factory.mktemp('gate')}/agegate.db")


@pytest.fixture(scope="module")
def databases_of_this_module(
    postgresql: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """One SQLite file and one PostgreSQL database for all tests here: to make one for each takes long."""
    made = Databases(postgresql)
    yield {"sqlite": f"sqlite:///{tmp_path_factory.mktemp('host')}/host.db", "postgresql": made.make()}
    made.close()


@pytest.fixture(params=("sqlite", "postgresql"))
def database(request: pytest.FixtureRequest, databases_of_this_module: dict[str, str]) -> Iterator[str]:
    """The URL of a database without tables, on SQLite and on PostgreSQL."""
    url = databases_of_this_module[request.param]
    yield url
    engine = sa.create_engine(parse_url(url))
    left = sa.MetaData()
    left.reflect(engine)
    left.drop_all(engine)
    engine.dispose()


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A host's engine, with its tables."""
    made = sa.create_engine(parse_url(database), insertmanyvalues_page_size=50)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def guard() -> Iterator[Guard]:
    """The guard on the accounts, for as long as the test runs."""
    with Guard(Account, email="mail") as found:
        yield found


def mails(engine: sa.Engine) -> list[str | None]:
    """The e-mail addresses of all accounts."""
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(TABLE.c.email)), key=str)


def put(connection: sa.Connection, mail: str = READER) -> None:
    connection.execute(sa.insert(TABLE).values(email=mail))


# --- ways in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("accounts", [Account, TABLE], ids=["class", "table"])
def test_every_way_without_an_admission_is_stopped(engine: sa.Engine, guard: Guard, accounts: Any) -> None:
    name = "mail" if accounts is Account else "email"
    assert_guarded(engine, accounts, lambda number: {name: f"reader{number}@example.org"})
    assert_guarded(sessionmaker(engine), accounts, lambda number: {name: f"reader{number}@example.org"})
    assert mails(engine) == []


def carry_out(session: Session, way: Callable[[Session, str], Any], mail: str) -> None:
    way(session, mail)
    session.commit()


def _upsert(session: Session, mail: str) -> None:
    dialect = sqlite if session.connection().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(TABLE).values(email=mail).on_conflict_do_nothing())


def _after_a_relationship(session: Session, mail: str) -> None:
    session.add(Post(account=Account(mail=mail, groups=[Group()])))


WAYS: dict[str, Callable[[Session, str], Any]] = {
    "add": lambda session, mail: session.add(Account(mail=mail)),
    "merge": lambda session, mail: session.merge(Account(mail=mail)),
    "cascade": _after_a_relationship,
    "with an expression": lambda session, mail: session.add(Account(mail=mail, nick=sa.func.lower("A"))),
    "bulk objects": lambda session, mail: session.bulk_save_objects([Account(mail=mail)]),
    "bulk objects with keys": lambda session, mail: session.bulk_save_objects([Account(mail=mail)], True),
    "bulk mappings": lambda session, mail: session.bulk_insert_mappings(sa.inspect(Account), [{"mail": mail}]),
    "orm rows": lambda session, mail: session.execute(sa.insert(Account), [{"mail": mail}]),
    "orm values": lambda session, mail: session.execute(sa.insert(Account).values(mail=mail)),
    "orm list": lambda session, mail: session.execute(sa.insert(Account).values([{"mail": mail}])),
    "attribute keys": lambda session, mail: session.execute(sa.insert(Account).values({Account.mail: mail})),
    "listed attribute keys": lambda session, mail: session.execute(
        sa.insert(Account).values([{Account.mail: mail}])
    ),
    "returning": lambda session, mail: session.scalars(sa.insert(Account).returning(Account), [{"mail": mail}]),
    "core row": lambda session, mail: session.connection().execute(sa.insert(TABLE), {"email": mail}),
    "core rows": lambda session, mail: session.connection().execute(sa.insert(TABLE), [{"email": mail}]),
    "core list": lambda session, mail: session.execute(sa.insert(TABLE).values([{"email": mail}])),
    "column keys": lambda session, mail: session.execute(sa.insert(TABLE).values({TABLE.c.email: mail})),
    "tuple": lambda session, mail: session.execute(sa.insert(TABLE).values((7, mail, None, "nick"))),
    "tuples": lambda session, mail: session.execute(sa.insert(TABLE).values([(7, mail, None, "nick")])),
    "parameter": lambda session, mail: session.connection().execute(
        sa.insert(TABLE).values(email=sa.bindparam("who")), {"who": mail}
    ),
    "default of a parameter": lambda session, mail: session.connection().execute(
        sa.insert(TABLE).values(email=sa.bindparam("who", mail))
    ),
    "literal": lambda session, mail: session.execute(sa.insert(TABLE).values(email=sa.literal(mail))),
    "values and row": lambda session, mail: session.connection().execute(
        sa.insert(TABLE).values(email=OTHER), {"email": mail}
    ),
    "upsert": _upsert,
    "light table": lambda session, mail: session.execute(
        sa.insert(sa.table("account", sa.column("email"))).values(email=mail)
    ),
    "no cache": lambda session, mail: session.connection(execution_options={"compiled_cache": None}).execute(
        sa.insert(TABLE).values(email=mail)
    ),
    "comment": lambda session, mail: session.execute(
        sa.insert(TABLE).prefix_with("/* nightly */").values(email=mail)
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_admission_lets_in_one_account_with_its_own_e_mail(
    engine: sa.Engine, guard: Guard, gate: AgeGate, way: Callable[[Session, str], Any]
) -> None:
    with admitted(gate, email=READER):
        with Session(engine) as session, pytest.raises(NotAdmittedError):
            carry_out(session, way, "child@example.org")
        with Session(engine) as session:
            carry_out(session, way, READER)
        with Session(engine) as session, pytest.raises(NotAdmittedError):
            session.execute(sa.insert(Account).values(mail=READER))
    with Session(engine) as session, pytest.raises(NotAdmittedError):
        carry_out(session, way, READER)
    assert mails(engine) == [READER]


def test_insert_that_was_compiled_before_is_read_as_any_other(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    if not hasattr(Compiled, "_execute_on_connection"):
        pytest.skip("SQLAlchemy 2.1 executes nothing that was compiled before")
    compiled: Any = sa.insert(TABLE).values(email=READER).compile(engine)
    with admitted(gate, email=READER), engine.begin() as connection:
        with pytest.raises(NotAdmittedError):
            connection.execute(compiled, {"email": OTHER})
        connection.execute(compiled)
        with pytest.raises(NotAdmittedError):
            connection.execute(compiled)
    assert mails(engine) == [READER]


UNREADABLE: dict[str, Callable[[sa.Connection], Any]] = {
    "function": lambda connection: connection.execute(sa.insert(TABLE).values(email=sa.func.lower(READER))),
    "cast": lambda connection: connection.execute(sa.insert(TABLE).values(email=sa.cast(READER, sa.Text))),
    "select": lambda connection: connection.execute(
        sa.insert(TABLE).from_select(["email"], sa.select(sa.literal(READER)))
    ),
    "sub-select": lambda connection: connection.execute(
        sa.insert(TABLE).values(email=sa.select(sa.literal(READER)).scalar_subquery())
    ),
    "hidden by a parameter": lambda connection: connection.execute(
        sa.insert(TABLE).values(email=sa.bindparam("who", READER)), {"who": "child@example.org"}
    ),
    "listed and replaced": lambda connection: connection.execute(
        sa.insert(TABLE).values([{"email": READER}]), {"email_m0": "child@example.org"}
    ),
    "named twice": lambda connection: connection.execute(
        sa.insert(TABLE).values({"email": READER}), {"mail": "child@example.org"}
    ),
    "text": lambda connection: connection.execute(
        sa.text("INSERT INTO account (email) VALUES (:mail)"), {"mail": READER}
    ),
    "nothing": lambda connection: connection.execute(sa.insert(TABLE), {"nick": "reader"}),
    "null": lambda connection: connection.execute(sa.insert(TABLE).values(email=sa.null())),
    "no text": lambda connection: connection.execute(sa.insert(TABLE).values(email=17)),
    "a list": lambda connection: connection.execute(sa.insert(TABLE).values(email=[READER])),
    "second row": lambda connection: connection.execute(
        sa.insert(TABLE), [{"email": READER}, {"email": "child@example.org"}]
    ),
    "same twice": lambda connection: connection.execute(sa.insert(TABLE), [{"email": READER}] * 2),
}


@pytest.mark.parametrize("way", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_told_to_be_the_admitted_account_is_refused(
    engine: sa.Engine, guard: Guard, gate: AgeGate, way: Callable[[sa.Connection], Any]
) -> None:
    with admitted(gate, email=READER):
        with engine.begin() as connection, pytest.raises(NotAdmittedError):
            way(connection)
        with engine.begin() as connection:  # and the admission is still good
            put(connection)
    assert mails(engine) == [READER]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has no INSERT in a CTE
def test_insert_inside_another_statement_is_refused(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    inner = sa.insert(TABLE).values(email=OTHER).returning(TABLE.c.id).cte("inner")
    outer = [
        sa.select(inner.c.id),
        sa.insert(TABLE).values(email=READER).add_cte(inner),
        sa.insert(Group.__table__).from_select(["id"], sa.select(inner.c.id)),
    ]
    for statement in outer:
        with admitted(gate, email=READER), engine.begin() as connection, pytest.raises(NotAdmittedError):
            connection.execute(statement)
    assert mails(engine) == []


SPELLINGS = [
    "INSERT INTO account (email) VALUES ('a')",
    "insert\n into\taccount values (1)",
    'INSERT INTO "account" (email) VALUES (1)',
    'INSERT INTO"account"(email) VALUES (1)',
    "INSERT INTO [account] VALUES (1)",
    "INSERT INTO `account` VALUES (1)",
    "INSERT INTO 'account' (email) VALUES ('a')",
    "INSERT INTO 'main'.'account' VALUES (1)",
    """INSERT INTO "main".'account'(email) VALUES (1)""",
    'INSERT INTO "a ""good"" school".account VALUES (1)',
    "INSERT INTO Account VALUES (1)",
    "INSERT INTO public.account VALUES (1)",
    'INSERT INTO "our school" . "account" VALUES (1)',
    "INSERT INTO other.public.account VALUES (1)",
    "INSERT OR IGNORE INTO account VALUES (1)",
    "REPLACE INTO account VALUES (1)",
    "INSERT /* a note */ INTO account VALUES (1)",
    "INSERT INTO/**/account VALUES (1)",
    "INSERT -- a note\n INTO account VALUES (1)",
    "WITH a AS (SELECT 1) INSERT INTO account SELECT * FROM a",
    "MERGE INTO account USING other ON true WHEN NOT MATCHED THEN INSERT VALUES (1)",
    "INSERT INTO only account VALUES (1)",
    "SELECT 1; INSERT INTO account VALUES (1)",
    "COPY account FROM '/tmp/accounts.csv'",
    'copy "account" (id, email) from stdin',
]


@pytest.mark.parametrize("sql", SPELLINGS)
def test_textual_insert_is_found_however_it_is_spelled(engine: sa.Engine, guard: Guard, sql: str) -> None:
    with engine.connect() as connection:
        with pytest.raises(NotAdmittedError):
            connection.execute(sa.text(sql))
        with pytest.raises(NotAdmittedError):
            connection.exec_driver_sql(sql)


@pytest.mark.parametrize("sql", SPELLINGS)
def test_django_finds_a_textual_insert_however_it_is_spelled(sql: str) -> None:
    assert find_inserts(sql, "account") == 1


DJANGO_COLUMNS = [
    ("email, phone", True),
    ("\"email\", 'phone'", True),
    ("'email', [phone]", True),
    ("`email`, phone", True),
    ("email /* of the reader */, phone", False),
    ("/**/ email, phone", False),
    ("email[1], phone", False),
]


@pytest.mark.parametrize(("columns", "is_read"), DJANGO_COLUMNS)
def test_django_reads_a_column_however_it_is_quoted_or_refuses_it(columns: str, is_read: bool) -> None:
    sql = f"INSERT INTO 'account' ({columns}) VALUES (%s, %s)"
    if is_read:
        assert list(read_rows(sql, "account", [OTHER, PHONE])) == [{"email": OTHER, "phone": PHONE}]
    else:
        with pytest.raises(NotAdmittedError, match="cannot be checked"):
            list(read_rows(sql, "account", [OTHER, PHONE]))


HARMLESS = [
    "SELECT email FROM account",
    "SELECT 'insert into', 'account' FROM account",
    "UPDATE account SET email = 'into account'",
    "DELETE FROM account",
    "INSERT INTO account_post (id) VALUES (1)",
    "INSERT INTO reading_group (id) SELECT id FROM account",
    'INSERT INTO "account_group" VALUES (NULL, NULL)',
    "SELECT 'insert' AS into_account FROM account",
]


@pytest.mark.parametrize("sql", HARMLESS)
def test_other_statements_are_left_alone(engine: sa.Engine, guard: Guard, sql: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)
    with engine.connect() as connection, pytest.raises(NotAdmittedError):
        put(connection)
    assert mails(engine) == [], "nobody came in by it"


def test_other_tables_and_updates_need_no_admission(engine: sa.Engine, gate: AgeGate) -> None:
    with Guard(Account, email="mail"):
        with admitted(gate, email=READER), Session(engine) as session:
            session.add(account := Account(mail=READER))
            session.commit()
            number = account.id
        with Session(engine) as session:
            account = session.get_one(Account, number)
            account.mail, account.groups, account.posts = OTHER, [Group()], [Post()]
            session.commit()
            session.execute(sa.update(Account).values(nick="reader"))
            session.bulk_update_mappings(sa.inspect(Account), [{"id": number, "nick": "wren"}])
            session.merge(Account(id=number, phone=PHONE))
            session.commit()
    assert mails(engine) == [OTHER]


# --- how long an admission lasts --------------------------------------------------------------------


def test_rollback_gives_the_admission_back_and_commit_does_not(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    with admitted(gate, email=READER), engine.connect() as connection:
        put(connection)
        connection.rollback()
        put(connection)
        connection.commit()
        connection.scalar(sa.select(1))
        connection.rollback()
        with pytest.raises(NotAdmittedError):
            put(connection, "reader+again@example.org")
    assert mails(engine) == [READER]


def test_savepoint_that_is_rolled_back_gives_the_admission_back(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    with admitted(gate, email=READER), engine.begin() as connection:
        with connection.begin_nested() as outer:
            inner = connection.begin_nested()
            put(connection)
            inner.rollback()
            with connection.begin_nested():
                put(connection)
            with pytest.raises(NotAdmittedError):
                put(connection)
            outer.rollback()
        put(connection)
    assert mails(engine) == [READER]


def test_savepoint_does_not_give_back_what_was_inserted_before_it(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    with admitted(gate, email=READER), engine.begin() as connection:
        with connection.begin_nested():
            put(connection)
        connection.begin_nested().rollback()
        with pytest.raises(NotAdmittedError):
            put(connection)
    assert mails(engine) == [READER]


def test_autocommit_gives_no_admission_back(database: str, guard: Guard, gate: AgeGate) -> None:
    engine = sa.create_engine(parse_url(database), isolation_level="AUTOCOMMIT")
    Base.metadata.create_all(engine)
    with admitted(gate, email=READER):
        with engine.connect() as connection:
            put(connection)  # is there, whatever comes
        with engine.connect() as connection, pytest.raises(NotAdmittedError):
            put(connection)
    assert mails(engine) == [READER]
    engine.dispose()


def test_statement_that_fails_gives_the_admission_back_with_its_transaction(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    with admitted(gate, email=READER):
        for parameters in ({"id": "no number", "email": READER}, {"email": READER, "nick": object()}):
            with engine.connect() as connection, pytest.raises(sa.exc.StatementError):
                connection.execute(sa.insert(TABLE), parameters)
        with engine.begin() as connection:
            put(connection)
    assert mails(engine) == [READER]


def test_admission_ends_with_its_block_and_with_an_error_in_it(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    with pytest.raises(RuntimeError), admitted(gate, email=READER):
        raise RuntimeError
    with admitted(gate, email=READER):
        session = Session(engine)
        session.add(Account(mail=READER))
    with session, pytest.raises(NotAdmittedError):  # flushed too late
        session.commit()
    assert mails(engine) == []


def test_admissions_side_by_side_and_inside_one_another_are_told_apart(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    with admitted(gate, email=READER), Session(engine) as session:
        with admitted(gate, email=OTHER):
            session.add_all([Account(mail=OTHER), Account(mail=READER)])
            session.commit()
        session.add(Account(mail=OTHER))
        with pytest.raises(NotAdmittedError):
            session.commit()
    assert mails(engine) == [OTHER, READER]


def test_another_thread_has_no_admission(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    met: list[str] = []

    def insert() -> None:
        try:
            with engine.begin() as connection:
                put(connection)
        except NotAdmittedError as error:
            met.append(type(error).__name__)

    with admitted(gate, email=READER):
        thread = threading.Thread(target=insert)
        if hasattr(thread, "_context"):  # later Pythons may hand the context on
            thread = threading.Thread(target=contextvars.Context().run, args=(insert,))
        thread.start()
        thread.join()
    assert (met, mails(engine)) == (["NotAdmittedError"], [])


def test_threads_of_one_task_share_its_admission_and_one_account_comes(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    together = threading.Barrier(6)

    def insert() -> bool:
        together.wait()
        try:
            with engine.begin() as connection:
                put(connection)
        except NotAdmittedError:
            return False
        return True

    async def run() -> list[bool]:
        async with admitted(gate, email=READER):
            return await asyncio.gather(*(asyncio.to_thread(insert) for _ in range(6)))

    assert sorted(asyncio.run(run())) == [False] * 5 + [True]
    assert mails(engine) == [READER]


def test_task_that_outlives_the_block_has_no_admission(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    async def late(block_ended: asyncio.Event) -> None:
        await block_ended.wait()
        with engine.begin() as connection:
            put(connection)

    async def run() -> None:
        block_ended = asyncio.Event()
        async with admitted(gate, email=READER):
            task = asyncio.create_task(late(block_ended))
            await asyncio.sleep(0)
        block_ended.set()
        with pytest.raises(NotAdmittedError):
            await task

    asyncio.run(run())
    assert mails(engine) == []


def test_generator_that_holds_the_block_open_holds_its_admission(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    def holding() -> Iterator[None]:
        with admitted(gate, email=READER):
            yield

    held = holding()
    next(held)
    with engine.begin() as connection:
        put(connection)
    next(held, None)
    with engine.connect() as connection, pytest.raises(NotAdmittedError):
        put(connection)
    assert mails(engine) == [READER]


def test_block_may_end_in_another_context_than_it_began(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    block: AbstractContextManager[None] = admitted(gate, email=READER)
    contextvars.copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    with engine.connect() as connection, pytest.raises(NotAdmittedError):
        put(connection)


def test_many_admissions_let_in_as_many_rows_in_batches(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    rows = [{"email": f"reader{number}@example.org"} for number in range(120)]
    with ExitStack() as stack:
        for row in rows:
            stack.enter_context(admitted(gate, email=row["email"]))
        with engine.begin() as connection, pytest.raises(NotAdmittedError):
            connection.execute(sa.insert(TABLE), [*rows, {"email": OTHER}])
        with engine.begin() as connection:
            made = connection.execute(sa.insert(TABLE).returning(TABLE.c.id), list(reversed(rows))).all()
    assert len(made) == len(mails(engine)) == len(rows)


# --- contacts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", [READER, "Reader@Example.org", "reader+school@example.org", "READER@EXAMPLE.ORG"]
)
def test_admitted_e_mail_may_be_written_in_another_way(
    engine: sa.Engine, guard: Guard, gate: AgeGate, written: str
) -> None:
    with admitted(gate, email=READER), engine.begin() as connection:
        put(connection, written)
    assert mails(engine) == [written]


CONTACTS = [
    # what was checked; the new account; whether it comes
    ({"email": READER, "phone": PHONE}, {"email": READER, "phone": PHONE}, True),
    ({"email": READER, "phone": PHONE}, {"email": READER, "phone": "(201) 555-0123"}, True),
    ({"email": READER, "phone": PHONE}, {"email": READER, "phone": None}, True),
    ({"email": READER, "phone": PHONE}, {"email": READER, "phone": ""}, True),
    ({"phone": PHONE}, {"phone": "+12015550123"}, True),
    ({"phone": PHONE}, {"phone": PHONE, "email": ""}, True),
    ({"email": READER}, {"email": READER}, True),
    ({"email": READER}, {"email": READER, "phone": PHONE}, False),
    ({"email": READER, "phone": PHONE}, {"email": READER, "phone": "+1 201 555 0124"}, False),
    ({"email": READER, "phone": PHONE}, {"email": OTHER, "phone": PHONE}, False),
    ({"phone": PHONE}, {"email": READER}, False),
    ({"email": READER}, {"email": None, "phone": None}, False),
    ({"email": READER}, {"email": "", "phone": ""}, False),
]


@pytest.mark.parametrize(("checked", "row", "comes"), CONTACTS)
def test_account_comes_only_with_the_contacts_that_were_checked(
    engine: sa.Engine, gate: AgeGate, checked: dict[str, str], row: dict[str, str | None], comes: bool
) -> None:
    with Guard(Account, email="mail", phone="phone"), admitted(gate, **checked), engine.connect() as connection:
        if comes:
            connection.execute(sa.insert(TABLE).values(row))
        else:
            with pytest.raises(NotAdmittedError):
                connection.execute(sa.insert(TABLE).values(row))


@pytest.mark.parametrize("column", ["EMAIL", "Email", "MAIL"])
def test_column_in_other_letters_hides_no_contact(tmp_path: Any, gate: AgeGate, column: str) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/one.db")
    Base.metadata.create_all(engine)
    light = sa.table("account", sa.column(column), sa.column("phone"))
    insert = sa.insert(light).values({column: OTHER, "phone": PHONE})
    with (
        Guard(Account, email="mail", phone="phone"),
        admitted(gate, email=READER, phone=PHONE),
        engine.connect() as connection,
        pytest.raises(NotAdmittedError),
    ):
        connection.execute(insert)
    engine.dispose()


def test_guard_without_contacts_counts_accounts(engine: sa.Engine, gate: AgeGate) -> None:
    with Guard(Account), admitted(gate, email=READER), engine.connect() as connection:
        put(connection, OTHER)
        with pytest.raises(NotAdmittedError):
            put(connection, READER)


class Sealed(sa.TypeDecorator[str]):
    """A host's type that does not keep what it is given as it is."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value and f"sealed:{value[::-1]}"

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value and value.removeprefix("sealed:")[::-1]


def test_e_mail_that_the_host_encrypts_is_read_before_it_is(database: str, gate: AgeGate) -> None:
    class Own(DeclarativeBase):
        pass

    class Holder(Own):
        __tablename__ = "holder"
        id: Mapped[int] = mapped_column(primary_key=True)
        _mail: Mapped[str] = mapped_column("sealed_mail", Sealed)

        @hybrid_property
        def mail(self) -> str:
            return self._mail

    engine = sa.create_engine(parse_url(database))
    Own.metadata.create_all(engine)
    with pytest.raises(ConfigError, match="no column 'mail'"):
        Guard(Holder, email="mail")
    with Guard(Holder, email="_mail"), admitted(gate, email=READER), Session(engine) as session:
        session.execute(sa.insert(Holder).values(_mail=READER))
        with pytest.raises(NotAdmittedError):
            session.execute(sa.insert(Holder).values(_mail=READER))
        session.commit()
        assert session.scalars(sa.select(Holder)).one().mail == READER
    engine.dispose()


def test_e_mail_that_an_event_changes_late_is_seen_as_it_is_inserted(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    def change(_mapper: object, _connection: object, account: Account) -> None:
        account.mail = OTHER

    event.listen(Account, "before_insert", change)
    try:
        with admitted(gate, email=READER), Session(engine) as session, pytest.raises(NotAdmittedError):
            carry_out(session, WAYS["add"], READER)
        with admitted(gate, email=OTHER), Session(engine) as session:
            carry_out(session, WAYS["add"], READER)
    finally:
        event.remove(Account, "before_insert", change)
    assert mails(engine) == [OTHER]


# --- shapes of hosts --------------------------------------------------------------------------------


class Kin(DeclarativeBase):
    pass


class Member(Kin):
    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="member")
    email: Mapped[str]
    __mapper_args__: ClassVar[dict[str, object]] = {"polymorphic_on": "kind", "polymorphic_identity": "member"}


class Teacher(Member):
    __tablename__ = "teacher"
    id: Mapped[int] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    subject: Mapped[str | None]
    __mapper_args__: ClassVar[dict[str, object]] = {"polymorphic_identity": "teacher"}


class Guest(Member):
    __mapper_args__: ClassVar[dict[str, object]] = {"polymorphic_identity": "guest"}


class Machine(Kin):
    __tablename__ = "machine"
    id: Mapped[int] = mapped_column(primary_key=True)


class Robot(Machine):
    __tablename__ = "robot"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    __mapper_args__: ClassVar[dict[str, object]] = {"concrete": True}


@pytest.mark.parametrize(("guarded", "made"), [(Member, Teacher), (Teacher, Guest), (Guest, Member)])
def test_inherited_classes_are_guarded_with_their_first_table(
    database: str, gate: AgeGate, guarded: type[Member], made: type[Member]
) -> None:
    engine = sa.create_engine(parse_url(database))
    Kin.metadata.create_all(engine)
    with Guard(guarded, email="email"):
        with Session(engine) as session, pytest.raises(NotAdmittedError):
            carry_out(session, lambda session, mail: session.add(made(email=mail)), READER)
        with admitted(gate, email=READER), Session(engine) as session:
            carry_out(session, lambda session, mail: session.add(made(email=mail)), READER)
            assert session.scalars(sa.select(made.email)).all() == [READER]
    engine.dispose()


def test_class_with_a_table_of_its_own_is_guarded_there(database: str, gate: AgeGate) -> None:
    engine = sa.create_engine(parse_url(database))
    Kin.metadata.create_all(engine)
    with Guard(Robot, email="email"), Session(engine) as session:
        session.add(Machine())
        session.flush()
        session.add(Robot(email=READER))
        with pytest.raises(NotAdmittedError):
            session.flush()
    engine.dispose()


NAMES = ["user", "User Accounts", "ACCOUNT", "käufer", "a.b", 'the "readers"', sa.quoted_name("READER", True)]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_must_be_quoted_are_guarded(database: str, gate: AgeGate, name: str) -> None:
    engine = sa.create_engine(parse_url(database))
    table = sa.Table(name, sa.MetaData(), sa.Column("E-Mail", sa.String, key="mail"))
    table.create(engine)
    with Guard(table, email="mail") as guard:
        assert guard.contact == "E-Mail"
        assert_guarded(engine, table, lambda number: {"mail": f"reader{number}@example.org"})
        with admitted(gate, email=READER), engine.connect() as connection:
            connection.execute(sa.insert(table).values(mail=READER))
    engine.dispose()


def test_sqlite_knows_a_table_by_its_name_in_any_case(tmp_path: Any, guard: Guard) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/one.db")
    Base.metadata.create_all(engine)
    with engine.connect() as connection, pytest.raises(NotAdmittedError):
        connection.execute(sa.insert(sa.table("ACCOUNT", sa.column("email"))).values(email=READER))
    engine.dispose()


@pytest.fixture
def schemas(new_database: Callable[[], str]) -> Iterator[sa.Engine]:
    """A database with the table of accounts in three schemas, and its engine."""
    made = sa.create_engine(parse_url(new_database()))
    with made.begin() as connection:
        for schema in ("tenant", "archive"):
            connection.execute(sa.schema.CreateSchema(schema))
        for schema in ("public", "tenant", "archive"):
            connection.exec_driver_sql(f"CREATE TABLE {schema}.account (email text)")
    yield made
    made.dispose()


def account_in(schema: str | None) -> sa.Table:
    return sa.Table("account", sa.MetaData(), sa.Column("email", sa.String), schema=schema)


SCHEMAS = [
    # the guarded table's schema; the one that is inserted into; whether that is guarded
    (None, None, True),
    (None, "public", True),
    ("public", None, True),
    ("tenant", "tenant", True),
    (None, "archive", False),
    ("tenant", "archive", False),
    ("tenant", None, False),
]


@pytest.mark.parametrize(("guarded", "used", "stopped"), SCHEMAS)
def test_same_name_in_another_schema_is_another_table(
    schemas: sa.Engine, guarded: str | None, used: str | None, stopped: bool
) -> None:
    with Guard(account_in(guarded), email="email"), schemas.begin() as connection:
        if stopped:
            with pytest.raises(NotAdmittedError):
                connection.execute(sa.insert(account_in(used)).values(email=READER))
        else:
            connection.execute(sa.insert(account_in(used)).values(email=READER))


TRANSLATIONS: list[tuple[str | None, str | None, dict[str | None, str | None], bool]] = [
    # the guarded table's schema; the one that is inserted into; how it is translated; whether that is guarded
    (None, "tenant", {"tenant": None}, True),
    (None, "tenant", {"tenant": "public"}, True),
    ("tenant", "each", {"each": "tenant"}, True),
    ("tenant", None, {None: "tenant"}, True),
    (None, None, {None: "archive"}, True),
    (None, "archive", {None: "archive"}, True),
    (None, "public", {None: "archive"}, True),
    (None, "tenant", {"tenant": sa.quoted_name("PUBLIC", False)}, True),
    ("tenant", sa.quoted_name("TENANT", False), {}, True),
    ("public", None, {None: "archive"}, False),
    (None, "tenant", {"tenant": "archive"}, False),
]

Translated = dict[str | None, str | None]
Run = Callable[[sa.Engine, sa.Insert, Translated], Any]


def _with_the_engine(engine: sa.Engine, insert: sa.Insert, translated: Translated) -> None:
    with engine.execution_options(schema_translate_map=translated).begin() as connection:
        connection.execute(insert)


def _with_the_connection(
    engine: sa.Engine, insert: sa.Insert, translated: dict[str | None, str | None]
) -> None:
    with engine.connect() as connection:
        connection.execution_options(schema_translate_map=translated).execute(insert)
        connection.commit()


def _with_the_statement(engine: sa.Engine, insert: sa.Insert, translated: Translated) -> None:
    with engine.begin() as connection:
        connection.execute(insert.execution_options(schema_translate_map=translated))


def _with_the_call(engine: sa.Engine, insert: sa.Insert, translated: Translated) -> None:
    with engine.begin() as connection:
        connection.execute(insert, execution_options={"schema_translate_map": translated})


TOLD = [_with_the_engine, _with_the_connection, _with_the_statement, _with_the_call]


@pytest.mark.parametrize("run", TOLD)
def test_schema_is_compared_as_it_is_translated(schemas: sa.Engine, run: Run) -> None:
    for guarded, used, translated, stopped in TRANSLATIONS:
        insert = sa.insert(account_in(used)).values(email=READER)
        with Guard(account_in(guarded), email="email"):
            if stopped:
                with pytest.raises(NotAdmittedError):
                    run(schemas, insert, dict(translated))
            else:
                run(schemas, insert, dict(translated))
    with schemas.connect() as connection:
        counts = [
            connection.scalar(sa.select(sa.func.count()).select_from(account_in(schema)))
            for schema in ("public", "tenant", "archive")
        ]
    assert counts == [0, 0, 2]


SQLITE_PLACES: list[tuple[str, dict[str | None, str | None]]] = [
    ("main", {}),
    ("MAIN", {}),
    ("tenant", {"tenant": None}),
    ("tenant", {"tenant": "Main"}),
]


@pytest.mark.parametrize(("schema", "translated"), SQLITE_PLACES)
def test_sqlite_knows_its_schema_in_any_case_and_translated(
    tmp_path: Any, guard: Guard, gate: AgeGate, schema: str, translated: dict[str | None, str | None]
) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/one.db")
    Base.metadata.create_all(engine)
    insert = sa.insert(account_in(schema))
    with engine.execution_options(schema_translate_map=translated).connect() as connection:
        with pytest.raises(NotAdmittedError):
            connection.execute(insert.values(email=READER))
        with admitted(gate, email=READER):
            connection.execute(insert.values(email=READER))
            with pytest.raises(NotAdmittedError):
                connection.execute(insert.values(email=READER))
    engine.dispose()


def test_insert_whose_schema_was_written_when_it_was_compiled_is_refused(tmp_path: Any, guard: Guard) -> None:
    if not hasattr(Compiled, "_execute_on_connection"):
        pytest.skip("SQLAlchemy 2.1 executes nothing that was compiled before")
    engine = sa.create_engine(f"sqlite:///{tmp_path}/one.db")
    Base.metadata.create_all(engine)
    insert = sa.insert(account_in("tenant")).values(email=READER)
    compiled: Any = insert.compile(
        engine, schema_translate_map={"tenant": "main"}, render_schema_translate=True
    )
    with engine.begin() as connection, pytest.raises(NotAdmittedError):
        connection.execute(compiled)
    assert mails(engine) == []
    engine.dispose()


def test_translated_schemas_are_guarded(schemas: sa.Engine, gate: AgeGate) -> None:
    tenant = schemas.execution_options(schema_translate_map={None: "tenant"})
    with Guard(account_in(None), email="email"):
        assert_guarded(tenant, account_in(None), lambda number: {"email": f"reader{number}@example.org"})
        with admitted(gate, email=READER), tenant.begin() as connection:
            connection.execute(sa.insert(account_in(None)).values(email=READER))
    with schemas.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(account_in("tenant"))) == 1


def test_insert_that_another_listener_puts_in_place_of_one_elsewhere_is_refused(
    schemas: sa.Engine, gate: AgeGate
) -> None:
    def replace(_connection: object, _statement: object, many: Any, one: Any, _options: object) -> Any:
        return sa.insert(account_in(None)).values(email=READER), many, one

    with Guard(account_in(None), email="email"):
        event.listen(schemas, "before_execute", replace, retval=True)
        with schemas.begin() as connection, pytest.raises(NotAdmittedError):
            connection.execute(sa.insert(account_in("archive")).values(email=READER))


# --- the guard itself -------------------------------------------------------------------------------


def test_engines_made_before_and_after_the_guard_are_guarded(database: str) -> None:
    before = sa.create_engine(parse_url(database))
    Base.metadata.create_all(before)
    with before.connect() as open_already:
        open_already.scalar(sa.select(1))
        with Guard(Account, email="mail"):
            after = sa.create_engine(parse_url(database))
            with after.connect() as fresh:
                for connection in (open_already, fresh):
                    with pytest.raises(NotAdmittedError):
                        put(connection)
        put(open_already)
    before.dispose()
    after.dispose()


def test_guard_that_is_installed_again_takes_the_place_of_the_first(engine: sa.Engine, gate: AgeGate) -> None:
    first = gate.guard(Account)
    second = gate.guard(Account, email="mail")
    try:
        with admitted(gate, email=READER), engine.begin() as connection:
            put(connection)
        first.remove()
        with engine.connect() as connection, pytest.raises(NotAdmittedError):
            put(connection)
    finally:
        second.remove()
        second.remove()
    with engine.begin() as connection:
        put(connection, OTHER)
    assert mails(engine) == [OTHER, READER]


def test_guards_on_two_tables_do_not_meet(engine: sa.Engine, gate: AgeGate) -> None:
    both = Guard(Account, email="mail"), Guard(Group)
    with both[0], both[1], admitted(gate, email=READER), engine.connect() as connection:
        put(connection)
        with pytest.raises(NotAdmittedError):
            connection.execute(sa.insert(Group).values(id=1))


WRONG: list[tuple[Any, dict[str, str], str]] = [
    (Account, {"email": "email_address"}, "no column 'email_address'"),
    (Account, {"phone": "posts"}, "no column 'posts'"),
    (TABLE, {"email": "mail"}, "no column 'mail'"),
]


@pytest.mark.parametrize(("accounts", "names", "said"), WRONG)
def test_guard_on_a_column_that_is_not_there_says_so(accounts: Any, names: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Guard(accounts, **names)


def test_class_that_is_mapped_to_no_table_cannot_be_guarded() -> None:
    class Own(DeclarativeBase):
        pass

    class Both(Own):
        __table__ = sa.join(TABLE, Post.__table__)
        id = sa.orm.column_property(TABLE.c.id, Post.__table__.c.account_id)
        post_id = Post.__table__.c.id

    with pytest.raises(ConfigError, match="give that of the accounts"):
        Guard(Both)


@pytest.mark.parametrize(
    "way",
    [
        lambda c: put(c, "wren@example.net"),
        lambda c: c.exec_driver_sql(f"INSERT INTO account VALUES ('{OTHER}')"),
    ],
)
def test_refusal_names_the_table_and_no_person(
    engine: sa.Engine, guard: Guard, way: Callable[[sa.Connection], Any]
) -> None:
    with engine.connect() as connection, pytest.raises(NotAdmittedError) as met:
        way(connection)
    assert "account" in str(met.value)
    assert "example" not in str(met.value)
    assert "\n" not in str(met.value)


# --- what the operator answers for -------------------------------------------------------------------


def test_import_lets_accounts_in_by_every_way_and_counts_them(
    engine: sa.Engine, guard: Guard, gate: AgeGate
) -> None:
    with gate.importing("teachers of the old system"), engine.begin() as connection:
        put(connection)
        connection.execute(sa.insert(guard.table), [{"email": f"t{number}@example.org"} for number in range(3)])
        connection.execute(sa.text(f"INSERT INTO {guard.table.name} (email) VALUES ('u@example.org')"))
    with engine.connect() as connection, pytest.raises(NotAdmittedError):
        put(connection)
    recorded = [event for event in events_of(gate) if event[0].startswith("signup.import")]
    assert recorded[-2:] == [
        ("signup.import_begun", "operator", '{"reason":"teachers of the old system"}'),
        ("signup.import_ended", "operator", '{"accounts":5}'),
    ]


def test_import_counts_an_insert_from_a_select(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    copied = sa.insert(TABLE).from_select(["email"], sa.select(sa.literal(READER)))
    with gate.importing("the old system's table"), engine.begin() as connection:
        connection.execute(copied)
    assert events_of(gate)[-1] == ("signup.import_ended", "operator", '{"accounts":1}')


def test_import_that_fails_is_recorded_and_over(engine: sa.Engine, guard: Guard, gate: AgeGate) -> None:
    with pytest.raises(ZeroDivisionError), gate.importing("a slip", by="s-17"):
        raise ZeroDivisionError
    with engine.connect() as connection, pytest.raises(NotAdmittedError):
        put(connection)
    assert [event[0] for event in events_of(gate)][-2:] == ["signup.import_begun", "signup.import_ended"]


@pytest.mark.parametrize("reason", ["", "  "])
def test_import_needs_a_reason(gate: AgeGate, reason: str) -> None:
    with pytest.raises(InputError, match="reason"), gate.importing(reason):
        pass


def events_of(gate: AgeGate) -> list[tuple[str, str, str]]:
    """Kind, actor and content of every event of a gate's store."""
    memory = gate._memory
    assert memory is not None
    with memory.store.reading() as connection:
        found = connection.execute(
            sa.select(events.c.kind, events.c.actor, events.c.data).order_by(events.c.id)
        )
        return [tuple(row) for row in found]
