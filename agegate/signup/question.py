"""The neutral age question to the holder of an account that is there already, and what remembers it.

Unknown is not adult: who has no usable birth date is asked at the next sign-in, and while the question
stays open for long the account is limited to its settings. It is never erased for silence. An answer under
the limit is knowledge: the account is restricted and brought to the desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from agegate.model import AccountState, RequestState, Verdict
from agegate.store.tables import flags, questions, requests

RESTRICTED = (
    RequestState.QUARANTINED,
    RequestState.ERASING,
    RequestState.VERIFYING,
    RequestState.DEAD,
)
"""States of a request in which its account must not be served."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of an account: its state, and whether a person found the holder to be an adult."""

    state: AccountState
    cleared: bool
    asked: bool


def look(connection: sa.Connection, account: str, now: datetime, patience: timedelta) -> Known:
    """The state of an account at a moment; `patience` is how long a question may stay open."""
    restricted = (requests.c.account == account) & requests.c.state.in_(RESTRICTED)
    if connection.execute(sa.select(requests.c.id).where(restricted).limit(1)).first():
        return Known(AccountState.QUARANTINED, cleared=False, asked=False)
    mine = (flags.c.account == account) & flags.c.verdict.is_not(None)
    last = connection.execute(
        sa.select(flags.c.verdict, flags.c.decided_at).where(mine).order_by(flags.c.decided_at.desc()).limit(1)
    ).first()
    question = connection.execute(sa.select(questions).where(questions.c.account == account)).first()
    cleared = last is not None and last.verdict == Verdict.ADULT
    if question is None:
        return Known(AccountState.ACTIVE, cleared, asked=False)
    if question.under_at is not None:
        overruled = cleared and last is not None and last.decided_at >= question.under_at
        state = AccountState.ACTIVE if overruled else AccountState.QUARANTINED
        return Known(state, bool(overruled), asked=True)
    if cleared:
        return Known(AccountState.ACTIVE, cleared, asked=True)
    late = question.asked_at + patience <= now
    return Known(AccountState.LIMITED if late else AccountState.ASK, cleared, asked=True)


def ask(connection: sa.Connection, account: str, now: datetime) -> None:
    """Note that the question was put; one that is open already keeps its day."""
    row = {"account": account, "asked_at": now}
    connection.execute(_insert(connection, row).on_conflict_do_nothing())


def close(connection: sa.Connection, account: str) -> bool:
    """Forget a question that was answered; whether nobody answered meanwhile to be under age."""
    mine = questions.c.account == account
    connection.execute(sa.delete(questions).where(mine, questions.c.under_at.is_(None)))
    return connection.execute(sa.select(questions.c.account).where(mine)).first() is None


def answer_under(connection: sa.Connection, account: str, now: datetime) -> bool:
    """Note that the holder answered to be under age; whether this is the first time."""
    row = {"account": account, "asked_at": now, "under_at": now}
    statement = _insert(connection, row).on_conflict_do_update(
        index_elements=[questions.c.account], set_={"under_at": now}, where=questions.c.under_at.is_(None)
    )
    return connection.execute(statement.returning(questions.c.account)).first() is not None


def _insert(connection: sa.Connection, row: Mapping[str, object]) -> Any:
    """An insert that can meet a row made at the same moment: of two sign-ins at once the first makes it."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql(questions).values(row)
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite(questions).values(row)
