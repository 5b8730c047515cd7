"""What hosts test themselves with finds each open way and each path that does not ask, and nothing else."""

from __future__ import annotations

import asyncio
import datetime
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from agegate import AgeGate, Outcome, Registration
from agegate.database import parse_url
from agegate.errors import ConfigError, NotAdmittedError
from agegate.signup import trigger
from agegate.signup.guard import Guard
from agegate.testing import (
    Way,
    aassert_guarded,
    aassert_paths_refuse,
    admitted,
    adult,
    assert_guarded,
    assert_paths_refuse,
    aways,
    child,
    ways,
)

DOCS = Path(__file__).parents[1] / "docs"

Fields = Mapping[str, str]


class Base(DeclarativeBase):
    pass


class Reader(Base):
    """With what makes rows hard to write by hand: keys and defaults of Python's, types with processors."""

    __tablename__ = "Reader's Account"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    mail: Mapped[str] = mapped_column("E-Mail", unique=True)
    since: Mapped[datetime.date]
    settings: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    kind: Mapped[str] = mapped_column(default="reader")


class Visit(Base):
    __tablename__ = "visit"
    id: Mapped[int] = mapped_column(primary_key=True)
    mail: Mapped[str]


def values(number: int) -> dict[str, object]:
    return {"mail": f"reader{number}@example.org", "since": datetime.date(2026, 11, number)}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> AgeGate:
    """A gate with a store of its own, apart from every host."""
    return AgeGate.open(f"sqlite:///{tmp_path_factory.mktemp('gate')}/agegate.db")


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A host's engine, with its tables."""
    made = sa.create_engine(parse_url(database))
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def async_engine(engine: sa.Engine) -> AsyncEngine:
    driver = "sqlite+aiosqlite" if engine.dialect.name == "sqlite" else "postgresql+psycopg"
    return create_async_engine(engine.url.set(drivername=driver))


def count(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(Reader)) or 0


# --- ways -------------------------------------------------------------------------------------------

CLOSED = {"insert().compile()"}
"""What SQLAlchemy 2.1 itself does not execute."""


def by_result(found: list[Way], result: str) -> set[str]:
    return {way.name for way in found if way.result == result} - CLOSED


def test_unguarded_table_is_open_in_every_way_and_left_as_it_was(engine: sa.Engine) -> None:
    found = ways(engine, Reader, values)
    assert by_result(found, "open") == {way.name for way in found} - CLOSED
    assert len(found) == {"sqlite": 18, "postgresql": 20}[engine.dialect.name]
    assert count(engine) == 0
    with pytest.raises(AssertionError) as met:
        assert_guarded(engine, Reader, values)
    assert "Session.merge() is open: call AgeGate.guard with this table" in str(met.value)
    assert "a cursor" not in str(met.value)


def test_guarded_table_is_open_only_to_what_the_trigger_sees(engine: sa.Engine) -> None:
    with Guard(Reader, email="mail"):
        found = ways(engine, Reader, values)
        assert by_result(found, "open") == {way.name for way in found if way.beyond}
        assert_guarded(engine, Reader, values)
        with pytest.raises(AssertionError, match="a cursor of the driver is open: install the trigger"):
            assert_guarded(engine, Reader, values, trigger=True)


