"""Sign-up: what a person gave, and what the gate answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agegate.birthdate import BirthDate
from agegate.model.law import Limit, Residence


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

    Never raises on values. `repr` shows which fields are filled, not what with.
    """

    birth_date: str | date | BirthDate | None = None
    country: str | None = None
    region: str | None = None
    billing_country: str | None = None
    phone: str | None = None
    email: str | None = None
    ip_country: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    device: str | None = None

    def __repr__(self) -> str:
        filled = [name for name in self.__slots__ if getattr(self, name) is not None]
        return f"Registration({', '.join(filled)})"


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer. For the host's code only: never show `limit` or `reason` to the person asked."""

    outcome: Outcome
    reason: Reason
    limit: Limit | None = None
    residence: Residence | None = None
    errors: tuple[FieldError, ...] = ()
