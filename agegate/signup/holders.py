"""The holders of accounts that are there already: asked, answering, changing what they said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from agegate.birthdate import BirthDate
from agegate.law import Rulebook
from agegate.law.zones import local_day
from agegate.model import AccountState, Outcome, Registration, Service, Standing
from agegate.signup import question
from agegate.signup.decide import decide_existing
from agegate.signup.fields import NO_BIRTH_DATE, Checked, check_fields
from agegate.signup.memory import Memory
from agegate.signup.moment import earliest_day
from agegate.signup.refusals import recall, remember
from agegate.store.tables import reports

PATIENCE: Final = timedelta(days=30)
"""How long the neutral question to the holder of an existing account may stay open."""


@dataclass(frozen=True)
class Holders:
    """Decides about accounts that are there already, and records what their holders say."""

    memory: Memory
    rulebook: Rulebook
    service: Service

    def state(self, account: str, moment: datetime) -> AccountState:
        """The state of an account."""
        with self.memory.store.reading() as connection:
            return question.look(connection, account, moment, PATIENCE).state

    def standing(
        self,
        account: str,
        registration: Registration,
        *,
        created_on: date,
        answered: bool,
        moment: datetime,
        today: date | None,
    ) -> Standing:
        """What `AgeGate.check_existing` answers."""
        with self.memory.store.reading() as connection:
            known = question.look(connection, account, moment, PATIENCE)
        if known.cleared or known.state is AccountState.QUARANTINED:
            return Standing(known.state)
        checked, day = self._read(registration, moment, today)
        outcome, errors = decide_existing(
            checked, created_on, day, self.rulebook, self.service, answered=answered
        )
        if outcome is Outcome.REFUSE and not answered:
            return Standing(known.state)
        if outcome is Outcome.ADMIT and not known.asked:
            return Standing(AccountState.ACTIVE)
        if outcome is Outcome.INVALID and known.asked:
            return Standing(known.state, errors)
        with self.memory.store.writing() as connection:
            if outcome is Outcome.INVALID:
                question.ask(connection, account, moment)
                return Standing(AccountState.ASK, errors)
            if outcome is Outcome.ADMIT:
                if recall(connection, self.memory.keys, checked).refused_before(moment):
                    return Standing(known.state, (NO_BIRTH_DATE,))
                open_ = question.close(connection, account)
                return Standing(AccountState.ACTIVE if open_ else AccountState.QUARANTINED)
            self._answered_under(connection, account, checked, moment, day)
        return Standing(AccountState.QUARANTINED)

    def change(
        self,
        account: str,
        registration: Registration,
        *,
        previous: str | date | BirthDate | None,
        created_on: date,
        moment: datetime,
        today: date | None,
    ) -> Standing:
        """What `AgeGate.check_change` answers."""
        before, day = self._read(replace(registration, birth_date=previous), moment, today)
        after, _ = self._read(registration, moment, today)
        with self.memory.store.reading() as connection:
            known = question.look(connection, account, moment, PATIENCE)
        if after.birth_date is None:
            return Standing(known.state, tuple(error for error in after.errors if error.field == "birth_date"))
        changed = after.birth_date != before.birth_date
        standing = self.standing(
            account, registration, created_on=created_on, answered=changed, moment=moment, today=today
        )
        if not changed or standing.errors:
            return standing
        was_under = self._is_under(before, created_on, day, answered=False)
        is_under = self._is_under(after, created_on, day, answered=True)
        # What a person decided stands: of an account that was cleared only what is new is for the sweep.
        told = after if known.cleared and is_under else before if was_under and not known.cleared else None
        with self.memory.store.writing() as connection:
            if told is not None:
                _report(connection, account, told, moment, day)
            self.memory.audit.record(
                connection,
                "account.birth_date_changed",
                actor="gate",
                now=moment,
                account=account,
                data={"was_under": was_under, "is_under": is_under},
            )
        return standing

    def _is_under(self, checked: Checked, created_on: date, day: date, *, answered: bool) -> bool:
        outcome, _ = decide_existing(checked, created_on, day, self.rulebook, self.service, answered=answered)
        return outcome is Outcome.REFUSE

    def _read(self, registration: Registration, moment: datetime, today: date | None) -> tuple[Checked, date]:
        """What an account holds, without where it connects from, and the day where its holder lives."""
        given = replace(registration, ip=None, ip_country=None)
        checked = check_fields(given, today or earliest_day(moment))
        return checked, today or local_day(moment, checked.residence, registration.time_zone)

    def _answered_under(
        self, connection: sa.Connection, account: str, checked: Checked, moment: datetime, day: date
    ) -> None:
        """Record the first answer under the limit: as the holder's report, with its markers and event."""
        if not question.answer_under(connection, account, moment):
            return
        memory = self.memory
        _report(connection, account, checked, moment, day)
        remember(connection, memory.keys, recall(connection, memory.keys, checked), moment, memory.terms)
        memory.audit.record(connection, "account.answered_under", actor="gate", now=moment, account=account)


def _report(connection: sa.Connection, account: str, checked: Checked, moment: datetime, day: date) -> None:
    """Keep an age that a holder stated, in whole years, as a report: what the sweep reads and staff see."""
    assert checked.birth_date is not None
    told = {
        "account": account,
        "said_by": "holder",
        "said_on": day,
        "age": checked.birth_date.age_on(day),
        "received_at": moment,
    }
    connection.execute(sa.insert(reports).values(told))
