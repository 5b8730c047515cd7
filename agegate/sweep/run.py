"""Running a sweep: in chunks by key, each committed with its checkpoint, so that a kill loses one chunk."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from agegate.audit import Audit
from agegate.birthdate import BirthDate
from agegate.config import Config
from agegate.host import Host
from agegate.law import Rulebook
from agegate.model import Account, Band, Cause, Report, RequestState, Rule, Signal
from agegate.signals import collect
from agegate.store import Store, tables
from agegate.sweep.flags import FlagWriter, load_answers, load_reports
from agegate.sweep.judge import Judge, Judgement

COMMON_SHARE: Final = 0.005
COMMON_AT_LEAST: Final = 20
"""A birth date on more than this share of accounts, and on at least so many, is some form's default."""

BRAKE_NEVER_UNDER: Final = 20
"""However small the host, so many accounts may be quarantined in a day before the brake holds."""

LEASE: Final = "sweep"

Progress = Callable[[int, int], None]
"""Called with the accounts done and the accounts in all."""


@dataclass(frozen=True, slots=True)
class Found:
    """An account that a sweep flagged, as the operator may see it: no text, no birth date."""

    account: str
    cause: Cause
    band: Band
    under: float
    limit_age: int
    jurisdiction: str
    state: RequestState
    why: tuple[str, ...]
    note: str


@dataclass
class SweepSummary:
    """What a sweep did, or would do (`dry`). `found` holds what is new since the last one.

    `reported` counts, by what sets it, the accounts whose declared date is under a limit of the door that
    nobody may be flagged for: laws that only say "a minor", unsourced or doubtful ages.
    """

    dry: bool
    as_of: date
    accounts: int = 0
    found: list[Found] = field(default_factory=list)
    braked: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    complete: bool = False
    seconds: float = 0.0

    @property
    def quarantined(self) -> int:
        """How many of `found` are restricted at once, because the service knows."""
        return sum(1 for found in self.found if found.state is RequestState.QUARANTINED)


