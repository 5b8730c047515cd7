"""Ten thousand generated registrations: none raises, and none admits who may be under age.

What a registration may mean is written down where it is made, so that the test reads nothing by the code that
it tests but the age that the law of a place sets on a day. Each is made from its own number alone.
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from random import Random
from typing import Any, Final

import phonenumbers
import pycountry
import pytest

from agegate import AgeGate, BirthDate, Decision, Outcome, Reason, Registration, Service
from agegate.keys import KeyRing
from agegate.law import COUNTRIES, Rulebook, own_code
from agegate.store import Store

NUMBER: Final = 10_000
FIRST, LAST = date(1990, 1, 1), date(2060, 12, 31)
"""The days on which the persons register."""

MARK: Final = "zqxwkestrel"
"""In every text that is made up; it must not come back."""

PLACES: Final = sorted(COUNTRIES)
ZONES: Final = (
    "America/New_York",
    "Europe/Berlin",
    "Pacific/Kiritimati",
    "Asia/Tokyo",
    "Etc/GMT+12",
    MARK,
    "",
    "UTC",
)
LOCALES: Final = ("en-US", "de_DE", "ko-KR", "pt-BR", "ar", "zh_Hant_TW", "", MARK, "x" * 5000, "de-\ud800")
EARLIEST, LATEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
"""Where a day begins first and last."""

SERVICES: Final = (
    Service(),
    Service(floor=16),
    Service(floor=8, majority_rules="report"),
    Service(kinds=frozenset({"social_media"})),
    Service(established_in="IE"),
)
BOOK: Final = Rulebook.load()
GATES: Final = tuple(AgeGate(service, rulebook=BOOK) for service in SERVICES)


@dataclass
class Made:
    """A registration, when it is made, and what it may mean.

    `latest` is the latest day of birth, `None` where there is none that can be read; `places` are those where
    the person may live; `spoilt` are the fields that cannot be read.
    """

    gate: int = 0
    when: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    latest: date | None = None
    places: set[str] = field(default_factory=set)
    spoilt: set[str] = field(default_factory=set)

    def days(self) -> list[date]:
        """The dates that it may be where the person lives."""
        if "today" in self.when:
            return [self.when["today"]]
        now: datetime = self.when["now"]
        return sorted({now.astimezone(zone).date() for zone in (LATEST, UTC, EARLIEST)})


class Maker:
    """Makes the registration of a number."""

    def __init__(self, number: int) -> None:
        self.random = Random(number)
        self.made = Made(gate=self.random.choice((0, 0, 0, 1, 2, 3, 4)))
        self.day = FIRST + timedelta(days=self.random.randint(0, (LAST - FIRST).days))

    def make(self) -> Made:
        made, random = self.made, self.random
        if random.random() < 0.6:
            made.when = {"today": self.day}
        else:
            clock = time(random.randint(0, 23), random.randint(0, 59), random.randint(0, 59))
            made.when = {"now": datetime.combine(self.day, clock, tzinfo=UTC)}
        self.birth_date()
        country = self.place()
        self.phone(country)
        self.email()
        self.rest()
        if random.random() < 0.08:
            name = random.choice(
                ("birth_date", "country", "region", "billing_country", "payer", "phone", "email")
            )
            made.fields[name] = random.choice(JUNK)(random)
            made.spoilt.add(name)
        return made

    def birth_date(self) -> None:
        """A day near the one on which some age is attained, or any other, in one of its forms."""
        random, made = self.random, self.made
        kind = random.random()
        if kind < 0.75:
            age, off = random.choice((8, 12, 13, 14, 15, 16, 16, 18, 18)), random.randint(-3, 3)
            born = years_before(self.day, age) + timedelta(days=off)
        elif kind < 0.95:
            born = self.day - timedelta(days=random.randint(2, 60 * 365))
        else:
            made.fields["birth_date"] = random.choice(NO_DATES)(self.day)
            made.spoilt.add("birth_date")
            return
        made.fields["birth_date"], made.latest = random.choice(FORMS)(born, random)

    def place(self) -> str | None:
        """A country with or without a region, a billing address with or without another payer, an address."""
        random, made = self.random, self.made
        country = random.choice(PLACES) if random.random() < 0.9 else None
        known = random.random() < 0.3
        country = random.choice(("US", "CA", "DE", "FR", "GB", "BR", "IN", "CN")) if known else country
        region = (
            random.choice(regions(country)) if country and regions(country) and random.random() < 0.3 else None
        )
        if country is not None:
            spelled = random.choice((country, country, country.lower(), f" {country} "))
            made.fields["country"] = spelled
            made.places.add(place(country, region))
        if region is not None:
            made.fields["region"] = random.choice((region, region.lower(), f"{country}-{region}"))
        billing = None
        if random.random() < 0.3:
            billing = country if country and random.random() < 0.4 else random.choice(PLACES)
            payer = random.choice((None, "learner", "", "parent", "company", "school", "other"))
            made.fields |= {"billing_country": billing, "payer": payer}
            if payer in {None, "", "learner"}:
                made.places.add(place(billing, region if billing == country else None))
            else:
                billing = None
        if random.random() < 0.2:
            address = random.choice(PLACES)
            made.fields["ip_country"] = address
            if made.places:  # an address by itself is no residence
                made.places.add(place(address, region if address == country else None))
        elif random.random() < 0.2:
            made.fields["ip_country"] = random.choice(("XX", "T1", "EU", "", "ZZ", "-"))
        return country or billing

    def phone(self, country: str | None) -> None:
        """An example number of some country, whole or as it is written there."""
        random, made = self.random, self.made
        if random.random() > 0.25:
            return
        number = example(random.choice((country or "US", random.choice(PLACES))))
        if number is None:
            return
        region = phonenumbers.region_code_for_number(number)
        local = region == country and random.random() < 0.5
        kind = (
            phonenumbers.PhoneNumberFormat.NATIONAL if local else phonenumbers.PhoneNumberFormat.INTERNATIONAL
        )
        made.fields["phone"] = phonenumbers.format_number(number, kind)
        if region in COUNTRIES:
            own = made.fields.get("region")
            same = own and region == made.fields.get("country", "").strip().upper()
            made.places.add(place(str(region), own.upper().rpartition("-")[2] if same else None))

    def email(self) -> None:
        random = self.random
        if random.random() < 0.4:
            tag = random.choice(("", "+class", "+" * 3, ".x", "\u00e9"))
            host = random.choice(("example.org", "EXAMPLE.com", "b\u00fccher.example.org"))
            self.made.fields["email"] = f"{MARK}{tag}@{host}"

    def rest(self) -> None:
        """What never decides by itself: a device's words, its id, its address."""
        random, fields = self.random, self.made.fields
        if random.random() < 0.4:
            fields["locale"] = random.choice(LOCALES)
        if random.random() < 0.4:
            fields["time_zone"] = random.choice(ZONES)
        if random.random() < 0.4:
            fields["device"] = random.choice(("", MARK, "\x00\ud800", "d" * random.choice((1, 1000, 100_000))))
        if random.random() < 0.3:
            fields["ip"] = random.choice(("192.0.2.1", "2001:db8::1", MARK, "", "999.1.1.1"))
        for name in ("locale", "time_zone", "ip"):
            if random.random() < 0.02:
                fields[name] = random.choice(JUNK)(random)


