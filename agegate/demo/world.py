"""What all people of the demo's host have in common: words, dice and calendar; and what a person is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from random import Random
from typing import Any, Final, TypeVar

from agegate.birthdate import BirthDate, anniversary

T = TypeVar("T")

WORDS: Final[Mapping[str, Any]] = tomllib.loads(
    resources.files("agegate.demo").joinpath("words.toml").read_text(encoding="utf-8")
)
"""Names, countries and templates of texts."""

NAMES: Final[Mapping[str, Sequence[str]]] = WORDS["names"]
COUNTRIES: Final[Mapping[str, Mapping[str, Any]]] = {each["code"]: each for each in WORDS["country"]}

YEARS: Final = 6
"""How many years before today the service opened."""


@dataclass(slots=True)
class Person:
    """Somebody invented. `born` is the truth, which is written nowhere; `declared` is what the form holds."""

    first: str
    last: str
    country: Mapping[str, Any]
    born: date
    created: datetime
    declared: date | None = None
    role: str = "learner"
    organisation: int | None = None
    school: str | None = None
    bio: tuple[str, datetime] | None = None
    ticket: tuple[Mapping[str, str], datetime] | None = None

    def age(self, on: date) -> int:
        """The true age in years on a day."""
        return BirthDate.on(self.born).age_on(on)


class World:
    """The dice, the calendar and what all people have in common."""

    def __init__(self, rng: Random, accounts: int, today: date) -> None:
        self.rng = rng
        self.yesterday = today - timedelta(days=1)
        self.end = datetime.combine(today, time(), UTC)
        self.opened = anniversary(today, -YEARS)
        self.imported_on = self.yesterday - timedelta(days=rng.randint(600, 800))
        self.tickets = 0
        self.taken: set[str] = set()
        kinds = ("company", "company", "school", "charity")
        self.organisations = [
            {"id": number, "name": self._company(), "kind": self.pick(kinds)}
            for number in range(1, 3 + accounts // 150)
        ]
        titles = ((topic, part) for topic in NAMES["topic"] for part in (1, 2, 3))
        self.lessons = [
            {"id": number, "title": f"{topic.capitalize()}, part {part}", "subject": topic}
            for number, (topic, part) in enumerate(titles, 1)
        ]

    def pick(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[int(self.rng.random() * len(items))]

    def chance(self, share: float) -> bool:
        """Whether it happens, in this share of all cases."""
        return self.rng.random() < share

    def day(self, days: BirthDate) -> date:
        """A day of an interval."""
        return days.first + timedelta(days=self.rng.randint(0, (days.last - days.first).days))

    def moment(self, after: datetime | date) -> datetime:
        """A moment between another (or the beginning of a day) and the beginning of today."""
        start = after if isinstance(after, datetime) else datetime.combine(after, time(), UTC)
        return start + timedelta(seconds=int(self.rng.random() * (self.end - start).total_seconds()))

    def recently(self, days: int) -> datetime:
        """A moment of the last so many days."""
        return self.moment(self.yesterday - timedelta(days=days))

    def digits(self, pattern: str) -> str:
        """The pattern with a digit for every `#`."""
        return "".join(str(self.rng.randint(0, 9)) if char == "#" else char for char in pattern)

    def unique(self, text: str, number: int) -> str:
        """The text, or with the account's number if somebody has it."""
        found = text if text not in self.taken else f"{text}.x{number}"
        self.taken.add(found)
        return found

    def country(self) -> Mapping[str, Any]:
        """A country, the service's larger ones more often."""
        countries = list(COUNTRIES.values())
        return self.rng.choices(countries, [country["weight"] for country in countries])[0]

    def lesson(self) -> int:
        """A lesson's number."""
        return self.rng.randint(1, len(self.lessons))

    def employer(self, person: Person) -> str:
        """The name of the person's organisation, or an invented one."""
        if person.organisation is None:
            return self._company()
        return str(self.organisations[person.organisation - 1]["name"])

    def _company(self) -> str:
        return f"{self.pick(NAMES['town'])} {self.pick(NAMES['trade'])}"