def test_trigger_closes_the_last_ways(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        trigger.install(connection, Reader.metadata.tables[Reader.__tablename__], "E-Mail")
    with Guard(Reader, email="mail", trigger=True):
        assert_guarded(engine, Reader, values, trigger=True)


def test_table_leaves_out_what_needs_a_class(engine: sa.Engine) -> None:
    table = Reader.metadata.tables[Reader.__tablename__]
    by_key = {"mail": "E-Mail", "since": "since"}
    found = ways(engine, table, lambda number: {by_key[name]: value for name, value in values(number).items()})
    assert by_result(found, "open") == {way.name for way in found} - CLOSED
    assert not {way.name for way in found if "Session" in way.name}


def test_way_that_could_not_be_tried_is_a_fault_and_shows_no_value(engine: sa.Engine) -> None:
    found = ways(engine, Reader, lambda number: {"mail": f"reader{number}@example.org"})
    assert by_result(found, "untried") == {way.name for way in found} - CLOSED
    with pytest.raises(AssertionError, match="IntegrityError: give values for every column") as met:
        assert_guarded(engine, Reader, lambda number: {"mail": f"reader{number}@example.org"})
    assert "example.org" not in str(met.value)


def test_sessions_of_the_hosts_own_kind_are_tried(engine: sa.Engine) -> None:
    class Asking(Session):
        def flush(self, objects: object = None) -> None:
            raise NotAdmittedError("no account by this session; use the other one")

    found = ways(sessionmaker(engine, class_=Asking), Reader, values)
    assert by_result(found, "stopped") >= {"Session.add()", "Session.add_all()", "Session.merge()"}
    assert "Session.bulk_save_objects()" in by_result(found, "open")
    with pytest.raises(ConfigError, match="the sessionmaker has no engine"):
        ways(sessionmaker(), Reader, values)


def test_async_engine_gives_the_same_answers(engine: sa.Engine) -> None:
    async def run() -> tuple[list[Way], list[Way]]:
        host = async_engine(engine)
        bare = await aways(host, Reader, values)
        with pytest.raises(AssertionError, match=r"Session\.add\(\) is open"):
            await aassert_guarded(host, Reader, values)
        with Guard(Reader, email="mail"):
            await aassert_guarded(host, Reader, values)
            guarded = await aways(host, Reader, values)
        await host.dispose()
        return bare, guarded

    bare, guarded = asyncio.run(run())
    assert [way.name for way in bare] == [way.name for way in ways(engine, Reader, values)]
    assert by_result(bare, "open") == {way.name for way in bare} - CLOSED
    assert by_result(guarded, "open") == {way.name for way in guarded if way.beyond}
    assert count(engine) == 0


# --- paths ------------------------------------------------------------------------------------------


class School:
    """A host with paths that ask the gate and paths that do not."""

    def __init__(self, engine: sa.Engine, gate: AgeGate) -> None:
        self.engine, self.gate = engine, gate

    def sign_up(self, fields: Fields) -> bool:
        decision = self.gate.check(Registration(**fields))
        if decision.outcome is not Outcome.ADMIT:
            return False
        with self.gate.admitting(decision.token, email=fields["email"]):
            self.enrol(fields)
        return True

    def sign_up_or_raise(self, fields: Fields) -> None:
        if not self.sign_up(fields):
            raise PermissionError

    def note_then_ask(self, fields: Fields) -> None:
        with Session(self.engine) as session:
            session.add(Visit(mail=fields["email"]))
            session.commit()
        self.sign_up(fields)

    def forget_then_ask(self, fields: Fields) -> None:
        if not self.sign_up(fields):
            with self.engine.begin() as connection:
                connection.execute(sa.delete(Reader))

    def enrol(self, fields: Fields) -> None:
        with Session(self.engine) as session:
            session.add(Reader(mail=fields["email"], since=datetime.date(2026, 11, 22)))
            session.commit()

    def nothing(self, fields: Fields) -> None:
        """Makes no account for anybody."""

    def broken(self, fields: Fields) -> None:
        raise KeyError("country")

    async def asign_up(self, fields: Fields) -> None:
        decision = await self.gate.acheck(Registration(**fields))
        if decision.outcome is Outcome.ADMIT:
            host = async_engine(self.engine)
            async with (
                self.gate.admitting(decision.token, email=fields["email"]),
                AsyncSession(host) as session,
            ):
                session.add(Reader(mail=fields["email"], since=datetime.date(2026, 11, 22)))
                await session.commit()
            await host.dispose()

    async def aenrol(self, fields: Fields) -> None:
        self.enrol(fields)

    async def abroken(self, fields: Fields) -> None:
        raise KeyError("country")


@pytest.fixture
def school(engine: sa.Engine, gate: AgeGate) -> School:
    return School(engine, gate)


def test_paths_that_ask_are_in_order(school: School) -> None:
    assert_paths_refuse(school.engine, {"form": school.sign_up, "api": school.sign_up_or_raise})
    assert count(school.engine) == 2


FAULTS: list[tuple[Callable[[School], Callable[[Fields], object]], str]] = [
    (lambda school: school.enrol, "path: Reader's Account had 2 rows and has 3 after a child; ask the gate"),
    (lambda school: school.note_then_ask, "path: visit had 1 rows and has 2 after a child"),
    (lambda school: school.forget_then_ask, "path: Reader's Account had 2 rows and has 0 after a child"),
    (lambda school: school.nothing, "path: made no row for an adult; mend"),
    (lambda school: school.broken, "path: made no row for an adult and raised KeyError; mend"),
]


@pytest.mark.parametrize(("path", "said"), FAULTS)
def test_path_that_does_not_ask_first_is_named(
    school: School, path: Callable[[School], Callable[[Fields], object]], said: str
) -> None:
    with pytest.raises(AssertionError, match=re.escape(said)) as met:
        assert_paths_refuse(school.engine, {"form": school.sign_up, "path": path(school)})
    assert str(met.value).startswith("1 fault(s)")
    assert "form" not in str(met.value)


def test_guard_turns_a_path_that_does_not_ask_into_one_that_makes_nothing(school: School) -> None:
    with Guard(Reader, email="mail"), pytest.raises(AssertionError, match="and raised NotAdmittedError"):
        assert_paths_refuse(school.engine, {"invitation": school.enrol})
    assert count(school.engine) == 0


def test_own_fields_are_given_to_the_path(engine: sa.Engine) -> None:
    seen: list[Fields] = []

    def path(fields: Fields) -> None:
        seen.append(fields)
        if fields["country"] == "FR":
            with engine.begin() as connection:
                connection.execute(sa.insert(Visit).values(mail=fields["email"]))

    assert_paths_refuse(engine, {"path": path}, adult={"country": "FR"}, child={"nick": "wren"})
    assert [fields.get("nick") for fields in seen] == [None, "wren"]


def test_coroutine_paths_are_told_apart_as_well(school: School) -> None:
    async def run() -> None:
        host = async_engine(school.engine)
        await aassert_paths_refuse(host, {"api": school.asign_up})
        with pytest.raises(AssertionError, match="invitation: Reader's Account had 2 rows and has 3"):
            await aassert_paths_refuse(host, {"invitation": _renamed(school)})
        with pytest.raises(AssertionError, match="broken: made no row for an adult and raised KeyError"):
            await aassert_paths_refuse(host, {"broken": school.abroken})
        await host.dispose()

    asyncio.run(run())


def _renamed(school: School) -> Callable[[Fields], object]:
    """An invitation to other addresses than those that the first path used."""

    async def invite(fields: Fields) -> None:
        school.enrol({"email": f"invited-{fields['email']}"})

    return invite


# --- people -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", ["US", "FR", "KR", "DE"])
def test_the_child_is_refused_and_the_adult_admitted_everywhere(country: str) -> None:
    gate = AgeGate()
    assert gate.check(Registration(**child(country=country))).outcome is Outcome.REFUSE
    assert gate.check(Registration(**adult(country=country))).outcome is Outcome.ADMIT


def test_admitted_lets_a_test_make_an_account(engine: sa.Engine, gate: AgeGate) -> None:
    contacts = [{"email": "one@example.org"}, {"phone": "+1 201 555 0123"}]
    with Guard(Reader), Session(engine) as session:
        for number, contact in enumerate(contacts, 1):
            with admitted(gate, **contact):
                session.add(Reader(**values(number)))
                session.commit()
    assert count(engine) == len(contacts)


def test_admitted_says_when_the_gate_remembers_a_refusal(tmp_path: Path) -> None:
    gate = AgeGate.open(f"sqlite:///{tmp_path}/agegate.db")
    gate.check(Registration(**child()))
    with pytest.raises(NotAdmittedError, match="a contact that it does not remember"):
        admitted(gate, email=child()["email"])


# --- the page ---------------------------------------------------------------------------------------


def test_example_of_the_page_runs_as_it_stands(tmp_path: Path) -> None:
    page = (DOCS / "guard.md").read_text(encoding="utf-8")
    example = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)[0]
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("an account in account that nobody admitted")
    with sa.create_engine(f"sqlite:///{tmp_path}/school.db").connect() as connection:
        assert connection.exec_driver_sql("SELECT email FROM account").scalars().all() == [adult()["email"]]
