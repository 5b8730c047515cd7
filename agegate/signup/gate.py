"""The gate. Deciding is pure; what is remembered of a refusal commits in agegate's own transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from agegate.audit import Audit
from agegate.database import parse_url
from agegate.errors import ConfigError
from agegate.keys import KeyRing
from agegate.law import Rulebook
from agegate.model import AccountState, Decision, Limit, Outcome, Reason, Registration, RequestState, Service
from agegate.signup.fields import Checked, check_fields
from agegate.signup.refusals import Terms, is_remembered, remember
from agegate.store import Store
from agegate.store.tables import requests

LAST_ZONE: Final = timezone(timedelta(hours=-12))
"""Where a day begins last: before it has begun there, a birthday may not have come where a person lives."""

RESTRICTED: Final = (
    RequestState.QUARANTINED,
    RequestState.ERASING,
    RequestState.VERIFYING,
    RequestState.DEAD,
)
"""States of a request in which its account must not be served."""


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
    ) -> None:
        """Keep `service` (default: a general online service with a floor of 13).

        Raises `ConfigError` if a store comes without the key ring that its tags need.
        """
        if store is not None and keys is None:
            raise ConfigError("a gate with a store needs a key ring; use AgeGate.open or AgeGate.from_config")
        self.service = service or Service()
        self._rulebook = rulebook or Rulebook.load()
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
        return cls(config.law_service, store=store, keys=config.key_ring, terms=terms)

    def check(
        self, registration: Registration, *, now: datetime | None = None, today: date | None = None
    ) -> Decision:
        """Decide about a registration; never raises on its values.

        `today` is the date where the person lives, taken as it is. Without it the date follows from
        `now` (aware; default: the present) in the time zone where the day begins last, so that nobody
        is admitted early. Raises `ValueError` if both are given or `now` is naive.
        """
        if now is not None and today is not None:
            raise ValueError("give now or today, not both")
        moment = now or datetime.now(UTC)
        if moment.tzinfo is None:
            raise ValueError("now must be an aware datetime")
        day = today or moment.astimezone(LAST_ZONE).date()
        checked = check_fields(registration, day)
        decision = self._decide(checked, day)
        if self._store is None or self._keys is None or decision.outcome is Outcome.INVALID:
            return decision
        return self._remembered(checked, decision, moment)

    def account_state(self, key: str) -> AccountState:
        """Whether an account (its key as canonical JSON) may be served: a state, never a score.

        Raises `ConfigError` if the gate has no store.
        """
        if self._store is None:
            raise ConfigError("a gate without a store knows no accounts; use AgeGate.from_config")
        restricted = (requests.c.account == key) & requests.c.state.in_(RESTRICTED)
        with self._store.reading() as connection:
            found = connection.execute(sa.select(requests.c.id).where(restricted).limit(1)).first()
        return AccountState.QUARANTINED if found else AccountState.ACTIVE

    def _decide(self, checked: Checked, day: date) -> Decision:
        """The pure part: the limit of the strictest plausible place, and whether its age is attained."""
        if checked.errors or checked.birth_date is None:
            return Decision(Outcome.INVALID, Reason.INVALID, None, checked.residence, checked.errors)
        limit = self._rulebook.strictest(checked.residence, on=day, service=self.service)
        if checked.birth_date.has_attained(limit.age, day):
            return Decision(Outcome.ADMIT, Reason.OLD_ENOUGH, limit, checked.residence)
        return Decision(Outcome.REFUSE, Reason.UNDER_LIMIT, limit, checked.residence)

    def _remembered(self, checked: Checked, decision: Decision, now: datetime) -> Decision:
        """The decision in the light of earlier refusals, and this one remembered. Fails closed: it raises."""
        assert self._store is not None
        assert self._keys is not None
        assert self._audit is not None
        with self._store.writing() as connection:
            under = decision.outcome is Outcome.REFUSE
            if is_remembered(connection, self._keys, checked, now):
                decision = Decision(Outcome.REFUSE, Reason.REFUSED_BEFORE, decision.limit, decision.residence)
            # Only who is under the limit by this answer: else an adult at a school's computer would be
            # remembered by e-mail for what another's device did.
            if under:
                remember(connection, self._keys, checked, now, self._terms)
            self._audit.record(
                connection,
                "signup.admitted" if decision.outcome is Outcome.ADMIT else "signup.refused",
                actor="gate",
                now=now,
                data={} if decision.limit is None else _said(decision.limit),
            )
        return decision


def _said(limit: Limit) -> dict[str, object]:
    """What the audit keeps of a decision: which rule held. Where and when are the event's, who is nobody's."""
    return {"jurisdiction": limit.jurisdiction, "rule": limit.rule.id if limit.rule else "floor"}
