"""The gate beside its floors: two dates compared, the same validators alone, one row inserted."""

from __future__ import annotations

import random
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Final, TypeVar

import phonenumbers
import sqlalchemy as sa
from email_validator import validate_email

from agegate.birthdate import BirthDate
from agegate.errors import AgegateError
from agegate.keys import KeyRing
from agegate.law import COUNTRIES, Rulebook
from agegate.law.residence import residence
from agegate.law.rulebook import SHIPPED
from agegate.model import Outcome, Registration, Service
from agegate.signup import AgeGate
from agegate.signup.decide import decide
from agegate.signup.fields import Checked
from agegate.store import Store

PEOPLE: Final = 10_000
LOADS: Final = 15
INPUTS: Final = 1_000
ROUNDS: Final = 7
SIGN_UPS: Final = 400

TODAY: Final = date(2026, 11, 22)
NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)

NUMBERS: Final = {
    "US": "+1 201 555 {:04d}",
    "DE": "+49 30 1234{:04d}",
    "FR": "+33 1 23 45 {:04d}",
    "GB": "+44 20 7946 {:04d}",
    "BR": "+55 11 2345 {:04d}",
}
"""Five countries, and valid numbers in each."""

T = TypeVar("T")


def run(seed: int = 0) -> dict[str, float | None]:
    """Figures of the gate. Times are medians of single calls: `_us` microseconds, `_ms` milliseconds.

    - `decide_us_median`: the limit of the strictest place and whether it is attained, no I/O, for people of
      one to four places all over the world; `decide_floor_us_median`: a dictionary of ages and two dates.
    - `load_ms`: reading and checking every rule file; `load_floor_ms`: parsing the same TOML.
    - `check_ratio_to_validators`: a whole `AgeGate.check` without a store, by the time that parsing and
      validating the same phone numbers and e-mail addresses takes (`validators_us_median`).
    - `store_ratio_to_insert`, `admission_ratio_to_insert`: refusals with e-mail, phone and device, and
      admissions, a second, by single rows inserted a second on the same engine (`insert_us_median`; SQLite,
      write-ahead log, `synchronous=FULL`).
    - `timing_gap_to_noise`: how far the medians of refusals and admissions lie apart, by the middle half of
      their own spread; under 1 a clock tells less than chance does.

    A part that could not run gives `None`.
    """
    parts: tuple[Callable[[random.Random], Mapping[str, float]], ...] = (_decisions, _loads, _checks, _memories)
    names: tuple[tuple[str, ...], ...] = (
        ("decide_us_median", "decide_floor_us_median", "decide_ratio"),
        ("load_ms", "load_floor_ms", "load_ratio"),
        ("check_us_median", "validators_us_median", "check_ratio_to_validators"),
        (
            "refused_us_median",
            "admitted_us_median",
            "insert_us_median",
            "store_ratio_to_insert",
            "admission_ratio_to_insert",
            "timing_gap_to_noise",
        ),
    )
    figures: dict[str, float | None] = {}
    for part, named in zip(parts, names, strict=True):
        try:
            found: Mapping[str, float | None] = part(random.Random(seed))  # noqa: S311 - the same every time
        except (AgegateError, OSError):
            found = dict.fromkeys(named)
        figures |= found
    return figures


def floors(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """The floors of a run's figures in seconds, by the part that each belongs to."""
    units = {
        "decide": ("decide_floor_us_median", 1e6),
        "load": ("load_floor_ms", 1e3),
        "check": ("validators_us_median", 1e6),
        "store": ("insert_us_median", 1e6),
    }
    found = {part: (figures[name], per_second) for part, (name, per_second) in units.items()}
    return {part: None if time is None else time / unit for part, (time, unit) in found.items()}


def _decisions(random_: random.Random) -> dict[str, float]:
    people = [_person(random_, TODAY) for _ in range(PEOPLE)]
    service, book = Service(), Rulebook.load()
    ages = {code: book.limit(code, on=TODAY, service=service).age for code in COUNTRIES}
    ours, floor = _beside(
        people, lambda person: decide(person, TODAY, book, service), lambda person: _floor(person, TODAY, ages)
    )
    return {
        "decide_us_median": median(ours),
        "decide_floor_us_median": median(floor),
        "decide_ratio": median(ours) / median(floor),
    }


def _loads(_random: random.Random) -> dict[str, float]:
    files = [file.read_text(encoding="utf-8") for file in SHIPPED.glob("*.toml")]
    ours, floor = _beside(
        range(LOADS), lambda _: Rulebook.load(SHIPPED), lambda _: [tomllib.loads(file) for file in files]
    )
    return {
        "load_ms": median(ours) / 1000,
        "load_floor_ms": median(floor) / 1000,
        "load_ratio": median(ours) / median(floor),
    }


def _checks(random_: random.Random) -> dict[str, float]:
    people = [_registration(random_, number) for number in range(INPUTS)]
    gate = AgeGate()
    rounds = [_beside(people, lambda given: gate.check(given, now=NOON), _validate) for _ in range(ROUNDS)]
    # Each input's best time: what else the machine does is no part of either.
    ours = [min(times) for times in zip(*(one for one, _ in rounds), strict=True)]
    floor = [min(times) for times in zip(*(other for _, other in rounds), strict=True)]
    return {
        "check_us_median": median(ours),
        "validators_us_median": median(floor),
        "check_ratio_to_validators": sum(ours) / sum(floor),
    }


def _memories(random_: random.Random) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="agegate-bench-") as folder:
        store = Store(f"sqlite:///{Path(folder) / 'agegate.db'}", create=True)
        try:
            store.create()
            return _memories_in(store, random_)
        finally:
            store.dispose()


