"""The birth date that the account holder declared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from agegate.birthdate import BirthDate
from agegate.model import Account, Evidence, Signal

ADULT: Final = 18

MINOR_RELIABILITY: Final = 0.98
"""Nobody gains by declaring to be a child; what remains are slips of the keyboard."""

ADULT_RELIABILITY: Final = 0.5
"""Whoever wanted to come in had to declare a date like this, child or not; so it says little."""

FILLER_RELIABILITY: Final = 0.3
"""A date that a form or an import left behind is seldom the holder's own."""

LEAST_AGE: Final = 4
"""A date that makes the holder younger than this at sign-up was not given in earnest."""


def is_filler(born: BirthDate, created_on: date) -> bool:
    """Whether a declared date is one that forms and imports leave behind, rather than a birth date.

    The sign-up day itself, and any date that makes the holder younger than four at sign-up.
    """
    return created_on in born or born.age_on(created_on) < LEAST_AGE


def observe(account: Account, today: date) -> Iterator[Evidence]:
    """The declared date as evidence; a filler is weak evidence."""
    born = account.birth_date
    if born is None or born.first > today:
        return
    if is_filler(born, account.created_on):
        rule, reliability = "filler", FILLER_RELIABILITY
    elif born.age_on(today) < ADULT:
        rule, reliability = "declared-minor", MINOR_RELIABILITY
    else:
        rule, reliability = "declared-adult", ADULT_RELIABILITY
    yield Evidence(
        signal="birth_date",
        rule=rule,
        born=born,
        reliability=reliability,
        source="birth_date",
        said_on=account.created_on,
        exact=True,
        words=f"{born.first}/{born.last}",
    )


SIGNAL = Signal("birth_date", "the declared birth date; strong under the limit, weak above it", observe)
