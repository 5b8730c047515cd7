"""Accounts as the sweep sees them, the evidence in them, and what it amounts to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, Literal, get_args

from agegate.birthdate import BirthDate

Category = Literal[
    "contact",
    "usage",
    "device",
    "page_tags",
    "logs",
    "referral",
    "third_party",
    "registration",
    "billing",
    "settings",
    "profile",
]
"""A category of personal data."""

CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
"""The categories of personal data that a privacy policy of an online service names; a receipt answers all."""


def account_key(values: Sequence[object]) -> str:
    """An account's key of any type as canonical JSON text: `17`, `"a-uuid"`, `["school", 5]`.

    `values` are the key's columns in order; a UUID becomes its text.
    """
    plain = [value if isinstance(value, int) else str(value) for value in values]
    return json.dumps(plain[0] if len(plain) == 1 else plain, ensure_ascii=False, separators=(",", ":"))


_NO_KEY: Final = 'not an account key: write it as JSON, such as 17, "a-uuid" in quotes, or ["school", 5]'


def key_values(key: str) -> tuple[int | str, ...]:
    """The columns' values of an account key made by `account_key`.

    Raises `ValueError` if the text is not such a key.
    """
    try:
        value = json.loads(key)
    except (ValueError, RecursionError):
        raise ValueError(_NO_KEY) from None
    values = value if isinstance(value, list) else [value]
    if not values or not all(type(part) in {int, str} for part in values):
        raise ValueError(_NO_KEY)
    return tuple(values)


@dataclass(frozen=True, slots=True)
class Text:
    """A text an account's holder wrote. `field` is `table.column`, `row` its key as canonical JSON.

    `kind` is that of agegate.toml; only in a `profile` does a bare number between separators mean an age.
    """

    field: str
    row: str
    text: str = dataclasses.field(repr=False)
    written_on: date
    kind: str = "post"


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody told staff about an account. `said_by` is a role (`parent`, `school`), never a name."""

    number: int
    said_by: str
    said_on: date
    born: BirthDate = field(repr=False)
    about_age: int


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the sweep sees it: its key, the day it was made, what was declared, what was written.

    `answered_under` says that the holder answered at sign-in to be under the limit and is restricted.
    `fields` holds the declared values by their name in agegate.toml (`email`, `handle`, `country`, …),
    only those that are filled.
    """

    key: str
    created_on: date
    birth_date: BirthDate | None = field(default=None, repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    texts: tuple[Text, ...] = field(default=(), repr=False)
    reports: tuple[Report, ...] = field(default=(), repr=False)
    answered_under: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to believe that an account's holder was born in an interval of days.

    - `signal`, `rule`: which signal saw it and by which of its rules.
    - `born`: the days of birth that it speaks for.
    - `reliability`: how often such a statement is right about the account's holder, 0 to 1, among all
      that the rule finds in ordinary accounts.
    - `source`: what said it; statements of one source never add up (`profiles.bio`, `birth_date`).
    - `said_on`: the day on which it was true.
    - `exact`: it states an age or a birth date outright, rather than a school year or a hint.
    - `where`, `span`: the text it was read in (`table.column` and row key) and the characters.
    - `words`: what was read, kept in memory only; what is stored of it is a keyed hash.
    """

    signal: str
    rule: str
    born: BirthDate = field(repr=False)
    reliability: float
    source: str
    said_on: date
    exact: bool = False
    where: tuple[str, str] | None = None
    span: tuple[int, int] | None = None
    words: str = field(default="", repr=False)

    def speaks_for_under(self, age: int, on: date) -> bool:
        """Whether everyone born in its interval is younger than `age` on a day."""
        return not BirthDate.on(self.born.first).has_attained(age, on)

    def speaks_against_under(self, age: int, on: date) -> bool:
        """Whether everyone born in its interval is at least `age` on a day."""
        return self.born.has_attained(age, on)


@dataclass(frozen=True, slots=True)
class Signal:
    """A plug-in that looks at an account and returns the evidence it sees.

    `about` is its line in the documentation. `observe(account, today)` is pure: it reads no clock, no
    file and no network.
    """

    name: str
    about: str
    observe: Callable[[Account, date], Iterable[Evidence]]


class Band(StrEnum):
    """How sure an assessment is that a person is under the limit."""

    CERTAIN = "certain"
    LIKELY = "likely"
    WATCH = "watch"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A piece of evidence with what it did: `weight` is the log10 likelihood ratio, below 0 against."""

    evidence: Evidence
    weight: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """How likely a person is under the limit, and why.

    `under` is the probability on the day of the assessment, `ever_under` that of having been under the
    limit on the day the account was made or since. `born` is the 95 % interval of the posterior.
    """

    under: float
    ever_under: float
    born: BirthDate = field(repr=False)
    band: Band
    weighed: tuple[Weighed, ...]

    def explain(self) -> list[str]:
        """One line per piece of evidence, the weightiest first, without the words of the person."""
        return [
            f"{item.evidence.signal}/{item.evidence.rule} in {item.evidence.source}, "
            f"said {item.evidence.said_on.isoformat()}, weight {item.weight:+.1f}"
            for item in self.weighed
        ]