class Sweep:
    """Sweeps one host. Reads only; flags, queue entries and checkpoint commit together in the store."""

    def __init__(
        self,
        config: Config,
        *,
        store: Store | None = None,
        host: Host | None = None,
        signals: Iterable[Signal] = (),
    ) -> None:
        """Prepare a sweep of the host that `config` describes; `signals` are the host's own, added."""
        self._config = config
        self._store = store or config.open_store()
        self._host = host or config.open_host()
        self._signals = collect(signals)
        self._rulebook = Rulebook.load()
        self._rulebook.check(config.law_service)
        self._audit = Audit(self._store, config.key_ring, config.anchor_file)

    @property
    def rules(self) -> str:
        """A hash of all that decides: law, service, signals. Its change makes the next sweep a dry one."""
        service = self._config.law_service
        own = sorted(f"{own.jurisdiction} {own.age} {own.start}" for own in service.stricter)
        parts = [repr(service.floor), *sorted(service.kinds), *own]
        members = self._rulebook.members
        for place in sorted({*self._rulebook.countries, *(rule.jurisdiction for rule in self._rulebook)}):
            rules = self._rulebook.rules(place)
            parts += [_that_decides(place, rule) for rule in rules if _decides(rule, place in members)]
        parts += [f"{signal.name}: {signal.about}" for signal in self._signals]
        return sha256("\n".join(parts).encode()).hexdigest()

    def needs_apply(self) -> bool:
        """Whether nothing was ever applied under these rules, so that a sweep is dry until told otherwise."""
        table = tables.sweeps
        began = table.c.checkpoint.is_not(None) | table.c.finished_at.is_not(None)
        same = (table.c.rules == self.rules) & began
        with self._store.reading() as connection:
            return connection.execute(sa.select(tables.sweeps.c.id).where(same).limit(1)).first() is None

    def run(
        self,
        *,
        apply: bool = False,
        dry: bool = False,
        now: datetime | None = None,
        progress: Progress | None = None,
    ) -> SweepSummary:
        """Read every account and flag those that look like a minor's.

        Dry (nothing is written) if `dry`, or if these rules were never applied and `apply` is not given.
        A run that was killed is taken up at its checkpoint. Raises `BusyError` if another sweep runs,
        `DatabaseError` or `HostError` if the host cannot be read.
        """
        moment = now or datetime.now(UTC)
        try:
            self._host.check()  # a name that the host does not have is found before anything is written
            dry = dry or (self.needs_apply() and not apply)
            return self._run(moment, dry, progress or (lambda _done, _total: None))
        finally:
            self._store.dispose()
            self._host.dispose()

    def _run(self, moment: datetime, dry: bool, report: Progress) -> SweepSummary:
        started = time.monotonic()
        summary = SweepSummary(dry=dry, as_of=moment.date())
        judge = Judge(
            summary.as_of,
            self._config.law_service,
            self._rulebook,
            self._signals,
            self._host.common_birth_dates(COMMON_SHARE, COMMON_AT_LEAST),
        )
        total = self._host.count()
        if dry:
            self._look(judge, summary, total, report)
        else:
            with self._store.lease(LEASE) as holder:
                self._act(judge, summary, total, report, moment, holder)
        summary.failures = judge.failures
        summary.unreadable = self._host.unreadable + judge.unreadable
        summary.seconds = time.monotonic() - started
        return summary

    def _look(self, judge: Judge, summary: SweepSummary, total: int, report: Progress) -> None:
        after: str | None = None
        brake = self._brake(total)
        while accounts := self._chunk(after, summary.as_of):
            with self._store.reading() as connection:
                accounts = _with_said(connection, accounts)
                decided = set(
                    connection.execute(
                        sa.select(tables.flags.c.account).where(
                            tables.flags.c.account.in_([account.key for account in accounts])
                        )
                    ).scalars()
                )
            for account in accounts:
                judgement = judge.judge(account)
                if judgement is not None and account.key not in decided:
                    known = judgement.known and summary.quarantined < brake
                    summary.braked += judgement.known and not known
                    state = RequestState.QUARANTINED if known else RequestState.AWAITING_REVIEW
                    summary.found.append(_found(account, judgement, state))
            summary.accounts += len(accounts)
            after = accounts[-1].key
            report(summary.accounts, total)
        summary.reported = judge.reported
        summary.complete = True

    def _act(
        self,
        judge: Judge,
        summary: SweepSummary,
        total: int,
        report: Progress,
        now: datetime,
        holder: str,
    ) -> None:
        window = timedelta(days=self._config.erasure.window_days)
        writer = FlagWriter(self._config.key_ring, self._audit, now, window)
        begun = self._begin(summary.as_of, now)
        sweep, after, summary.accounts, earlier = begun.id, begun.checkpoint, begun.accounts, begun.quarantined
        judge.reported.update(json.loads(begun.reported))
        brake = self._brake(total) - self._quarantined_since(now - timedelta(days=1))
        while accounts := self._chunk(after, summary.as_of):
            with self._store.reading() as connection:
                accounts = _with_said(connection, accounts)
            judged = [(account, judge.judge(account)) for account in accounts]
            summary.accounts += len(accounts)
            after = accounts[-1].key
            with self._store.writing() as connection:
                for account, judgement in judged:
                    if judgement is not None:
                        self._flag(connection, writer, account, judgement, summary, brake)
                progress = {
                    "checkpoint": after,
                    "accounts": summary.accounts,
                    "quarantined": earlier + summary.quarantined,
                    "reported": json.dumps(judge.reported, sort_keys=True),
                }
                connection.execute(sa.update(tables.sweeps).where(tables.sweeps.c.id == sweep).values(progress))
            self._store.renew(LEASE, holder)
            report(summary.accounts, total)
        summary.reported = judge.reported
        self._finish(sweep, summary, now)

    @staticmethod
    def _flag(
        connection: sa.Connection,
        writer: FlagWriter,
        account: Account,
        judgement: Judgement,
        summary: SweepSummary,
        brake: int,
    ) -> None:
        held = judgement.known and summary.quarantined >= brake
        if held:
            judgement = replace(judgement, note="the brake on automatic quarantines held it")
        state = writer.write(connection, account, judgement, restrict=not held)
        if state is not None:
            summary.braked += held
            summary.found.append(_found(account, judgement, state))

    def _begin(self, as_of: date, now: datetime) -> sa.Row[Any]:
        """The row of this run: a new one, or the unfinished one of a run of this day that was killed."""
        table = tables.sweeps
        rules = self.rules
        same = (table.c.as_of == as_of) & (table.c.rules == rules) & table.c.finished_at.is_(None)
        query = sa.select(table).where(same).order_by(table.c.id.desc())
        with self._store.writing() as connection:
            row = connection.execute(query).first()
            if row is None:
                values = {"as_of": as_of, "started_at": now, "rules": rules}
                connection.execute(sa.insert(table).values(values))
                row = connection.execute(query).first()
        assert row is not None
        return row

    def _finish(self, sweep: int, summary: SweepSummary, now: datetime) -> None:
        summary.complete = True
        with self._store.writing() as connection:
            connection.execute(
                sa.update(tables.sweeps).where(tables.sweeps.c.id == sweep).values(finished_at=now)
            )
            data = {
                "sweep": sweep,
                "accounts": summary.accounts,
                "flags": len(summary.found),
                "quarantined": summary.quarantined,
                "braked": summary.braked,
                "reported": dict(sorted(summary.reported.items())),
            }
            self._audit.record(connection, "sweep.finished", actor="sweep", now=now, data=data)
        self._audit.seal(now)

    def _chunk(self, after: str | None, today: date) -> list[Account]:
        settings = self._config.sweep
        return self._host.chunk(after, settings.chunk, kinds=settings.texts, today=today)

    def _brake(self, total: int) -> int:
        settings = self._config.sweep
        return max(BRAKE_NEVER_UNDER, min(settings.brake_per_day, int(settings.brake_share * total)))

    def _quarantined_since(self, since: datetime) -> int:
        table = tables.requests
        automatic = (table.c.cause == Cause.DECLARED) & (table.c.due_at.is_not(None))
        query = (
            sa.select(sa.func.count())
            .select_from(table.join(tables.flags, tables.flags.c.id == table.c.flag))
            .where(automatic, table.c.queued_at > since, tables.flags.c.decided_by.is_(None))
        )
        with self._store.reading() as connection:
            return connection.execute(query).scalar_one()


