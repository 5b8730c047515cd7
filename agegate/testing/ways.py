"""Every way in which SQLAlchemy and a driver can insert an account, tried without an admission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.exc import ObjectNotExecutableError
from sqlalchemy.orm import Session, sessionmaker

from agegate.errors import ConfigError, NotAdmittedError
from agegate.signup.trigger import MESSAGE
from agegate.testing.insertions import Kind, Scene, Values, kinds

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_GUARD: Final = "call AgeGate.guard with this table where the application starts"
_TRIGGER: Final = "install the trigger by a migration, and call AgeGate.guard with trigger=True"
_UNTRIED: Final = "give values for every column that needs one, and an engine that reaches the table"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to insert an account that was tried.

    `result` is `untried` where something else than the guard stopped it, such as a column without a value;
    `said` names that error. `beyond` marks what only the trigger can see.
    """

    name: str
    result: Literal["stopped", "open", "untried"]
    beyond: bool = False
    said: str = ""


def ways(
    engine: sa.Engine | sessionmaker[Session], accounts: type[Any] | sa.Table, values: Values
) -> list[Way]:
    """Try every way to insert accounts, outside any admission, and say what came of each.

    All of it is rolled back. With a `sessionmaker`, sessions of that kind are tried. A `Table` in place of a
    mapped class leaves out the ways that need one.
    """
    sessions = engine if isinstance(engine, sessionmaker) else sessionmaker()
    bound = sessions.kw.get("bind") if isinstance(engine, sessionmaker) else engine
    if not isinstance(bound, sa.Engine):
        raise ConfigError("ways: the sessionmaker has no engine; give one, or the engine itself")
    tried = []
    for kind in kinds(bound.dialect, accounts):
        with bound.connect() as connection:
            tried.append(_try(connection, kind, Scene(accounts, values, sessions)))
    return tried


async def aways(engine: AsyncEngine, accounts: type[Any] | sa.Table, values: Values) -> list[Way]:
    """`ways` for an async engine. Raises `ConfigError` without the extra async."""
    if find_spec("greenlet") is None:  # SQLAlchemy needs it, and since 2.1 no longer brings it
        raise ConfigError("an async engine needs the extra async: install agegate[async]")
    tried = []
    for kind in kinds(engine.dialect, accounts):
        async with engine.connect() as connection:
            tried.append(await connection.run_sync(_try, kind, Scene(accounts, values, sessionmaker())))
    return tried


def assert_guarded(
    engine: sa.Engine | sessionmaker[Session],
    accounts: type[Any] | sa.Table,
    values: Values,
    *,
    trigger: bool = False,
) -> None:
    """Raise `AssertionError` that lists every way that is open, and what closes it.

    `trigger` says that the trigger is installed: then a driver's cursor and COPY must be stopped, too.
    """
    _assert_closed(ways(engine, accounts, values), trigger)


async def aassert_guarded(
    engine: AsyncEngine, accounts: type[Any] | sa.Table, values: Values, *, trigger: bool = False
) -> None:
    """`assert_guarded` for an async engine."""
    _assert_closed(await aways(engine, accounts, values), trigger)


def _assert_closed(tried: Sequence[Way], trigger: bool) -> None:
    asked = [way for way in tried if trigger or not way.beyond]
    faults = [f"{way.name} is open: {_TRIGGER if trigger else _GUARD}" for way in asked if way.result == "open"]
    faults += [f"{way.name} met {way.said}: {_UNTRIED}" for way in asked if way.result == "untried"]
    if faults:
        raise AssertionError("\n".join((f"{len(faults)} of {len(asked)} ways to insert an account:", *faults)))


def _try(connection: sa.Connection, kind: Kind, scene: Scene) -> Way:
    """Insert in a transaction that is rolled back, and see whether there are more rows."""
    count = sa.select(sa.func.count()).select_from(scene.table)
    kept: object = None
    try:
        before = connection.scalar(count)
        kept = kind.insert(connection, scene)
        grew = connection.scalar(count) != before
    except Exception as error:
        stopped = isinstance(error, NotAdmittedError | ObjectNotExecutableError) or MESSAGE in str(error)
        return Way(kind.name, "stopped" if stopped else "untried", kind.beyond, type(error).__name__)
    finally:
        if isinstance(kept, Session):
            kept.close()
        connection.rollback()
    return Way(kind.name, "open" if grew else "untried", kind.beyond, "" if grew else "no new row")
