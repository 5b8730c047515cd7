"""Deciding, pure: the limit of where a person lives, and whether its age is attained."""

from __future__ import annotations

from datetime import date
from typing import Final

from agegate.birthdate import BirthDate
from agegate.law import Rulebook
from agegate.model import Decision, FieldError, Limit, Outcome, Reason, Service
from agegate.signals.birth_date import LEAST_AGE, is_filler
from agegate.signup.fields import NO_BIRTH_DATE, NO_PLACE, Checked

ASKABLE: Final = frozenset({"birth_date", "country", "region"})
"""What the holder of an existing account can be asked for again."""

PARTIAL: Final = FieldError("birth_date", "missing", "give the whole date of birth")


def decide(checked: Checked, day: date, rulebook: Rulebook, service: Service) -> Decision:
    """Whether a person may register on a day: by the strictest of the places where they may live."""
    if checked.errors or checked.birth_date is None:
        return Decision(Outcome.INVALID, Reason.INVALID, None, checked.residence, checked.errors)
    limit = rulebook.strictest(checked.residence, on=day, service=service)
    if limit.is_attained(checked.birth_date, day):
        return Decision(Outcome.ADMIT, Reason.OLD_ENOUGH, limit, checked.residence)
    return Decision(Outcome.REFUSE, Reason.UNDER_LIMIT, limit, checked.residence)


def decide_existing(
    checked: Checked, created_on: date, day: date, rulebook: Rulebook, service: Service, *, answered: bool
) -> tuple[Outcome, tuple[FieldError, ...]]:
    """Whether an account that is there already is old enough, known to be under age, or must be asked.

    Refuses only what is known: under the limit when the account was made and today, by every reading of
    the birth date and in every place. Who was old enough then, or has grown into the limit of then, stays:
    a later rise is a case for a person. What forms and imports leave behind is no birth date, unless the
    holder `answered` it.
    """
    created_on = min(created_on, day)
    born = checked.birth_date
    errors = tuple(error for error in checked.errors if error.field in ASKABLE)
    if not checked.residence.places and not any(error.field == "country" for error in errors):
        errors = (*errors, NO_PLACE)
    if born is None or _not_in_earnest(born, created_on, day, answered=answered):
        told = any(error.field == "birth_date" for error in errors)
        return Outcome.INVALID, errors if told else (NO_BIRTH_DATE, *errors)
    strictest, loosest, then = _limits(checked, created_on, day, rulebook, service)
    if strictest.is_attained(born, day):
        return Outcome.ADMIT, ()
    oldest = BirthDate.on(born.first)
    under_then = not then.is_attained(oldest, created_on) and not then.is_attained(oldest, day)
    if under_then and not loosest.is_attained(oldest, day):
        return Outcome.REFUSE, ()
    if not checked.residence.places:
        return Outcome.INVALID, errors
    if born.first != born.last and not then.is_attained(born, created_on):
        return Outcome.INVALID, (PARTIAL,)
    return Outcome.ADMIT, ()


def _not_in_earnest(born: BirthDate, created_on: date, day: date, *, answered: bool) -> bool:
    """Whether nobody can have meant this birth date: of an answer, if it makes a toddler sign in."""
    return born.age_on(day) < LEAST_AGE if answered else is_filler(born, created_on)


def _limits(
    checked: Checked, created_on: date, day: date, rulebook: Rulebook, service: Service
) -> tuple[Limit, Limit, Limit]:
    """The strictest and the loosest limit on the day, and the loosest when the account was made.

    Without a place: the strictest of the world, and the service's floor.
    """
    where = checked.residence
    if not where.places:
        floor = Limit(service.floor, "", None, researched=False)
        return rulebook.highest(on=day, service=service, created_on=created_on), floor, floor
    return (
        rulebook.strictest(where, on=day, service=service, created_on=created_on),
        rulebook.loosest(where, on=day, service=service, created_on=created_on),
        rulebook.loosest(where, on=created_on, service=service, created_on=created_on),
    )