def _decides(rule: Rule, member: bool) -> bool:
    """Whether a rule may act on accounts, or displaces one that may: a member state's age of consent does."""
    return rule.may_act or (member and rule.regime == "data_consent" and rule.gate == "yes")


def _that_decides(place: str, rule: Rule) -> str:
    """What of a rule decides about an account; a better note or another source makes no new rule."""
    seen = None if rule.start else rule.checked
    days = [str(day) for day in (rule.start, rule.until, rule.new_from, rule.existing_from, seen)]
    acts = (rule.status, rule.may_act, rule.age, rule.attain)
    return repr((place, rule.id, rule.jurisdiction, *acts, sorted(rule.kinds), days))


def _with_said(connection: sa.Connection, accounts: list[Account]) -> list[Account]:
    """The accounts with what the store knows of them: reports, and answers given at sign-in."""
    keys = [account.key for account in accounts]
    reports, answered = load_reports(connection, keys), load_answers(connection, keys)
    return [
        replace(
            account,
            reports=tuple(_report(*row) for row in reports.get(account.key, ())),
            answered_under=account.key in answered,
        )
        if account.key in reports or account.key in answered
        else account
        for account in accounts
    ]


def _report(number: int, said_by: str, said_on: date, age: int) -> Report:
    return Report(number, said_by, said_on, BirthDate.aged(age, age, said_on), age)


def _found(account: Account, judgement: Judgement, state: RequestState) -> Found:
    assessment = judgement.assessment
    return Found(
        account=account.key,
        cause=judgement.cause,
        band=assessment.band,
        under=assessment.under,
        limit_age=judgement.limit.age,
        jurisdiction=judgement.limit.jurisdiction,
        state=state,
        why=tuple(assessment.explain()),
        note=judgement.note,
    )
