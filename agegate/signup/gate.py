"""The gate. Deciding is pure; what is remembered of a refusal commits in agegate's own transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from agegate.audit import Audit
from agegate.database import parse_url
from agegate.errors import ConfigError
from agegate.keys import KeyRing
from agegate.law import Rulebook
from agegate.law.zones import LAST_ZONE, local_day
from agegate.model import (
    AccountState,
    Decision,
    Limit,
    Outcome,
    Reason,
    Registration,
    Service,
    Standing,
    account_key,
    key_values,
)
from agegate.signup import question
from agegate.signup.addresses import Addresses
from agegate.signup.decide import decide, decide_existing
from agegate.signup.fields import NO_BIRTH_DATE, Checked, check_fields
from agegate.signup.refusals import Terms, recall, remember
from agegate.store import Store
from agegate.store.tables import reports

PATIENCE: Final = timedelta(days=30)
"""How long the neutral question to the holder of an existing account may stay open."""


class AgeGate:
    """Decides whether a person may register, by the limit of where they live today.

    Without a store it decides only, and remembers nothing: `AgeGate(Service())`. With one
    (`AgeGate.open`, `AgeGate.from_config`) a refused person who comes back with another birth date is
    refused again.
    """

    def __init__(
        self,
        service: Service | None = None,
        *,
        rulebook: Rulebook | None = None,
        store: Store | None = None,
        keys: KeyRing | None = None,
        terms: Terms | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        """Keep `service` (default: a general online service with a floor of 13).

        `addresses` looks up the country of an IP address. Raises `ConfigError` if a store comes without
        the key ring that its tags need, or the service chose what the law does not have.
        """
        if store is not None and keys is None:
            raise ConfigError("a gate with a store needs a key ring; use AgeGate.open or AgeGate.from_config")
        self.service = service or Service()
        self._rulebook = rulebook or Rulebook.load()
        self._rulebook.check(self.service)
        self._addresses = addresses
        self._store = store
        self._keys = keys
        self._terms = terms or Terms()
        self._audit = Audit(store, keys) if store is not None and keys is not None else None

    @classmethod
    def open(cls, url: str, *, service: Service | None = None) -> AgeGate:
        """A gate with the store at a URL.

        On SQLite the tables and, beside the file, a key ring of mode 0600 are made where missing. On
        PostgreSQL both must be there: run `agegate db upgrade` and set `AGEGATE_KEY_RING`. Raises
        `DatabaseError` or `KeyRingError` otherwise.
        """
        parsed = parse_url(url)
        if parsed.get_backend_name() == "sqlite":
            store = Store(parsed, create=True)
            keys = KeyRing.load_or_create(Path(parsed.database or "").with_name("agegate.keys"))
            store.create()
        else:
            store = Store(parsed)
            store.require()
            keys = KeyRing.load(Path("agegate.keys"))
        return cls(service, store=store, keys=keys)

    @classmethod
    def from_config(cls, path: str | Path | None = None) -> AgeGate:
        """A gate as `agegate.toml` says. Raises `ConfigError`, `DatabaseError` or `KeyRingError`."""
        from agegate.config import Config

        config = Config.load(path)
        store = config.open_store()
        store.require()
        terms = Terms(timedelta(hours=config.gate.device_hours), timedelta(days=config.gate.contact_days))
        addresses = Addresses(config.ip_database) if config.ip_database else None
        return cls(config.law_service, store=store, keys=config.key_ring, terms=terms, addresses=addresses)

    def check(
        self, registration: Registration, *, now: datetime | None = None, today: date | None = None
    ) -> Decision:
        """Decide about a registration; never raises on its values.

        `today` is the date where the person lives, taken as it is. Without it the date follows from
        `now` (aware; default: the present) and the time zones of where the person may live, the latest
        midnight of several, so that nobody is admitted early. Raises `ValueError` if both are given or
        `now` is naive.
        """
        moment = _moment(now, today)
        checked = check_fields(registration, today or _earliest(moment), self._addresses)
        day = today or local_day(moment, checked.residence, registration.time_zone)
        decision = decide(checked, day, self._rulebook, self.service)
        if self._store is None or self._keys is None or decision.outcome is Outcome.INVALID:
            return decision
        return self._remembered(checked, decision, moment)

    def check_existing(
        self,
        account: str,
        registration: Registration,
        *,
        created_on: date,
        answered: bool = False,
        now: datetime | None = None,
        today: date | None = None,
    ) -> Standing:
        """What to do with an account (its key as canonical JSON) that was made on a day; call it at sign-in.

        `registration` is what the account holds. Without a usable birth date the state is `ask`, and after
        30 days `limited`, never more. With `answered` its birth date is what the holder just answered to
        the question: one that was and is under the limit is `quarantined` and recorded for the sweep, and
        no later answer takes that back: a person decides. A date under the limit that the account merely
        holds is left to the sweep, which knows fillers and has a brake. Only what may be acted on counts
        (`Rule.may_act`); an IP address does not.

        `now` and `today` as in `check`. Raises `ConfigError` if the gate has no store, `ValueError` if
        `account` is no such key.
        """
        store, keys, _ = self._memory()
        account = account_key(key_values(account))
        if isinstance(created_on, datetime):  # what hosts keep; a day more or less decides nothing here
            created_on = created_on.date()
        moment = _moment(now, today)
        with store.reading() as connection:
            known = question.look(connection, account, moment, PATIENCE)
        if known.cleared or known.state is AccountState.QUARANTINED:
            return Standing(known.state)
        given = replace(registration, ip=None, ip_country=None)
        checked = check_fields(given, today or _earliest(moment))
        day = today or local_day(moment, checked.residence, registration.time_zone)
        outcome, errors = decide_existing(
            checked, created_on, day, self._rulebook, self.service, answered=answered
        )
        if outcome is Outcome.REFUSE and not answered:
            return Standing(known.state)
        if outcome is Outcome.ADMIT and not known.asked:
            return Standing(AccountState.ACTIVE)
        if outcome is Outcome.INVALID and known.asked:
            return Standing(known.state, errors)
        with store.writing() as connection:
            if outcome is Outcome.INVALID:
                question.ask(connection, account, moment)
                return Standing(AccountState.ASK, errors)
            if outcome is Outcome.ADMIT:
                if recall(connection, keys, checked).refused_before(moment):
                    return Standing(known.state, (NO_BIRTH_DATE,))
                open_ = question.close(connection, account)
                return Standing(AccountState.ACTIVE if open_ else AccountState.QUARANTINED)
            self._answered_under(connection, account, checked, moment, day)
        return Standing(AccountState.QUARANTINED)

    def account_state(self, key: str, *, now: datetime | None = None) -> AccountState:
        """Whether an account (its key as canonical JSON) may be served: a state, never a score.

        Raises `ConfigError` if the gate has no store, `ValueError` if it is no such key.
        """
        store, _, _ = self._memory()
        key = account_key(key_values(key))
        with store.reading() as connection:
            return question.look(connection, key, _moment(now, None), PATIENCE).state

    def _answered_under(
        self, connection: sa.Connection, account: str, checked: Checked, moment: datetime, day: date
    ) -> None:
        """Record the first answer under the limit: as the holder's report, with its markers and event."""
        if not question.answer_under(connection, account, moment):
            return
        _, keys, audit = self._memory()
        assert checked.birth_date is not None
        told = {
            "account": account,
            "said_by": "holder",
            "said_on": day,
            "age": checked.birth_date.age_on(day),
            "received_at": moment,
        }
        connection.execute(sa.insert(reports).values(told))
        remember(connection, keys, recall(connection, keys, checked), moment, self._terms)
        audit.record(connection, "account.answered_under", actor="gate", now=moment, account=account)

    def _memory(self) -> tuple[Store, KeyRing, Audit]:
        if self._store is None or self._keys is None or self._audit is None:
            raise ConfigError("a gate without a store knows no accounts; use AgeGate.from_config")
        return self._store, self._keys, self._audit

    def _remembered(self, checked: Checked, decision: Decision, now: datetime) -> Decision:
        """The decision in the light of earlier refusals, and this one remembered. Fails closed: it raises."""
        store, keys, audit = self._memory()
        with store.writing() as connection:
            under = decision.outcome is Outcome.REFUSE
            recalled = recall(connection, keys, checked)
            if recalled.refused_before(now):
                decision = Decision(Outcome.REFUSE, Reason.REFUSED_BEFORE, decision.limit, decision.residence)
            # Only who is under the limit by this answer: else an adult at a school's computer would be
            # remembered by e-mail for what another's device did.
            if under:
                remember(connection, keys, recalled, now, self._terms)
            audit.record(
                connection,
                "signup.admitted" if decision.outcome is Outcome.ADMIT else "signup.refused",
                actor="gate",
                now=now,
                data={} if decision.limit is None else _said(decision.limit),
            )
        return decision


def _said(limit: Limit) -> dict[str, object]:
    """What the audit keeps of a decision: which rule held. Where and when are the event's, who is nobody's."""
    return {"jurisdiction": limit.jurisdiction, "rule": limit.name}


def _moment(now: datetime | None, today: date | None) -> datetime:
    if now is not None and today is not None:
        raise ValueError("give now or today, not both")
    if isinstance(today, datetime):
        raise TypeError("today must be a date where the person lives; give a moment as now")
    moment = now or datetime.now(UTC)
    if moment.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    return moment


def _earliest(moment: datetime) -> date:
    """The date where the day begins last; no birth date after it is believed."""
    return moment.astimezone(LAST_ZONE).date()
