"""The people of the demo's host: fictional, the same for the same seed, and as mixed as those of a real one.

Nearly all are adults, some are teenagers who were old enough on the day they signed up, and very few are
children who should not be there. Nothing that is written says which: no column, no order of the numbers,
no mark. What a child said, declared or is called is all there is, among thousands of people who teach
fourth grade, are proud of an eleven-year-old, lead a team of twelve or were given a filler for a birth date.

A text's ages are true on the day it was written, which can be years before today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Final

import sqlalchemy as sa

from agegate.birthdate import BirthDate, anniversary
from agegate.demo import schema
from agegate.demo.rows import Rows, write
from agegate.demo.world import COUNTRIES, NAMES, WORDS, Person, World

BIOS: Final[Mapping[str, Any]] = WORDS["bios"]
"""What people write about themselves, by who they are."""

BATCH: Final = 1000
"""So many people's rows are written at once."""

ROLES: Final = {"learner": 62, "teacher": 13, "parent": 12, "manager": 7, "admin": 3, "hr": 3}
"""How many in a hundred adults have a role."""

FILLER: Final = date(1900, 1, 1)
"""What a form that nobody filled in leaves behind."""


def fill(connection: sa.Connection, *, accounts: int, seed: int, today: date) -> None:
    """Write `accounts` fictional accounts and all their rows into the empty tables of `agegate.demo.schema`.

    The same arguments give the same rows on every database. Everything lies in the six years before `today`.
    """
    world = World(Random(seed), accounts, today)
    connection.execute(schema.organisations.insert(), world.organisations)
    connection.execute(schema.lessons.insert(), world.lessons)
    people = sorted((make(world) for make in _cast(world, accounts)), key=lambda person: person.created)
    for start in range(0, len(people), BATCH):
        rows: Rows = defaultdict(list)
        for number, person in enumerate(people[start : start + BATCH], start + 1):
            write(world, rows, number, person)
        for table in schema.metadata.sorted_tables:
            if rows[table]:
                connection.execute(table.insert(), rows[table])


# --- who they are ------------------------------------------------------------------------------------


def _somebody(world: World, country: Mapping[str, Any], born: date, created: datetime) -> Person:
    names = [world.pick(NAMES[part]) for part in ("first", "first_end", "last", "last_end")]
    return Person("".join(names[:2]), "".join(names[2:]), country, born, created)


def _aged(world: World, youngest: int, oldest: int) -> date:
    """A day of birth with which one was that old yesterday."""
    return world.day(BirthDate.aged(youngest, oldest, world.yesterday))


def _admitted(world: World, country: Mapping[str, Any], born: date) -> Person:
    """Somebody who signed up after they attained the age from which their country admits them."""
    attained = BirthDate.on(born).attains(country["admits"])
    return _somebody(world, country, born, world.moment(max(world.opened, attained)))


def _adult(world: World) -> Person:
    role = world.rng.choices(list(ROLES), list(ROLES.values()))[0]
    youngest, usual = (18, 29) if role == "learner" else (25, 40)
    age = int(world.rng.triangular(youngest, 79, usual))
    person = _admitted(world, world.country(), _aged(world, age, age))
    person.role = role
    person.declared = person.born if world.chance(0.62) else None
    if role not in {"learner", "parent"} or world.chance(0.25):
        person.organisation = world.rng.randint(1, len(world.organisations))
    texts = role
    if role == "learner" and age >= 58 and world.chance(0.5):
        texts = "older"
    elif role != "learner" and world.chance(0.3):
        texts = "learner"
    if world.chance(0.7):
        person.bio = world.pick(BIOS[texts]), _written(world, person)
    if world.chance(0.12):
        person.ticket = world.pick(WORDS["tickets"]["adult"]), world.moment(person.created)
    if person.age(person.created.date()) < 18:
        person.bio = person.ticket = None  # these words are an adult's
    return person


def _teen(world: World) -> Person:
    country = world.country()
    person = _admitted(world, country, _aged(world, country["admits"], 17))
    person.declared = person.born if world.chance(0.9) else None
    if country["code"] == "US" and world.chance(0.1):
        person.school = world.pick(NAMES["town"])
    if world.chance(0.6):
        person.bio = world.pick(BIOS["teen"]), _written(world, person)
    if world.chance(0.06):
        person.ticket = world.pick(WORDS["tickets"]["teen"]), world.moment(person.created)
    return person


