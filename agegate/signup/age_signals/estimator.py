"""An estimate of an age, from a face or otherwise, with its error.

`data` is `{"age": 17.4, "error": 2.1}`, in years: the estimate and the half width of the interval in which the
host's vendor vouches for the true age. A mean error is not that: half of the people are further off. Without
an error, or with none at all (0), an estimate is a number that nobody stands behind: unknown. Whole years are
counted down on both sides, the younger reading, and no youngest age is below 0.

`{"declined": True}` says that the person did not want to be estimated.

An estimate is a score about a body. This reader sees the numbers only; no picture, template or vendor's record
belongs here or in any store of agegate's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import floor
from typing import Final

from agegate.birthdate import OLDEST_YEARS
from agegate.model import AgeSignal, Assurance
from agegate.signup.age_signals._parts import bounded, declined, fields, unknown

METHOD: Final = "estimator"


def read(data: Mapping[str, object], on: date) -> AgeSignal:
    """The interval of an estimate made on a day. Nothing is verified; see the module."""
    answer = fields(data)
    if answer.get("declined") is True:
        return declined(METHOD, on)
    age, error = _years(answer.get("age")), _years(answer.get("error"))
    if age is None or not error:
        return unknown(METHOD, on)
    oldest = floor(age + error)
    return bounded(
        METHOD, on, floor(max(age - error, 0)), oldest if oldest <= OLDEST_YEARS else None, Assurance.ESTIMATED
    )


def _years(value: object) -> float | None:
    """A number of years that a life can have; none of not-a-number, infinity, a truth value or a text."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= OLDEST_YEARS:
        return None
    return float(value)