def years_before(day: date, years: int) -> date:
    """The same day years ago; 1 March where there was no 29 February."""
    year = day.year - years
    leapt = (day.month, day.day) == (2, 29) and not calendar.isleap(year)
    return date(year, 3, 1) if leapt else day.replace(year=year)


FORMS: Final[tuple[Callable[[date, Random], tuple[Any, date]], ...]] = (
    lambda born, random: (born, born),
    lambda born, random: (born.isoformat(), born),
    lambda born, random: (f"  {born}\n", born),
    lambda born, random: (datetime.combine(born, time(23, 59), tzinfo=UTC), born),
    lambda born, random: (BirthDate.on(born), born),
    lambda born, random: (f"{born:%Y-%m}", born.replace(day=calendar.monthrange(born.year, born.month)[1])),
    lambda born, random: (f"{born:%Y}", date(born.year, 12, 31)),
    lambda born, random: ranged(born, random.randint(0, 900)),
)
"""A birth date, as it is given, and the latest day that it can mean."""


def ranged(born: date, days: int) -> tuple[BirthDate, date]:
    """A birth date of which an interval is known."""
    return BirthDate(born, born + timedelta(days=days)), born + timedelta(days=days)


NO_DATES: Final[tuple[Callable[[date], Any], ...]] = (
    lambda day: None,
    lambda day: "",
    lambda day: MARK,
    lambda day: day + timedelta(days=30),
    lambda day: f"{day.year + 2}",
    lambda day: "0001-01-01",
    lambda day: "1392-05-01",
    lambda day: "2300",
    lambda day: date.max,
    lambda day: date.min,
    lambda day: f"{day.year - 20}-02-31",
    lambda day: f"{day.year - 20}-13",
    lambda day: f"{day:%d.%m.%Y}",
    lambda day: f"{day:%y-%m-%d}",
    lambda day: "\u0662\u0660\u0661\u0662-\u0660\u0665-\u0660\u0661",
    lambda day: "9" * 100_000,
    lambda day: f"{day.year - 20}-01-01\x00",
    lambda day: day.year - 20,
    lambda day: [f"{day.year - 20}"],
)
"""What is no birth date on a day."""

JUNK: Final[tuple[Callable[[Random], Any], ...]] = (
    lambda random: MARK,
    lambda random: "".join(chr(random.randint(0x21, 0xD7FF)) for _ in range(random.randint(4, 60))),
    lambda random: "".join(chr(random.randint(0xD800, 0xDFFF)) for _ in range(9)),
    lambda random: "\x00" * 9,
    lambda random: "\u202e\u200b\ufeff\u0130\u00df\ufb03",
    lambda random: "x" * 1_000_000,
    lambda random: "1" * 80,
    lambda random: random.randint(1, 10**18),
    lambda random: 10**400,
    lambda random: random.random() + 1,
    lambda random: float("nan"),
    lambda random: float("inf"),
    lambda random: True,
    lambda random: b"US",
    lambda random: ["US"],
    lambda random: [[[]], {}],
    lambda random: {"country": {"code": "US"}},
    lambda random: ("US",),
    lambda random: {"US"},
    lambda random: object(),
    lambda random: Service,
)
"""What no field can be."""


