"""Sign-up: what a person gave, and what the gate answers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from agegate.birthdate import BirthDate
from agegate.model.age_signal import AgeSignal
from agegate.model.case import AccountState
from agegate.model.law import Limit, Residence

LEARNER: Final = "learner"

PAYERS: Final = (LEARNER, "parent", "company", "school", "other")
"""Who pays. Only the learner's own billing address says where the learner lives."""


class Outcome(StrEnum):
    """What the gate answers."""

    ADMIT = "admit"
    REFUSE = "refuse"
    INVALID = "invalid"


class Reason(StrEnum):
    """Why the gate answered so."""

    OLD_ENOUGH = "old_enough"
    UNDER_LIMIT = "under_limit"
    REFUSED_BEFORE = "refused_before"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a registration that cannot be used. The value is never repeated."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Registration:
    """What a person gave at sign-up. Every field is optional here; the gate says which it needs.

    `payer` says who pays where it is not the learner (`PAYERS`): their address is not the learner's.
    `ip` is looked up in the gate's own database, `ip_country` is what the host looked up. `age_signals` is
    what others say of the age (`docs/age_signals.md`); they serve this one decision.

    Never raises on values. `repr` shows which fields are filled, not what with.
    """

    birth_date: str | date | BirthDate | None = None
    country: str | None = None
    region: str | None = None
    billing_country: str | None = None
    payer: str | None = None
    phone: str | None = None
    email: str | None = None
    ip: str | None = None
    ip_country: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    device: str | None = None
    age_signals: tuple[AgeSignal, ...] = ()

    def __repr__(self) -> str:
        given = ((name, getattr(self, name)) for name in self.__slots__)
        filled = [
            name for name, value in given if not (value is None or (isinstance(value, tuple) and not value))
        ]
        return f"Registration({', '.join(filled)})"


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer. For the host's code only: never show `limit` or `reason` to the person asked.

    `token` proves an admission to `AgeGate.admitting`: once, within 30 minutes, for this e-mail or phone;
    only a gate with a store gives one, and only where one of them was given. `remembered_until` says until
    when a refused person's browser shall remember it; it follows from the refusal's moment alone.
    """

    outcome: Outcome
    reason: Reason
    limit: Limit | None = None
    residence: Residence | None = None
    errors: tuple[FieldError, ...] = ()
    token: str | None = dataclasses.field(default=None, repr=False)
    remembered_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What to do with an account that is there already: its state, and which answers to ask for again."""

    state: AccountState
    errors: tuple[FieldError, ...] = ()
