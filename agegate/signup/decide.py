"""Deciding, pure: the limit of where a person lives, and whether its age is attained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from agegate.birthdate import BirthDate
from agegate.law import Rulebook
from agegate.model import AgeSignal, Decision, FieldError, Limit, Outcome, Reason, Service, SignalState
from agegate.signals.birth_date import LEAST_AGE, is_filler
from agegate.signup.fields import NO_BIRTH_DATE, NO_PLACE, Checked

ASKABLE: Final = frozenset({"birth_date", "country", "region"})
"""What the holder of an existing account can be asked for again."""

PARTIAL: Final = FieldError("birth_date", "missing", "give the whole date of birth")

FRESH: Final = timedelta(days=400)
"""How long a signal may stand in for a birth date. App stores renew theirs within a year; one that is older
was kept for more than the one decision it was given for, and may be of another holder of the device."""


def decide(checked: Checked, day: date, rulebook: Rulebook, service: Service) -> Decision:
    """Whether a person may register on a day: by the strictest of the places where they may live."""
    if checked.signals:
        return _decide_by_signals(checked, day, rulebook, service)
    if checked.errors or checked.birth_date is None:
        return Decision(Outcome.INVALID, Reason.INVALID, None, checked.residence, checked.errors)
    limit = rulebook.strictest(checked.residence, on=day, service=service)
    if limit.is_attained(checked.birth_date, day):
        return Decision(Outcome.ADMIT, Reason.OLD_ENOUGH, limit, checked.residence)
    return Decision(Outcome.REFUSE, Reason.UNDER_LIMIT, limit, checked.residence)


def youngest_reading(declared: BirthDate | None, signals: Sequence[AgeSignal], day: date) -> BirthDate | None:
    """The birth date that a decision of a day goes by: the declared one, or a younger one that contradicts it.

    - A signal that can be true together with the declared date changes nothing: narrowing a partial date
      would let a person in earlier than the date alone.
    - Of two that cannot both be true the younger holds, to its latest day. So no signal of an adult clears
      a declared child.
    - Without a declared date the youngest signal with a lower bound stands in for it, if it is `FRESH`. One
      of a later day does not: the source's clock is ahead of where the person lives, and the age may still
      be to come. Both can contradict.

    `None` where nothing stands in. The order of the signals makes no difference.
    """
    told = [(signal, signal.born()) for signal in signals if signal.state is SignalState.SHARED]
    held = declared or max((born for signal, born in told if _stands_in(signal, day)), key=_last, default=None)
    if held is None:
        return None
    return max((held, *(born for _, born in told if born.first > held.last)), key=_last)


def said(signals: Sequence[AgeSignal], limit: Limit, day: date) -> list[dict[str, object]]:
    """What may be kept of the signals of a decision: for each that shared an age, its method and `over`.

    `over` says whether it would have let the person in by itself. The day is the event's; no age, interval
    or assurance is kept.
    """
    return [
        {"method": signal.method, "over": _stands_in(signal, day) and limit.is_attained(signal.born(), day)}
        for signal in signals
        if signal.state is SignalState.SHARED
    ]


def _decide_by_signals(checked: Checked, day: date, rulebook: Rulebook, service: Service) -> Decision:
    """`decide` by the youngest reading, which may answer the question for the birth date."""
    alone = replace(checked, signals=())
    born = youngest_reading(checked.birth_date, checked.signals, day)
    if born is not None:
        errors = tuple(error for error in checked.errors if error != NO_BIRTH_DATE)
        return decide(replace(alone, birth_date=born, errors=errors), day, rulebook, service)
    if checked.errors == (NO_BIRTH_DATE,):
        # Under the limit even by the oldest reading: any answer would be refused, so no child is asked.
        oldest = BirthDate.on(max(signal.born().first for signal in checked.signals))
        anyway = decide(replace(alone, birth_date=oldest, errors=()), day, rulebook, service)
        if anyway.outcome is Outcome.REFUSE:
            return anyway
    return decide(alone, day, rulebook, service)


def _stands_in(signal: AgeSignal, day: date) -> bool:
    return bool(signal.youngest) and signal.on <= day <= signal.on + FRESH


def _last(born: BirthDate) -> date:
    return born.last


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
