"""The gate: what a decision costs beside comparing two dates, and reading the law beside reading the files."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median
from time import perf_counter_ns
from typing import Final, TypeVar

from agegate.birthdate import BirthDate
from agegate.law import COUNTRIES, Rulebook
from agegate.law.residence import residence
from agegate.law.rulebook import SHIPPED
from agegate.model import Registration, Service
from agegate.signup import AgeGate
from agegate.signup.decide import decide
from agegate.signup.fields import Checked

PEOPLE: Final = 10_000
LOADS: Final = 15

T = TypeVar("T")


def run(seed: int = 0) -> dict[str, float]:
    """Figures of the gate. Times are medians of single calls: `_us` microseconds, `_ms` milliseconds.

    - `decide_us_median`: the limit of the strictest place and whether it is attained, no I/O, for people of
      one to four places all over the world; `decide_floor_us_median`: a dictionary of ages and two dates.
    - `check_us_median`: a whole `AgeGate.check` without a store: fields read and checked, the midnight of
      where the person lives.
    - `load_ms`: reading and checking every rule file; `load_floor_ms`: parsing the same TOML.
    """
    random_ = random.Random(seed)  # noqa: S311 - the same people every time, nothing secret
    today, noon = date(2026, 11, 22), datetime(2026, 11, 22, 12, tzinfo=UTC)
    people = [_person(random_, today) for _ in range(PEOPLE)]
    service, book = Service(), Rulebook.load()
    ages = {code: book.limit(code, on=today, service=service).age for code in COUNTRIES}
    gate = AgeGate(service)
    registrations = [
        Registration(
            birth_date=person.birth_date,
            country=person.residence.places[0].jurisdiction[:2],
            email="a@b.example",
        )
        for person in people[: PEOPLE // 10]
    ]
    files = [file.read_text(encoding="utf-8") for file in SHIPPED.glob("*.toml")]
    figures = {
        "decide_us_median": _each(people, lambda person: decide(person, today, book, service)),
        "decide_floor_us_median": _each(people, lambda person: _floor(person, today, ages)),
        "check_us_median": _each(registrations, lambda given: gate.check(given, now=noon)),
        "load_ms": _each(range(LOADS), lambda _: Rulebook.load(SHIPPED)) / 1000,
        "load_floor_ms": _each(range(LOADS), lambda _: [tomllib.loads(file) for file in files]) / 1000,
    }
    figures["decide_ratio"] = figures["decide_us_median"] / figures["decide_floor_us_median"]
    figures["load_ratio"] = figures["load_ms"] / figures["load_floor_ms"]
    return figures


def _person(random_: random.Random, today: date) -> Checked:
    """Somebody of 5 to 60 years, whose billing, declaration, phone and IP address often disagree."""
    codes = sorted(COUNTRIES)
    born = BirthDate.on(today - timedelta(days=random_.randint(5 * 365, 60 * 365)))
    country = random_.choice(codes)
    spare = [random_.choice(codes) if random_.random() < 1 / 3 else None for _ in range(3)]
    where = residence(billing=spare[0], country=country, phone_region=spare[1], ip_country=spare[2])
    return Checked(born, where, None, None, None, ())


def _floor(person: Checked, today: date, ages: dict[str, int]) -> bool:
    """What a service does that hard-codes an age a country and compares dates."""
    assert person.birth_date is not None
    born = person.birth_date.last
    age = ages[person.residence.places[0].jurisdiction]
    return (born.year + age, born.month, born.day) <= (today.year, today.month, today.day)


def _each(items: Sequence[T], call: Callable[[T], object]) -> float:
    """The median time of a call, in microseconds, after every item was done once to warm up."""
    for item in items:
        call(item)
    times = []
    for item in items:
        began = perf_counter_ns()
        call(item)
        times.append(perf_counter_ns() - began)
    return median(times) / 1000
