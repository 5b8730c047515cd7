"""The gate among coroutines: the same answers, a loop that goes on, no waiting for one's own transaction."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from agegate import AgeGate, Outcome, Registration
from agegate.database import BUSY_MS, parse_url
from agegate.errors import BusyError, NotAdmittedError
from agegate.keys import KeyRing
from agegate.signup.guard import Guard
from agegate.store import Store
from agegate.testing import adult, child
from tests.conftest import NOW, TODAY

READER, OTHER = "reader@example.org", "other@example.org"
KEYS = KeyRing.generate()
PLAIN = AgeGate()


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]


def made_async(engine: sa.Engine) -> AsyncEngine:
    driver = "sqlite+aiosqlite" if engine.dialect.name == "sqlite" else "postgresql+psycopg"
    return create_async_engine(engine.url.set(drivername=driver))


# --- the same answers -------------------------------------------------------------------------------

BIRTH_DATES = st.one_of(
    st.none(),
    st.dates(date(1990, 1, 1), TODAY),
    st.dates(date(2005, 1, 1), TODAY).map(lambda day: day.isoformat()[:7]),
    st.sampled_from(["1984", "2300", "2012-02-31", "", "nonsense"]),
)


@settings(deadline=None, max_examples=60)
@given(
    born=BIRTH_DATES,
    country=st.sampled_from(["US", "FR", "DE", "KR", "CA", "XX", None]),
    email=st.sampled_from([READER, "no address", None]),
    before=st.booleans(),
)
def test_coroutine_gives_the_same_answer(born: Any, country: Any, email: Any, before: bool) -> None:
    asked = Registration(birth_date=born, country=country, email=email)
    plain = PLAIN.check(asked, refused_before=before, now=NOW)
    assert asyncio.run(PLAIN.acheck(asked, refused_before=before, now=NOW)) == plain
    met = asyncio.run(PLAIN.acheck(asked, refused_before=before, today=TODAY))
    # Until when it is remembered follows from the moment, which is another one in each call.
    plain = PLAIN.check(asked, refused_before=before, today=TODAY)
    assert replace(met, remembered_until=None) == replace(plain, remembered_until=None)


def test_coroutine_remembers_and_recalls_as_the_plain_call_does(
    tmp_path: Path, new_database: Callable[[], str]
) -> None:
    visits = [child(1), adult(1, email=child(1)["email"]), adult(2), {"country": "US"}, child(3), child(1)]
    answers = []
    for url in (f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db", new_database(), new_database()):
        store = Store(url, create=True)
        store.create()
        gate = AgeGate(store=store, keys=KEYS)
        asked = [Registration(**visit) for visit in visits]
        if len(answers) % 2:
            met = [asyncio.run(gate.acheck(one, now=NOW)) for one in asked]
        else:
            met = [gate.check(one, now=NOW) for one in asked]
        answers.append([(one.outcome, one.reason, one.limit, one.errors, one.remembered_until) for one in met])
        store.dispose()
    assert all(one == answers[0] for one in answers)
    assert [outcome for outcome, *_ in answers[0]].count(Outcome.ADMIT) == 1


# --- a loop that goes on ----------------------------------------------------------------------------


@contextmanager
def locked(path: Path, seconds: float | None = None) -> Iterator[threading.Event]:
    """Another thread's write transaction on a SQLite file, until the event is set or some seconds are over."""
    ready, end = threading.Event(), threading.Event()

    def hold() -> None:
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            ready.set()
            end.wait(seconds or 60)
            connection.rollback()
        engine.dispose()

    thread = threading.Thread(target=hold)
    thread.start()
    assert ready.wait(30)
    try:
        yield end
    finally:
        end.set()
        thread.join()


def test_loop_goes_on_while_the_store_is_locked(tmp_path: Path) -> None:
    gate = AgeGate.open(f"sqlite:///{tmp_path}/agegate.db")
    token = gate.check(Registration(**adult(1))).token

    async def enter() -> None:
        async with gate.admitting(token, email=adult(1)["email"]):
            pass

    async def run() -> None:
        for work in (lambda: gate.acheck(Registration(**adult(2))), enter):
            with locked(tmp_path / "agegate.db") as end:
                waiting = asyncio.create_task(work())
                for _ in range(30):  # each is a turn of the loop
                    await asyncio.sleep(0.01)
                assert not waiting.done()
                end.set()
                await waiting

    asyncio.run(run())