def _memories_in(store: Store, random_: random.Random) -> dict[str, float]:
    """Sign-ups of people whom nobody knows yet, children and adults in turn, and a plain row after each."""
    rows = sa.Table(
        "row", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text)
    )
    rows.create(store.engine)
    gate = AgeGate(store=store, keys=KeyRing.generate(NOON))
    times: dict[Outcome, list[float]] = {Outcome.REFUSE: [], Outcome.ADMIT: []}
    floor: list[float] = []
    for number in range(2 * SIGN_UPS):
        born = f"{(1985, 2019)[number % 2]}-{random_.randint(1, 12):02d}-{random_.randint(1, 28):02d}"
        given = _registration(random_, number, born)
        spent, decision = _timed(lambda given=given: gate.check(given, now=NOON))  # type: ignore[misc]
        times[decision.outcome].append(spent)
        floor.append(_timed(lambda number=number: _insert(store.engine, rows, number))[0])  # type: ignore[misc]
    refused, admitted = times[Outcome.REFUSE], times[Outcome.ADMIT]
    noise = sum(_middle_half(some) for some in (refused, admitted)) / 2
    return {
        "refused_us_median": median(refused),
        "admitted_us_median": median(admitted),
        "insert_us_median": median(floor),
        "store_ratio_to_insert": median(floor) / median(refused),
        "admission_ratio_to_insert": median(floor) / median(admitted),
        "timing_gap_to_noise": abs(median(refused) - median(admitted)) / noise,
    }


def _insert(engine: sa.Engine, rows: sa.Table, number: int) -> None:
    """What any host does to keep one thing: one row in one transaction."""
    with engine.begin() as connection:
        connection.execute(sa.insert(rows).values(text=f"reader {number}"))


def _registration(random_: random.Random, number: int, born: str | None = None) -> Registration:
    """A registration like no other: its country, phone number, e-mail address and device."""
    country = list(NUMBERS)[number % len(NUMBERS)]
    return Registration(
        birth_date=born or (TODAY - timedelta(days=random_.randint(5 * 365, 60 * 365))).isoformat(),
        country=country,
        email=f"reader.{number}.{random_.randint(0, 10**6)}@mail{number % 97}.example.org",
        phone=NUMBERS[country].format(number % 10_000),
        device=f"device-{number}",
    )


def _validate(given: Registration) -> None:
    """What any host does with the same phone number and address."""
    assert given.phone is not None
    assert given.email is not None
    phonenumbers.is_valid_number(phonenumbers.parse(given.phone, given.country))
    validate_email(given.email, check_deliverability=False)


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


def _beside(
    items: Sequence[T], ours: Callable[[T], object], floor: Callable[[T], object]
) -> tuple[list[float], list[float]]:
    """The times of both on the same items, in turn, in microseconds; each was done once before to warm up."""
    for item in items[:PEOPLE]:
        ours(item)
        floor(item)
    pairs = [(_timed(lambda: ours(item))[0], _timed(lambda: floor(item))[0]) for item in items]  # noqa: B023 - called at once
    return [one for one, _ in pairs], [other for _, other in pairs]


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    began = perf_counter_ns()
    answer = call()
    return (perf_counter_ns() - began) / 1000, answer


def _middle_half(times: Sequence[float]) -> float:
    """The distance between the quartiles."""
    first, _, third = quantiles(times, n=4)
    return third - first
