"""Carrying out erasure requests that are due. A kill at any statement converges: run it again.

The order of commits: the request is marked in the store; then, in the host's database, one transaction
per table that deletes and writes the journal; then a new transaction reads back; then the receipt, the end
of the request and the event commit together in the store. Every step can be repeated without harm.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from agegate.audit import Audit
from agegate.config import Config
from agegate.database import reading, writing
from agegate.erasure import journal
from agegate.erasure.plan import Plan, columns_of, make_plan
from agegate.erasure.receipt import LEVEL, Receipt, answer_categories
from agegate.errors import VerificationError
from agegate.host import Host
from agegate.model import RequestState, key_values
from agegate.store import Store, tables

LEASE: Final = "erase run"
VERIFY_AT_ONCE: Final = 500
"""Captured keys that one verifying query looks for."""

RUNNABLE: Final = (RequestState.ERASING, RequestState.VERIFYING, RequestState.DEAD)
"""States that an interrupted run leaves behind, and the one that a person was asked to mend."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: its receipt, or why it is dead."""

    request: int
    receipt: Receipt | None
    finding: str = ""


class Eraser:
    """Erases accounts of the host that `config` describes."""

    def __init__(self, config: Config, *, store: Store | None = None, host: Host | None = None) -> None:
        """Open host and store; `host` must be writable."""
        self._store = store or config.open_store()
        self._host = host or config.open_host(read_only=False)
        self._audit = Audit(self._store, config.key_ring, config.anchor_file)

    def plan(self) -> Plan:
        """The plan for any account. Raises `PlanRefusedError` with all findings."""
        return make_plan(self._host.schema, self._host.section)

    def count(self, account: str) -> dict[str, int]:
        """The rows of an account in each table of the plan, in the plan's order. Deletes nothing.

        Raises `PlanRefusedError`, or `NotFoundError` if there is no such account.
        """
        plan = self.plan()
        self._host.account(account, kinds=(), today=datetime.now(UTC).date())
        values = key_values(account)
        with reading(self._host.engine) as connection:
            return {
                step.table: connection.execute(
                    sa.select(sa.func.count())
                    .select_from(plan.schema.tables[step.table])
                    .where(plan.rows(step.table, values))
                ).scalar_one()
                for step in plan.steps
            }

    def run(
        self, *, now: datetime | None = None, progress: Callable[[int, int], None] | None = None
    ) -> list[Outcome]:
        """Carry out every request whose day has come, and those that an earlier run left half-done.

        Raises `PlanRefusedError` before anything is touched, `BusyError` if another run is under way.
        """
        moment = now or datetime.now(UTC)
        try:
            plan = self.plan()
            journal.ensure(self._host.engine)
            with self._store.lease(LEASE) as holder:
                outcomes = self._run_due(plan, moment, holder, progress or (lambda _done, _total: None))
            self._audit.seal(moment)
        finally:
            self._store.dispose()
            self._host.dispose()
        return outcomes

    def _run_due(
        self, plan: Plan, now: datetime, holder: str, progress: Callable[[int, int], None]
    ) -> list[Outcome]:
        self._tidy()
        due = self._due(now)
        outcomes = []
        for number, row in enumerate(due, 1):
            outcomes.append(self._erase(plan, row, now))
            self._store.renew(LEASE, holder)
            progress(number, len(due))
        return outcomes

    def _due(self, now: datetime) -> list[sa.Row[Any]]:
        request, flag = tables.requests, tables.flags
        columns = (flag.c.jurisdiction, flag.c.rule, flag.c.known_at)
        due = (request.c.state == RequestState.QUARANTINED) & (request.c.due_at <= now)
        query = (
            sa.select(request, *columns)
            .join(flag, flag.c.id == request.c.flag)
            .where(due | request.c.state.in_(RUNNABLE))
            .order_by(request.c.due_at, request.c.id)
        )
        with self._store.reading() as connection:
            return list(connection.execute(query).all())

    def _erase(self, plan: Plan, row: sa.Row[Any], now: datetime) -> Outcome:
        subject = self._audit.subject(row.account)
        if not self._mark(row, RequestState.ERASING, now, plan=plan.hash):
            return Outcome(row.id, None, "taken back before it began")
        values = key_values(row.account)
        self._begin(plan, row.id, subject, values, now)
        for step in plan.steps:
            try:
                self._delete(plan, step.table, row.id, subject, values, now)
            except IntegrityError:
                # The driver's message names values; the table is all that staff need.
                return self._dead(row, now, f"{step.table}: rows of others refer to this account's rows")
        self._mark(row, RequestState.VERIFYING, now)
        try:
            self._verify(plan, row.id, values)
        except VerificationError as error:
            return self._dead(row, now, str(error))
        return Outcome(row.id, self._finish(plan, row, subject, now))

    def _begin(self, plan: Plan, request: int, subject: str, values: tuple[Any, ...], now: datetime) -> None:
        """Capture, before any row goes, the keys of rows that others are reached through."""
        with writing(self._host.engine) as connection:
            if journal.BEGIN in journal.lines(connection, request):
                return
            captured = {name: self._captured(connection, plan, name, values) for name in plan.parents}
            journal.write(
                connection,
                request,
                journal.BEGIN,
                subject=subject,
                rows=0,
                plan=plan.hash,
                now=now,
                captured=captured,
            )

    @staticmethod
    def _captured(connection: sa.Connection, plan: Plan, name: str, values: tuple[Any, ...]) -> list[list[Any]]:
        query = sa.select(*_referred(plan, name)).where(plan.rows(name, values))
        return [list(found) for found in connection.execute(query)]

    def _delete(
        self,
        plan: Plan,
        table: str,
        request: int,
        subject: str,
        values: tuple[Any, ...],
        now: datetime,
    ) -> None:
        """Delete an account's rows of one table; the journal's line commits with them."""
        with writing(self._host.engine) as connection:
            statement = sa.delete(plan.schema.tables[table]).where(plan.rows(table, values))
            rows = connection.execute(statement).rowcount
            journal.write(connection, request, table, subject=subject, rows=rows, plan=plan.hash, now=now)

    def _verify(self, plan: Plan, request: int, values: tuple[Any, ...]) -> None:
        """Look for what should be gone, in a new transaction: by the account's key and the captured keys."""
        left: dict[str, int] = {}
        with reading(self._host.engine) as connection:
            opening = journal.lines(connection, request)[journal.BEGIN]
            captured = json.loads(opening.captured or "{}")
            for step in plan.steps:
                count = self._left(connection, plan, step.table, values, captured)
                if count:
                    left[step.table] = count
        if left:
            named = ", ".join(f"{rows} in {table}" for table, rows in left.items())
            raise VerificationError(f"rows are left after erasure: {named}; `agegate erase run` tries again")

    @staticmethod
    def _left(
        connection: sa.Connection,
        plan: Plan,
        name: str,
        values: tuple[Any, ...],
        captured: Mapping[str, list[list[Any]]],
    ) -> int:
        table = plan.schema.tables[name]
        step = next(step for step in plan.steps if step.table == name)
        conditions = [plan.rows(name, values)] if name == plan.root else []
        for edge in step.edges:
            if plan.is_direct(edge):
                conditions.append(
                    sa.and_(*(table.c[part] == value for part, value in zip(edge.columns, values, strict=True)))
                )
                continue
            referred = [column.name for column in _referred(plan, edge.parent)]
            keys = [
                tuple(key[referred.index(part)] for part in edge.parent_columns)
                for key in captured.get(edge.parent, [])
            ]
            for start in range(0, len(keys), VERIFY_AT_ONCE):
                part = keys[start : start + VERIFY_AT_ONCE]
                flat = [key[0] for key in part] if len(edge.columns) == 1 else part
                conditions.append(columns_of(table, edge.columns).in_(flat))
        count = sa.select(sa.func.count()).select_from(table)
        return sum(connection.execute(count.where(condition)).scalar_one() for condition in conditions)

    def _finish(self, plan: Plan, row: sa.Row[Any], subject: str, now: datetime) -> Receipt:
        """Receipt, end of the request and event, together; then the journal forgets what it captured."""
        with reading(self._host.engine) as connection:
            written = journal.lines(connection, row.id)
        rows = {step: line.rows for step, line in written.items() if step != journal.BEGIN}
        receipt = Receipt(
            request=row.id,
            subject=subject,
            cause=row.cause,
            jurisdiction=row.jurisdiction,
            rule=row.rule or "floor",
            known_at=row.known_at,
            erased_at=max(line.at for line in written.values()),
            plan=plan.hash,
            level=LEVEL,
            categories=answer_categories(plan, rows),
        )
        with self._store.writing() as connection:
            self._close(connection, row, subject, now)
            body = {"request": row.id, "created_at": now, "body": receipt.canonical()}
            connection.execute(sa.insert(tables.receipts).values(body))
            self._audit.record(
                connection,
                "erasure.done",
                actor="erase",
                now=now,
                account=row.account,
                data={"request": row.id, "receipt": receipt.hash, "level": receipt.level},
            )
        self._tidy()
        return receipt

    def _tidy(self) -> None:
        """Let the journal forget the keys that it captured for requests that are done."""
        with reading(self._host.engine) as connection:
            unclosed = journal.unclosed(connection)
        table = tables.requests
        finished = table.c.id.in_(unclosed) & (table.c.state == RequestState.DONE)
        with self._store.reading() as connection:
            done = list(connection.execute(sa.select(table.c.id).where(finished)).scalars())
        if done:
            with writing(self._host.engine) as connection:
                journal.close(connection, done)

    @staticmethod
    def _close(connection: sa.Connection, row: sa.Row[Any], subject: str, now: datetime) -> None:
        """End the request, and leave of the account in agegate's own tables no more than its tag."""
        mine = tables.requests.c.id == row.id
        done = {"state": RequestState.DONE, "done_at": now, "finding": None}
        connection.execute(sa.update(tables.requests).where(mine).values(done))
        for table in (tables.evidence, tables.reports, tables.questions):
            connection.execute(sa.delete(table).where(table.c.account == row.account))
        request, flag = tables.requests, tables.flags
        connection.execute(sa.update(request).where(request.c.account == row.account).values(account=subject))
        # A host may give the key of an erased account to a new one, whose evidence may read the same.
        spent = sa.literal("erased:") + sa.cast(flag.c.id, sa.String)
        forgotten = {"account": subject, "fingerprint": spent}
        connection.execute(sa.update(flag).where(flag.c.account == row.account).values(forgotten))

    def _mark(self, row: sa.Row[Any], state: RequestState, now: datetime, **values: object) -> bool:
        """Move a request on, if a person has not taken it back meanwhile."""
        table = tables.requests
        still = table.c.state.in_((RequestState.QUARANTINED, *RUNNABLE))
        with self._store.writing() as connection:
            changed = connection.execute(
                sa.update(table).where((table.c.id == row.id) & still).values(state=state, **values)
            )
            begins = state is RequestState.ERASING and row.state == RequestState.QUARANTINED
            if changed.rowcount == 1 and begins:
                self._audit.record(
                    connection,
                    "erasure.begun",
                    actor="erase",
                    now=now,
                    account=row.account,
                    data={"request": row.id},
                )
            return changed.rowcount == 1

    def _dead(self, row: sa.Row[Any], now: datetime, finding: str) -> Outcome:
        """Stop at a finding that a person must mend; the account stays quarantined, nothing is called done."""
        values = {"state": RequestState.DEAD, "finding": finding}
        with self._store.writing() as connection:
            connection.execute(sa.update(tables.requests).where(tables.requests.c.id == row.id).values(values))
            self._audit.record(
                connection,
                "erasure.dead",
                actor="erase",
                now=now,
                account=row.account,
                data={"request": row.id},
            )
        return Outcome(row.id, None, finding)


def _referred(plan: Plan, parent: str) -> list[sa.Column[Any]]:
    """The columns of a parent that any child refers to, in a fixed order."""
    names = {
        name
        for step in plan.steps
        for edge in step.edges
        if edge.parent == parent
        for name in edge.parent_columns
    }
    return [plan.schema.tables[parent].c[name] for name in sorted(names)]
