"""Parts that several readers share: fields of a source's answer, and the signal that bounds add up to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from agegate.model import AgeSignal, Assurance, SignalState
from agegate.model.age_signal import is_age

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})

_AGE_OVER: Final = re.compile(r"age_over_([0-9]{2})")

Statement = tuple[object, object]
"""That somebody has attained an age, and whether that is so; `(None, …)` where it cannot be read."""


def fields(value: object) -> Mapping[str, object]:
    """A source's answer if it is an object with fields, else one that has none."""
    return value if isinstance(value, Mapping) else _NOTHING


def word(data: Mapping[str, object], name: str) -> str:
    """A field that is a text, else nothing."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def unknown(method: str, on: date) -> AgeSignal:
    """The signal of a source that said nothing that can be read."""
    return AgeSignal(state=SignalState.UNKNOWN, method=method, on=on)


def declined(method: str, on: date) -> AgeSignal:
    """The signal of a source that was asked and did not share."""
    return AgeSignal(state=SignalState.DECLINED, method=method, on=on)


def bounded(method: str, on: date, youngest: object, oldest: object, assurance: Assurance) -> AgeSignal:
    """The signal of an interval of ages, both ends included; unknown if it is none that a person can have."""
    low = youngest if is_age(youngest) else None
    high = oldest if is_age(oldest) else None
    readable = (youngest is None or low is not None) and (oldest is None or high is not None)
    empty = low is None and high is None
    if not readable or empty or (low is not None and high is not None and low > high):
        return unknown(method, on)
    return AgeSignal(
        state=SignalState.SHARED, method=method, on=on, youngest=low, oldest=high, assurance=assurance
    )


def attested(method: str, on: date, statements: Iterable[Statement]) -> AgeSignal:
    """The signal of statements of a document that its holder has attained an age, or has not.

    True for an age: at least that old. False: younger. Where two cannot both be true, the younger reading
    holds: what says "younger" stays, and an age above it is not believed. One statement that cannot be read
    makes all of it unknown, because it may be the one that says "younger".
    """
    over: list[int] = []
    under: list[int] = []
    for age, holds in statements:
        if not is_age(age) or not isinstance(holds, bool):
            return unknown(method, on)
        (over if holds else under).append(age)
    oldest = min(under) - 1 if under else None
    youngest = max((age for age in over if oldest is None or age <= oldest), default=None)
    return bounded(method, on, youngest, oldest, Assurance.CHECKED)


def age_over(elements: Mapping[str, object]) -> Iterable[Statement]:
    """The `age_over_NN` among the data elements of a document; no other element is looked at."""
    for name, value in elements.items():
        if isinstance(name, str) and name.startswith("age_over_"):
            found = _AGE_OVER.fullmatch(name)
            yield (int(found[1]) if found else None), value