def _written(world: World, person: Person) -> datetime:
    """When a bio was last changed: for most, minutes after sign-up."""
    at_once = person.created + timedelta(minutes=world.rng.randint(1, 20))
    return at_once if world.chance(0.6) and at_once < world.end else world.moment(person.created)


# --- fillers: dates that nobody declared --------------------------------------------------------------


def _never_filled_in(world: World) -> Person:
    person = _adult(world)
    person.declared = FILLER
    return person


def _day_of_sign_up(world: World) -> Person:
    person = _adult(world)
    person.declared = person.created.date()
    return person


def _imported(world: World) -> Person:
    """One of a company's staff, whose list was taken over with the day of the import in a wrong column."""
    person = _somebody(world, COUNTRIES["US"], _aged(world, 25, 60), world.end)
    joined = 0 if world.chance(0.7) else world.rng.randint(1, 40)
    start = datetime.combine(world.imported_on + timedelta(days=joined), time(9), UTC)
    person.created = start + timedelta(seconds=world.rng.randint(0, 30_000))
    person.declared, person.organisation = world.imported_on, 1
    return person


# --- those who should not be there -------------------------------------------------------------------


def _child(world: World, country: str | None = None, *, ages: tuple[int, int] = (8, 12)) -> Person:
    """Somebody too young, who signed up not long ago and said to be grown up, or nothing."""
    place = COUNTRIES[country] if country else world.country()
    person = _somebody(world, place, _aged(world, *ages), world.recently(300))
    person.declared = _aged(world, 19, 45) if world.chance(0.5) else None
    return person


def _child_declared(world: World) -> Person:
    person = _child(world, ages=(10, 12))
    person.declared = person.born
    return person


def _child_by_law(world: World) -> Person:
    """Fourteen in France, where fifteen is the age: above the service's floor, below the law's."""
    person = _child(world, "FR", ages=(14, 14))
    person.declared = person.born
    return person


def _child_says_age(world: World) -> Person:
    person = _child(world)
    person.bio = world.pick(BIOS["child"]["age"]), _written(world, person)
    return person


def _child_says_grade(world: World) -> Person:
    country = world.pick(("US", "US", "US", "GB"))
    person = _child(world, country, ages=(8, 11))
    person.bio = world.pick(BIOS["child"]["grade" if country == "US" else "year"]), _written(world, person)
    return person


def _child_writes_in(world: World) -> Person:
    person = _child(world, ages=(9, 12))
    person.ticket = world.pick(WORDS["tickets"]["child"]), world.moment(person.created)
    return person


def _child_at_school(world: World) -> Person:
    person = _child(world, "US", ages=(9, 12))
    person.school = world.pick(NAMES["town"])
    if world.chance(0.5):
        person.bio = world.pick(BIOS["child"]["grade"]), _written(world, person)
    return person


def _child_long_ago(world: World) -> Person:
    """Twelve on the day of sign-up five years ago, and never asked: old enough now, but was not then."""
    then = anniversary(world.yesterday, -5) - timedelta(days=world.rng.randint(0, 60))
    born = world.day(BirthDate.aged(12, 12, then))
    person = _somebody(world, COUNTRIES["US"], born, datetime.combine(then, time(16, 30), UTC))
    person.bio = world.pick(BIOS["child"]["age"]), person.created + timedelta(minutes=4)
    return person


_CASTS: Final[Mapping[Callable[[World], Person], float]] = {
    _teen: 0.07,
    _never_filled_in: 0.008,
    _day_of_sign_up: 0.0005,
    _imported: 0.0055,
    _child_declared: 0.0006,
    _child_by_law: 0.0002,
    _child_says_age: 0.0006,
    _child_says_grade: 0.0004,
    _child_writes_in: 0.0004,
    _child_at_school: 0.0003,
    _child_long_ago: 0.0003,
}
"""The shares of those who are not simply adults: at least one of each in a demo of any useful size."""


def _cast(world: World, accounts: int) -> Iterable[Callable[[World], Person]]:
    special = [make for make, share in _CASTS.items() for _ in range(max(1, round(accounts * share)))]
    return world.rng.sample([*special, *[_adult] * (accounts - len(special))][:accounts], accounts)