@cache
def regions(country: str) -> tuple[str, ...]:
    """The parts of ISO 3166-2 of a country."""
    return tuple(part.code.partition("-")[2] for part in pycountry.subdivisions.get(country_code=country) or ())


@cache
def example(country: str) -> phonenumbers.PhoneNumber | None:
    """A number of a country as its plan of numbers shows it."""
    return phonenumbers.example_number(country)


def place(country: str, region: str | None) -> str:
    """The jurisdiction; a part that is a country of its own in ISO 3166-1 is that country."""
    return own_code(f"{country}-{region}") if region else country


# --- the oracle ---------------------------------------------------------------------------------------------


def is_old_enough(made: Made) -> bool:
    """Whether the strictest plausible reading is old enough on a day that it may be where the person lives."""
    assert made.latest is not None
    service = SERVICES[made.gate]
    for day in made.days():
        limits = [BOOK.limit(where, on=day, service=service) for where in made.places]
        attained = [(service.floor, False), *((limit.age, by_year(limit.rule)) for limit in limits)]
        # At the age of a year's beginning, or on the birthday; 29 February comes on 1 March.
        if all(
            begins(made.latest, age, early=early) <= (day.year, day.month, day.day) for age, early in attained
        ):
            return True
    return False


def by_year(rule: Any) -> bool:
    return rule is not None and rule.attain == "jan1_of_year"


def begins(born: date, age: int, *, early: bool) -> tuple[int, int, int]:
    return (born.year + age, 1, 1) if early else (born.year + age, born.month, born.day)


def explained(number: int, made: Made, decision: Decision) -> str:
    """What to look at, for whoever mends it: the registration is made again from its number."""
    return f"number {number}, service {made.gate}: {decision.outcome}, by {sorted(made.fields)}"


def all_made(first: int, end: int) -> Iterator[tuple[int, Made]]:
    for number in range(first, end):
        yield number, Maker(number).make()


# --- the gate -----------------------------------------------------------------------------------------------

PARTS: Final = 5


@pytest.mark.parametrize("part", range(PARTS))
def test_no_registration_raises_and_none_admits_who_may_be_under_age(part: int) -> None:
    count: Counter[Outcome] = Counter()
    wrong = []
    size = NUMBER // PARTS
    for number, made in all_made(part * size, (part + 1) * size):
        decision = GATES[made.gate].check(Registration(**made.fields), **made.when)
        count[decision.outcome] += 1
        readable = made.latest is not None and bool(made.places) and not made.spoilt
        fits = {
            Outcome.ADMIT: readable and is_old_enough(made),
            Outcome.REFUSE: readable,
            Outcome.INVALID: bool(decision.errors),
        }
        if not fits[decision.outcome] or (decision.outcome is Outcome.INVALID and readable):
            wrong.append(explained(number, made, decision))
        if MARK in repr(decision):
            wrong.append(f"number {number}: repeats what was given")
    assert wrong == []
    assert min(count[outcome] for outcome in Outcome) > size // 20, "all three answers are there"


@pytest.mark.parametrize("part", range(PARTS))
def test_who_is_refused_is_under_age_by_some_reading(part: int) -> None:
    """The other side: a gate that refused everybody would be found."""
    size, refused = NUMBER // PARTS // 4, 0
    for number, made in all_made(part * size, (part + 1) * size):
        decision = GATES[made.gate].check(Registration(**made.fields), **made.when)
        if decision.outcome is Outcome.REFUSE:
            refused += 1
            earliest = Made(made.gate, {"today": made.days()[0]}, {}, made.latest, made.places)
            assert not is_old_enough(earliest), explained(number, made, decision)
    assert refused > size // 20


STORED: Final = 400


def test_gate_with_a_store_answers_the_same_and_raises_as_little(database: str) -> None:
    """Odd devices and addresses reach the store as keyed hashes; a memory only ever refuses more."""
    store = Store(database, create=True)
    store.create()
    keys = KeyRing.generate()
    gates = [AgeGate(service, rulebook=BOOK, store=store, keys=keys) for service in SERVICES]
    remembered = 0
    for number, made in all_made(NUMBER, NUMBER + STORED):
        given = Registration(**made.fields)
        decision, alone = gates[made.gate].check(given, **made.when), GATES[made.gate].check(given, **made.when)
        if decision.reason is Reason.REFUSED_BEFORE:
            remembered += 1
        else:
            assert decision.outcome is alone.outcome, explained(number, made, decision)
        contact = decision.outcome is Outcome.ADMIT and bool(
            made.fields.get("email") or made.fields.get("phone")
        )
        assert (decision.token is not None) is contact
    store.dispose()
    assert remembered > 0