# --- async sessions ---------------------------------------------------------------------------------


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A host's engine, with its table."""
    made = sa.create_engine(parse_url(database))
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def test_async_session_creates_the_admitted_account_and_no_other(engine: sa.Engine, tmp_path: Path) -> None:
    gate = AgeGate.open(f"sqlite:///{tmp_path}/agegate.db")

    async def sign_up(host: AsyncEngine, fields: dict[str, str], email: str) -> None:
        decision = await gate.acheck(Registration(**fields))
        async with gate.admitting(decision.token, email=fields["email"]), AsyncSession(host) as session:
            session.add(Account(email=email))
            await session.commit()

    async def run() -> None:
        host = made_async(engine)
        await sign_up(host, adult(email=READER), READER)
        for fields, email in ((adult(email=OTHER), READER), (child(), child()["email"])):
            with pytest.raises(NotAdmittedError):
                await sign_up(host, fields, email)
        async with AsyncSession(host) as session:
            session.add(Account(email=OTHER))
            with pytest.raises(NotAdmittedError):
                await session.flush()
        await host.dispose()

    with Guard(Account, email="email"):
        asyncio.run(run())
    with engine.connect() as connection:
        assert connection.scalars(sa.select(Account.email)).all() == [READER]


def test_many_people_at_once_get_one_account_each(engine: sa.Engine, tmp_path: Path) -> None:
    gate = AgeGate.open(f"sqlite:///{tmp_path}/agegate.db")

    async def sign_up(host: AsyncEngine, number: int) -> None:
        decision = await gate.acheck(Registration(**adult(number)))
        async with gate.admitting(decision.token, email=adult(number)["email"]):
            async with AsyncSession(host) as session:
                session.add(Account(email=adult(number)["email"]))
                await session.commit()
            async with AsyncSession(host) as session:  # nobody uses the admission of another
                session.add(Account(email=adult((number + 1) % 20)["email"]))
                with pytest.raises(NotAdmittedError):
                    await session.flush()

    async def run() -> None:
        host = made_async(engine)
        await asyncio.gather(*(sign_up(host, number) for number in range(20)))
        await host.dispose()

    with Guard(Account, email="email"):
        asyncio.run(run())
    with engine.connect() as connection:
        found = connection.scalars(sa.select(Account.email)).all()
    assert sorted(found) == sorted(adult(number)["email"] for number in range(20))


WITHOUT_GREENLET = """
import asyncio, sys
sys.modules["greenlet"] = None
from agegate import AgeGate, Outcome, Registration
from agegate.errors import ConfigError
from agegate.testing import adult, aways

async def run():
    gate = AgeGate.open("sqlite:///agegate.db")
    decision = await gate.acheck(Registration(**adult()))
    assert decision.outcome is Outcome.ADMIT
    async with gate.admitting(decision.token, email=adult()["email"]):
        pass
    try:
        await aways(None, None, None)
    except ConfigError as error:
        print(error)

asyncio.run(run())
"""


def test_without_greenlet_the_gate_works_and_the_rest_is_one_clear_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_GREENLET],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "an async engine needs the extra async: install agegate[async]\n"


# --- one SQLite file for both -----------------------------------------------------------------------


