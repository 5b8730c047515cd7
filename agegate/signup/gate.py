"""The gate. Deciding is pure; what is remembered of a refusal commits in agegate's own transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from agegate.audit import Audit
from agegate.birthdate import BirthDate
from agegate.database import parse_url
from agegate.errors import ConfigError, InputError, NotAdmittedError
from agegate.keys import KeyRing
from agegate.law import Rulebook
from agegate.law.zones import local_day
from agegate.model import (
    AccountState,
    Decision,
    Outcome,
    Reason,
    Registration,
    Service,
    Standing,
    account_key,
    key_values,
)
from agegate.signup.addresses import Addresses
from agegate.signup.admission import Admitting, importing
from agegate.signup.contacts import Contact
from agegate.signup.decide import decide, said
from agegate.signup.fields import check_fields
from agegate.signup.holders import Holders
from agegate.signup.memory import Memory, contact_missing, lacks_contact
from agegate.signup.moment import aware_moment, earliest_day
from agegate.signup.refusals import Terms
from agegate.store import Store
from agegate.transactions import asked_by, caller

if TYPE_CHECKING:
    from agegate.signup.guard import Guard


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
        self._keys = keys
        self._terms = terms or Terms()
        self._memory: Memory | None = None
        if store is not None and keys is not None:
            self._memory = Memory(store, keys, Audit(store, keys), self._terms)

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
        self,
        registration: Registration,
        *,
        refused_before: bool = False,
        contact_needed: bool = False,
        now: datetime | None = None,
        today: date | None = None,
    ) -> Decision:
        """Decide about a registration; never raises on its values.

        `refused_before` is what a signed cookie of the host's says of this browser
        (`agegate.signup.cookie`). With `contact_needed` an e-mail address or a phone number is missing of who
        is old enough and gave neither: no token could be given.

        `today` is the date where the person lives, taken as it is. Without it the date follows from `now`
        (aware; default: the present) and the time zones of where the person may live, the latest midnight of
        several, so that nobody is admitted early. Raises `ValueError` if both are given or `now` is naive.
        """
        moment = aware_moment(now, today)
        checked = check_fields(registration, today or earliest_day(moment), self._addresses)
        day = today or local_day(moment, checked.residence, registration.time_zone)
        decision = decide(checked, day, self._rulebook, self.service)
        if decision.outcome is Outcome.INVALID:
            return decision
        if self._memory is not None:
            heard = said(checked.signals, decision.limit, day) if checked.signals and decision.limit else []
            return self._memory.answer(
                checked, decision, moment, heard, refused_before=refused_before, contact_needed=contact_needed
            )
        if refused_before:
            return replace(decision, outcome=Outcome.REFUSE, reason=Reason.REFUSED_BEFORE)
        if contact_needed and lacks_contact(checked, decision):
            return contact_missing(decision)
        if decision.outcome is Outcome.REFUSE:
            return replace(decision, remembered_until=moment + self._terms.device)
        return decision

    async def acheck(
        self,
        registration: Registration,
        *,
        refused_before: bool = False,
        contact_needed: bool = False,
        now: datetime | None = None,
        today: date | None = None,
    ) -> Decision:
        """`check` in a thread, for coroutines: the same answers, and the loop is never blocked."""
        import asyncio  # only who runs a loop needs it

        with asked_by(caller()):
            return await asyncio.to_thread(
                self.check,
                registration,
                refused_before=refused_before,
                contact_needed=contact_needed,
                now=now,
                today=today,
            )

    def admitting(
        self,
        token: str | None,
        *,
        email: str | None = None,
        phone: str | None = None,
        country: str | None = None,
        now: datetime | None = None,
    ) -> Admitting:
        """The block in which the host creates the one account that a decision's token admits.

        `with gate.admitting(decision.token, email=…):`, or `async with`. Give the e-mail or phone (with the
        `country` that reads a local number) of the account: each must be what the decision saw. The token is
        used up in agegate's own transaction, so enter the block before you begin to write. Entering raises
        `NotAdmittedError` if the token is missing, changed, for another contact, older than 30 minutes or
        used; this method raises `ConfigError` if the gate has no store.
        """
        memory = self._remembering()
        try:
            by_email = Contact.read("email", email) if email else None
            by_phone = Contact.read("phone", phone, country) if phone else None
        except ValueError as error:
            raise NotAdmittedError(f"{error}; give what was checked") from None
        moment = None if now is None else aware_moment(now, None)
        return Admitting(memory.store, memory.keys, token, by_email, by_phone, moment)

    @contextmanager
    def importing(self, reason: str, *, by: str = "operator") -> Iterator[None]:
        """The block in which accounts come without a question: of staff, or moved from another system.

        The operator answers for them. The audit records the reason (name no person in it) and the staff id
        `by` before the block, and afterwards how many came. Raises `InputError` without a reason, `ConfigError`
        if the gate has no store.
        """
        memory = self._remembering()
        if not reason.strip():
            raise InputError("importing: no reason; say why these accounts need no question")
        memory.note("signup.import_begun", by, {"reason": reason.strip()})
        with importing() as found:
            try:
                yield
            finally:
                memory.note("signup.import_ended", by, {"accounts": found.accounts})

    @staticmethod
    def guard(
        accounts: type[Any] | sa.Table,
        *,
        email: str | None = None,
        phone: str | None = None,
        trigger: bool = False,
    ) -> Guard:
        """Refuse, from now on and in this process, every account that is inserted outside `admitting`.

        `accounts` is the host's mapped class or `Table`; `email` and `phone` name its columns that must be
        those that were checked. Raises `ConfigError` if there is no such column. See `Guard`.
        """
        from agegate.signup.guard import Guard

        return Guard(accounts, email=email, phone=phone, trigger=trigger).install()

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
        return self._holders().standing(
            account_key(key_values(account)),
            registration,
            created_on=_day(created_on),
            answered=answered,
            moment=aware_moment(now, today),
            today=today,
        )

    def check_change(
        self,
        account: str,
        registration: Registration,
        *,
        previous: str | date | BirthDate | None,
        created_on: date,
        now: datetime | None = None,
        today: date | None = None,
    ) -> Standing:
        """What to do when a holder changes the birth date; call it before the change is saved.

        `registration` is the account with the new date, `previous` the one that it held. A new date under
        the limit restricts at once, as an answer does. A previous one that was under the limit is kept for
        the sweep as something the holder said: the change takes it away from the host's table, not from the
        case. With `errors` the new date is none, and must not be saved.

        `now` and `today` as in `check`. Raises `ConfigError` if the gate has no store, `ValueError` if
        `account` is no such key.
        """
        return self._holders().change(
            account_key(key_values(account)),
            registration,
            previous=previous,
            created_on=_day(created_on),
            moment=aware_moment(now, today),
            today=today,
        )

    def account_state(self, key: str, *, now: datetime | None = None) -> AccountState:
        """Whether an account (its key as canonical JSON) may be served: a state, never a score.

        Raises `ConfigError` if the gate has no store, `ValueError` if it is no such key.
        """
        return self._holders().state(account_key(key_values(key)), aware_moment(now, None))

    @property
    def keys(self) -> KeyRing | None:
        """The key ring that a cookie is signed with; `None` where the gate has none."""
        return self._keys

    @property
    def remembers(self) -> bool:
        """Whether the gate has a store: only then it gives tokens, and knows who was refused."""
        return self._memory is not None

    @property
    def terms(self) -> Terms:
        """How long a refusal is remembered."""
        return self._terms

    def _remembering(self) -> Memory:
        if self._memory is None:
            raise ConfigError("a gate without a store knows no accounts; use AgeGate.from_config")
        return self._memory

    def _holders(self) -> Holders:
        return Holders(self._remembering(), self._rulebook, self.service)


def _day(made: date) -> date:
    """What hosts keep is often a moment; a day more or less decides nothing here."""
    return made.date() if isinstance(made, datetime) else made
