"""What somebody else says about a person's age: an interval, how it came about, how sure it is, and when.

App stores, driving licences, wallets and estimators each speak a language of their own; the readers in
`agegate.signup.age_signals` translate them into this one type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeGuard

from agegate.birthdate import OLDEST_YEARS, BirthDate

_METHOD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")

_YEARS: Final = range(date.min.year + OLDEST_YEARS + 1, date.max.year - OLDEST_YEARS)
"""Years in which every age that a person can have lies inside the calendar, back and forth."""


def is_age(value: object) -> TypeGuard[int]:
    """Whether a value is an age in whole years that a person can have. `True` is no age, nor is `13.0`."""
    return type(value) is int and 0 <= value <= OLDEST_YEARS


class SignalState(StrEnum):
    """Whether an age was shared. Neither of the other two says anything about an age."""

    SHARED = "shared"
    DECLINED = "declined"
    """The holder, a guardian or the wallet was asked and did not share."""
    UNKNOWN = "unknown"
    """The source does not know, was not asked, or said what cannot be read."""


class Assurance(StrEnum):
    """How the source came to know the age. Where a source mixes several ways, the weaker is named."""

    DECLARED = "declared"
    """The person's own word."""
    GUARDIAN = "guardian"
    """The word of a parent or guardian."""
    ESTIMATED = "estimated"
    """A machine's estimate, from a face or from behaviour."""
    CHECKED = "checked"
    """A document, a register or a means of payment was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AgeSignal:
    """What one source said of a person's age on one day.

    `youngest` and `oldest` are ages in whole years on the day `on`, both included; `None` is an open end,
    and a `youngest` of 0 is none either: it says nothing. `method` is a short id such as
    `apple_declared_age_range`; it is what an audit event names, so it holds nothing about the person.
    `assurance` is given where the state is shared; it is for the host, and decides nothing by itself.

    It serves one decision. `repr` shows no age.

    Raises `ValueError` if an age is no whole number from 0 to 125, if they are the wrong way round, if a
    shared signal has no bound or no assurance, if any other has a bound, if `method` is no such id, or if
    `on` lies outside the calendar. No message repeats a value.
    """

    state: SignalState
    method: str
    on: date
    youngest: int | None = None
    oldest: int | None = None
    assurance: Assurance | None = None

    def __post_init__(self) -> None:
        if isinstance(self.on, datetime):  # what hosts keep
            object.__setattr__(self, "on", self.on.date())
        if self.on.year not in _YEARS:
            raise ValueError("an age signal's day lies outside the calendar; give the day it was read")
        if not _METHOD.fullmatch(self.method):
            raise ValueError("an age signal's method is no id; write one such as face_estimate")
        bounds = [age for age in (self.youngest, self.oldest) if age is not None]
        if not all(is_age(age) for age in bounds) or bounds != sorted(bounds):
            raise ValueError(
                f"an age signal's ages must be whole years, 0 to {OLDEST_YEARS}, the youngest first"
            )
        if self.state is SignalState.SHARED and (not bounds or self.assurance is None):
            raise ValueError("a shared age signal needs a bound and its assurance; make it unknown instead")
        if self.state is not SignalState.SHARED and bounds:
            raise ValueError("only a shared age signal has bounds; remove them")

    def __repr__(self) -> str:
        return f"AgeSignal({self.method}, {self.state}, {self.on})"

    def born(self) -> BirthDate:
        """The birth dates it speaks for; an open end reaches to the day itself, or back 125 years."""
        oldest = OLDEST_YEARS if self.oldest is None else self.oldest
        return BirthDate.aged(self.youngest or 0, oldest, self.on)
