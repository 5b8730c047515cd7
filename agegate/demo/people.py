"""The people of the demo's host: fictional, the same for the same seed, and as mixed as those of a real one.

Nearly all are adults, some are teenagers who were old enough on the day they signed up, and very few are
children who should not be there. Nothing that is written says which: no column, no order of the numbers,
no mark. What a child said, declared or is called is all there is, among thousands of people who teach
fourth grade, are proud of an eleven-year-old, lead a team of twelve or were given a filler for a birth date.

A text's ages are true on the day it was written, which can be years before today.
"""

from __future__ import annotations

import string
import tomllib
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from itertools import accumulate
from random import Random
from typing import Any, Final

import sqlalchemy as sa

from agegate.birthdate import BirthDate, anniversary
from agegate.demo import schema

WORDS: Final[Mapping[str, Any]] = tomllib.loads(
    resources.files("agegate.demo").joinpath("words.toml").read_text(encoding="utf-8")
)
"""Names, countries and templates of texts."""

YEARS: Final = 6
"""How many years before today the service opened."""

BATCH: Final = 1000
"""So many people's rows are written at once."""

RARE: Final[Mapping[str, float]] = {
    "declared": 0.0007,
    "declared_where_the_limit_is_higher": 0.0002,
    "bio_age": 0.0006,
    "bio_grade": 0.0004,
    "ticket": 0.0003,
    "school_mail": 0.0003,
    "long_ago": 0.0003,
    "filler_default": 0.008,
    "filler_sign_up_day": 0.004,
    "filler_import_day": 0.007,
    "teen": 0.07,
}
"""The shares of those who are not simply adults; see `_CASTS`. Rounded, and at least one of each."""

ROLES: Final[Mapping[str, int]] = {
    "learner": 62, "teacher": 13, "parent": 12, "manager": 7, "admin": 3, "hr": 3,
}  # fmt: skip
"""How many in a hundred adults have a role."""

DEFAULT_DATE: Final = date(1900, 1, 1)
"""What a form that was never filled in leaves behind."""

HOSTS: Final = ("example.com", "example.org", "example.net")
NETS: Final = ("192.0.2.", "198.51.100.", "203.0.113.")
"""Domains (RFC 2606) and addresses (RFC 5737) that belong to nobody."""


@dataclass(frozen=True, slots=True)
class Writing:
    """A ticket: what its opener wrote, when, and what staff answered."""

    subject: str
    asks: str
    answer: str
    opened: datetime


@dataclass(slots=True)
class Person:
    """Somebody invented. `born` is the truth, which is written nowhere; `declared` is what the form holds."""

    first: str
    last: str
    country: Mapping[str, Any]
    born: date
    created: datetime
    declared: date | None
    role: str = "learner"
    organisation: int | None = None
    pupil: bool = False
    bio: str | None = None
    bio_at: datetime | None = None
    ticket: Writing | None = None

    def age(self, on: date) -> int:
        """The true age in years on a day."""
        return BirthDate.on(self.born).age_on(on)


def fill(connection: sa.Connection, *, accounts: int, seed: int, today: date) -> None:
    """Write `accounts` fictional accounts and all their rows into the empty tables of `agegate.demo.schema`.

    The same arguments give the same rows on every database. Everything lies in the six years before `today`.
    """
    maker = _Maker(Random(seed), accounts, today)
    connection.execute(schema.organisations.insert(), maker.organisations)
    connection.execute(schema.lessons.insert(), _lessons())
    people = sorted((maker.person(cast) for cast in maker.casting()), key=lambda person: person.created)
    for start in range(0, len(people), BATCH):
        rows: dict[sa.Table, list[dict[str, Any]]] = defaultdict(list)
        for number, person in enumerate(people[start : start + BATCH], start + 1):
            maker.write(rows, number, person)
        for table in schema.metadata.sorted_tables:
            if rows[table]:
                connection.execute(table.insert(), rows[table])


def _lessons() -> list[dict[str, Any]]:
    topics: Sequence[str] = WORDS["names"]["topic"]
    return [
        {"id": number, "title": f"{topic.capitalize()}, part {part}", "subject": topic}
        for number, (topic, part) in enumerate(((topic, part) for topic in topics for part in (1, 2, 3)), 1)
    ]
