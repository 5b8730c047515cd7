"""The journal: which rows of which request were deleted, kept in the database that they were deleted from.

Each line commits with the delete that it tells of, so it is the authority on what was done. It names a
request and an account's keyed tag; of the keys that are captured to verify by, nothing stays once verified.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from agegate.database import SCHEMA, writing
from agegate.store.tables import Moment, Number

BEGIN: Final = ""
"""The step that opens a request: it holds the plan and the captured keys."""

metadata = sa.MetaData(schema=SCHEMA)

journal = sa.Table(
    "agegate_journal",
    metadata,
    sa.Column("request", Number, primary_key=True, autoincrement=False),
    sa.Column("step", sa.String(200), primary_key=True, comment="table, or empty for the opening line"),
    sa.Column("subject", sa.String(80), nullable=False, comment="keyed hash of the account key"),
    sa.Column("rows", Number, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("plan", sa.String(64), nullable=False),
    sa.Column("captured", sa.Text, comment="keys of parent rows, emptied once verified"),
)


def ensure(engine: sa.Engine) -> None:
    """Make the journal where it is missing; safe to repeat."""
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
        metadata.create_all(connection)


def lines(connection: sa.Connection, request: int) -> dict[str, sa.Row[Any]]:
    """What is written of a request, by step."""
    query = sa.select(journal).where(journal.c.request == request)
    return {row.step: row for row in connection.execute(query)}


def write(
    connection: sa.Connection,
    request: int,
    step: str,
    *,
    subject: str,
    rows: int,
    plan: str,
    now: datetime,
    captured: Mapping[str, list[list[Any]]] | None = None,
) -> None:
    """Write a step, or add its rows to what an interrupted run wrote of it."""
    same = (journal.c.request == request) & (journal.c.step == step)
    changed = connection.execute(
        sa.update(journal).where(same).values(rows=journal.c.rows + rows, at=now, plan=plan)
    )
    if changed.rowcount == 0:
        values = {
            "request": request,
            "step": step,
            "subject": subject,
            "rows": rows,
            "at": now,
            "plan": plan,
            "captured": None if captured is None else json.dumps(captured, default=str),
        }
        connection.execute(sa.insert(journal).values(values))


def unclosed(connection: sa.Connection) -> list[int]:
    """Requests whose captured keys are still there."""
    query = sa.select(journal.c.request).where(journal.c.captured.is_not(None)).order_by(journal.c.request)
    return list(connection.execute(query).scalars())


def close(connection: sa.Connection, requests: Sequence[int]) -> None:
    """Forget the captured keys of requests that are done."""
    connection.execute(sa.update(journal).where(journal.c.request.in_(requests)).values(captured=None))
