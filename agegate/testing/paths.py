"""A project's own paths to an account: whether each asks the gate, found by counting rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from agegate.database import SCHEMA
from agegate.errors import NotAdmittedError
from agegate.model import Outcome, Registration
from agegate.signup.admission import Admitting
from agegate.signup.gate import AgeGate

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Fields = Mapping[str, str]
"""What a person gives: names and values of a `Registration`'s fields, and of the host's own."""


def child(number: int = 0, **fields: str) -> dict[str, str]:
    """A registration of somebody who is nine years old, with an e-mail address by number."""
    return _person(9, f"agegate-child-{number}@example.org") | fields


def adult(number: int = 0, **fields: str) -> dict[str, str]:
    """A registration of somebody who is forty years old, with an e-mail address by number."""
    return _person(40, f"agegate-adult-{number}@example.org") | fields


def admitted(
    gate: AgeGate, *, email: str | None = None, phone: str | None = None, country: str = "US"
) -> Admitting:
    """The block in which a test may create one account: an adult is checked, and admitted.

    `with admitted(gate, email="reader@example.org"):`, or `async with`. Raises `NotAdmittedError` if the gate
    does not admit them, for what it remembers of this e-mail or phone.
    """
    asked = Registration(birth_date=adult()["birth_date"], country=country, email=email, phone=phone)
    decision = gate.check(asked)
    if decision.outcome is not Outcome.ADMIT:
        raise NotAdmittedError(f"the gate answered {decision.reason}; give a contact that it does not remember")
    return gate.admitting(decision.token, email=email, phone=phone, country=country)


def assert_paths_refuse(
    engine: sa.Engine,
    paths: Mapping[str, Callable[[Fields], object]],
    *,
    child: Fields | None = None,
    adult: Fields | None = None,
) -> None:
    """Raise `AssertionError` if a path makes or removes rows in any of the host's tables for a child.

    `paths` are functions by the name that the report shall use. Each is called with an adult's fields, and
    must make a row (a path that makes none proves nothing), then with a child's. It may answer or raise. Every
    call has an e-mail address of its own; `adult` and `child` are fields beside or in place of those.
    """
    faults: list[str] = []
    for number, (name, path) in enumerate(paths.items()):
        before = _counts(engine)
        said = _call(path, _with(_adult(number), adult))
        between = _counts(engine)
        if before == between:
            faults.append(_useless(name, said))
            continue
        _call(path, _with(_child(number), child))
        faults += _changed(name, between, _counts(engine))
    _report(faults)


async def aassert_paths_refuse(
    engine: AsyncEngine,
    paths: Mapping[str, Callable[[Fields], Awaitable[object]]],
    *,
    child: Fields | None = None,
    adult: Fields | None = None,
) -> None:
    """`assert_paths_refuse` for coroutine functions and an async engine."""
    faults: list[str] = []
    for number, (name, path) in enumerate(paths.items()):
        before = await _acounts(engine)
        said = await _acall(path, _with(_adult(number), adult))
        between = await _acounts(engine)
        if before == between:
            faults.append(_useless(name, said))
            continue
        await _acall(path, _with(_child(number), child))
        faults += _changed(name, between, await _acounts(engine))
    _report(faults)


_child, _adult = child, adult  # the arguments have the same names


def _person(age: int, email: str) -> dict[str, str]:
    year = datetime.now(UTC).year - age - 1  # whatever the day and the time zone, the birthday was
    return {"birth_date": f"{year}-12-31", "country": "US", "email": email}


def _with(fields: Fields, own: Fields | None) -> Fields:
    return {**fields, **(own or {})}


def _call(path: Callable[[Fields], object], fields: Fields) -> str:
    """Call a path; the name of what it raised, if anything: to refuse by an error is to refuse."""
    try:
        path(fields)
    except Exception as error:
        return type(error).__name__
    return ""


async def _acall(path: Callable[[Fields], Awaitable[object]], fields: Fields) -> str:
    try:
        await path(fields)
    except Exception as error:
        return type(error).__name__
    return ""


def _counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return _count(connection)


async def _acounts(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        return await connection.run_sync(_count)


def _count(connection: sa.Connection) -> dict[str, int]:
    """How many rows each table of the host has; agegate's own are left out."""
    found = sa.inspect(connection)
    usual = found.default_schema_name
    schemas = found.get_schema_names() if connection.dialect.name == "postgresql" else [usual]
    theirs = [
        sa.table(name, schema=None if schema == usual else schema)
        for schema in schemas
        if schema not in {SCHEMA, "information_schema"}
        for name in found.get_table_names(schema=schema)
        if not name.startswith("agegate_")
    ]
    rows = sa.select(sa.func.count())
    return {table.fullname: connection.scalar(rows.select_from(table)) or 0 for table in theirs}


def _useless(name: str, said: str) -> str:
    raised = f" and raised {said}" if said else ""
    return f"{name}: made no row for an adult{raised}; mend the path or how it is called, or it proves nothing"


def _changed(name: str, before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    for table, rows in after.items():
        if rows != (had := before.get(table, 0)):
            yield f"{name}: {table} had {had} rows and has {rows} after a child; ask the gate before you write"


def _report(faults: Sequence[str]) -> None:
    if faults:
        raise AssertionError("\n".join((f"{len(faults)} fault(s) in paths that make accounts:", *faults)))