class Shared:
    """A host and a gate in one SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "host.db"
        self.url = f"sqlite:///{self.path}"
        self.engine = sa.create_engine(self.url)
        self.store = Store(self.url, create=True, shared=True)
        self.store.create()
        self.gate = AgeGate(store=self.store, keys=KEYS)
        Base.metadata.create_all(self.engine)
        decision = self.gate.check(Registration(**adult()))
        self.token, self.email = decision.token, adult()["email"]

    def check(self) -> None:
        assert self.gate.check(Registration(**adult())).outcome is Outcome.ADMIT

    def enter(self) -> None:
        with self.gate.admitting(self.token, email=self.email):
            pass

    async def acheck(self) -> None:
        assert (await self.gate.acheck(Registration(**adult()))).outcome is Outcome.ADMIT

    async def aenter(self) -> None:
        async with self.gate.admitting(self.token, email=self.email):
            pass


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    made = Shared(tmp_path)
    yield made
    made.engine.dispose()
    made.store.dispose()


@contextmanager
def busy_at_once() -> Iterator[None]:
    """The block raises one clear line, long before a wait for the lock would end."""
    began = time.monotonic()
    with pytest.raises(BusyError, match="commit it before you call agegate") as met:
        yield
    assert time.monotonic() - began < BUSY_MS / 1000 / 2
    assert "\n" not in str(met.value)


ASKED = ["check", "enter"]


@pytest.mark.parametrize("asked", ASKED)
def test_own_write_transaction_is_said_at_once(shared: Shared, asked: str) -> None:
    with Session(shared.engine) as session:
        session.add(Account(email=READER))
        session.flush()
        with busy_at_once():
            getattr(shared, asked)()
        session.commit()
    getattr(shared, asked)()


@pytest.mark.parametrize("asked", ASKED)
def test_own_write_transaction_in_a_thread_is_said_at_once(shared: Shared, asked: str) -> None:
    def work() -> None:
        with shared.engine.begin() as connection:
            connection.execute(sa.insert(Account).values(email=READER))
            with busy_at_once():
                getattr(shared, asked)()
        getattr(shared, asked)()  # and after the commit it answers

    asyncio.run(asyncio.to_thread(work))


@pytest.mark.parametrize("asked", ["acheck", "aenter"])
def test_own_write_transaction_of_a_task_is_said_at_once(shared: Shared, asked: str) -> None:
    async def run() -> None:
        host = made_async(shared.engine)
        async with AsyncSession(host) as session:
            session.add(Account(email=READER))
            await session.flush()
            with busy_at_once():
                await getattr(shared, asked)()
            await session.commit()
        await getattr(shared, asked)()
        await host.dispose()

    asyncio.run(run())


@pytest.mark.parametrize("asked", ["acheck", "aenter"])
def test_another_tasks_writer_is_waited_for(shared: Shared, asked: str) -> None:
    async def write(host: AsyncEngine, ready: asyncio.Event) -> None:
        async with AsyncSession(host) as session:
            session.add(Account(email=READER))
            await session.flush()
            ready.set()
            await asyncio.sleep(0.5)
            await session.commit()

    async def run() -> None:
        host, ready = made_async(shared.engine), asyncio.Event()
        writer = asyncio.create_task(write(host, ready))
        await ready.wait()
        began = time.monotonic()
        await getattr(shared, asked)()
        assert time.monotonic() - began > 0.3, "it waited for the other"
        await writer
        await host.dispose()

    asyncio.run(run())


@pytest.mark.parametrize("asked", ASKED)
def test_another_threads_writer_is_waited_for(shared: Shared, asked: str) -> None:
    began = time.monotonic()
    with locked(shared.path, seconds=0.5):
        getattr(shared, asked)()
        assert time.monotonic() - began > 0.3, "it waited for the other"


@pytest.mark.parametrize("asked", ASKED)
def test_another_processes_writer_is_waited_for(shared: Shared, asked: str) -> None:
    program = (
        "import sqlite3, sys, time\n"
        "held = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "held.execute('BEGIN IMMEDIATE')\n"
        "print('held', flush=True)\n"
        "time.sleep(0.5)\n"
        "held.execute('COMMIT')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(shared.path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        getattr(shared, asked)()
    assert other.returncode == 0


def test_own_transaction_that_ended_or_only_read_is_no_hindrance(shared: Shared) -> None:
    with shared.engine.connect() as connection:
        connection.execute(sa.select(Account)).all()
        shared.check()
        connection.execute(sa.insert(Account).values(email=READER))
        connection.rollback()
        shared.check()
    shared.enter()


def test_own_write_transaction_on_another_file_is_no_hindrance(shared: Shared, tmp_path: Path) -> None:
    other = sa.create_engine(f"sqlite:///{tmp_path}/other.db")
    Base.metadata.create_all(other)
    with other.begin() as connection:
        connection.execute(sa.insert(Account).values(email=READER))
        shared.check()
        shared.enter()
    other.dispose()


def test_open_write_transaction_on_postgresql_is_no_hindrance(new_database: Callable[[], str]) -> None:
    url = new_database()
    store = Store(url, create=True)
    store.create()
    gate = AgeGate(store=store, keys=KEYS)
    engine = sa.create_engine(parse_url(url))
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(sa.insert(Account).values(email=READER))
        decision = gate.check(Registration(**adult()))
        with gate.admitting(decision.token, email=adult()["email"]):
            pass
        assert gate.check(Registration(**child())).outcome is Outcome.REFUSE
        connection.rollback()  # and the refusal is remembered
    assert gate.check(Registration(**adult(email=child()["email"]))).outcome is Outcome.REFUSE
    engine.dispose()
    store.dispose()
