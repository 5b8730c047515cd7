"""What the gate decides, without a store: the limit of the place, on the day, of what was given."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agegate import (
    AgeGate,
    BirthDate,
    Decision,
    FieldError,
    Outcome,
    Reason,
    Registration,
    Service,
)
from agegate.errors import ConfigError
from agegate.law import COUNTRIES as ALL_COUNTRIES
from agegate.law import Rulebook
from agegate.signup.fields import LONGEST
from tests.conftest import NOW, TODAY

GATE = AgeGate()

ADMIT, REFUSE, INVALID = Outcome.ADMIT, Outcome.REFUSE, Outcome.INVALID

PHONES = {
    "DE": "+49 30 901820",
    "FR": "+33 1 42 34 56 78",
    "US": "+1 201 555 0123",
    "KR": "+82 2 312 3456",
    "CA": "+1 416 555 0123",
    "GB": "+44 121 234 5678",
}
"""A valid number of each country."""


def check(now: datetime | None = None, today: date | None = TODAY, **fields: Any) -> Decision:
    return GATE.check(Registration(**fields), now=now, today=None if now else today)


def limit_of(**fields: Any) -> tuple[int, str]:
    """The limit that a registration meets, and its place, by whoever is old enough for all of them."""
    decision = check(birth_date="1990-01-01", **fields)
    assert decision.limit is not None, decision.errors
    return decision.limit.age, decision.limit.jurisdiction


# --- the limit and the day ----------------------------------------------------------------------------

LIMITS = [
    ({"country": "US"}, 13, "US"),
    ({"country": "GB"}, 13, "GB"),
    ({"country": "FR"}, 15, "FR"),
    ({"country": "DE"}, 16, "DE"),
    ({"country": " de "}, 16, "DE"),
    ({"country": "KR"}, 14, "KR"),
    ({"country": "CA"}, 14, "CA-QC"),
    ({"country": "CA", "region": "ON"}, 13, "CA-ON"),
    ({"country": "CA", "region": "CA-ON"}, 13, "CA-ON"),
    ({"country": "CA", "region": "qc"}, 14, "CA-QC"),
    ({"country": "JP"}, 13, "JP"),
]


@pytest.mark.parametrize(("place", "age", "jurisdiction"), LIMITS)
def test_limit_of_a_place_holds_to_the_day(place: dict[str, str], age: int, jurisdiction: str) -> None:
    birthday = TODAY.replace(year=TODAY.year - age)
    for shift, outcome in ((-1, ADMIT), (0, ADMIT), (1, REFUSE)):
        decision = check(birth_date=birthday + timedelta(days=shift), **place)
        assert decision.outcome is outcome
        assert decision.limit is not None
        assert (decision.limit.age, decision.limit.jurisdiction) == (age, jurisdiction)
        assert decision.reason is (Reason.OLD_ENOUGH if outcome is ADMIT else Reason.UNDER_LIMIT)
        assert decision.errors == ()


PARTIAL = [
    # born, as much as is known; today; 13 is attained by whoever is born latest in it
    ("2013-10", date(2026, 10, 31), ADMIT),
    ("2013-10", date(2026, 10, 30), REFUSE),
    ("2013-11", date(2026, 11, 22), REFUSE),
    ("2012-02", date(2025, 2, 28), REFUSE),
    ("2012-02", date(2025, 3, 1), ADMIT),
    ("2013", date(2026, 12, 30), REFUSE),
    ("2013", date(2026, 12, 31), ADMIT),
    ("2012", date(2026, 1, 1), ADMIT),
]


@pytest.mark.parametrize(("born", "today", "outcome"), PARTIAL)
def test_partial_birth_date_is_read_as_its_latest_day(born: str, today: date, outcome: Outcome) -> None:
    assert check(birth_date=born, country="US", today=today).outcome is outcome


@pytest.mark.parametrize(
    "born",
    [
        "2013-11-22",
        "  2013-11-22\n",
        date(2013, 11, 22),
        datetime(2013, 11, 22, 23, 59, tzinfo=UTC),
        BirthDate.on(date(2013, 11, 22)),
    ],
)
def test_every_form_of_a_birth_date_means_the_same_day(born: Any) -> None:
    assert check(birth_date=born, country="US").outcome is ADMIT
    assert check(birth_date=born, country="US", today=TODAY - timedelta(days=1)).outcome is REFUSE


@pytest.mark.parametrize(("floor", "outcome"), [(12, ADMIT), (13, ADMIT), (14, REFUSE), (21, REFUSE)])
def test_services_floor_is_never_undercut(floor: int, outcome: Outcome) -> None:
    gate = AgeGate(Service(floor=floor))
    registration = Registration(birth_date="2013-11-22", country="US")
    assert gate.check(registration, today=TODAY).outcome is outcome


# --- where ------------------------------------------------------------------------------------------

PLACES = [
    # what speaks for a place; the limit; the account's location and what says so; whether they disagree
    ({"country": "US", "billing_country": "FR"}, (15, "FR"), ("FR", "billing"), True),
    ({"country": "FR", "billing_country": "US"}, (15, "FR"), ("US", "billing"), True),
    ({"country": "US", "phone": PHONES["DE"]}, (16, "DE"), ("US", "declared"), True),
    ({"billing_country": "GB", "phone": PHONES["KR"]}, (14, "KR"), ("GB", "billing"), True),
    ({"phone": PHONES["DE"]}, (16, "DE"), ("DE", "phone"), False),
    ({"country": "DE", "phone": PHONES["US"]}, (16, "DE"), ("DE", "declared"), True),
    ({"country": "FR", "phone": "01 42 34 56 78"}, (15, "FR"), ("FR", "declared"), False),
    ({"billing_country": "FR", "country": "DE", "phone": PHONES["US"]}, (16, "DE"), ("FR", "billing"), True),
    ({"country": "CA", "region": "ON", "phone": PHONES["CA"]}, (13, "CA-ON"), ("CA-ON", "declared"), False),
    ({"country": "CA", "region": "ON", "billing_country": "CA"}, (13, "CA-ON"), ("CA-ON", "billing"), False),
    ({"country": "US", "billing_country": "CA"}, (14, "CA-QC"), ("CA", "billing"), True),
    ({"country": "US", "ip_country": "DE"}, (16, "DE"), ("US", "declared"), True),
    ({"country": "DE", "ip_country": "US"}, (16, "DE"), ("DE", "declared"), True),
    ({"country": "US", "locale": "de-DE", "time_zone": "Europe/Berlin"}, (13, "US"), ("US", "declared"), False),
    ({"country": "US", "billing_country": "DE", "payer": "company"}, (13, "US"), ("US", "declared"), False),
    ({"country": "US", "billing_country": "DE", "payer": "learner"}, (16, "DE"), ("DE", "billing"), True),
]


@pytest.mark.parametrize(("fields", "limit", "located", "conflict"), PLACES)
def test_strictest_plausible_place_holds(
    fields: dict[str, str], limit: tuple[int, str], located: tuple[str, str], conflict: bool
) -> None:
    assert limit_of(**fields) == limit
    where = check(birth_date="1990-01-01", **fields).residence
    assert where is not None
    assert where.located is not None
    assert (where.located.jurisdiction, where.located.basis) == located
    assert where.conflict is conflict


NO_PLACE = [
    {},
    {"ip_country": "DE"},
    {"locale": "de-DE"},
    {"time_zone": "Europe/Berlin"},
    {"ip_country": "US", "locale": "en-US", "time_zone": "America/New_York"},
    {"country": ""},
    {"phone": "+800 1234 5678"},
    {"ip": "192.0.2.1"},
    {"billing_country": "DE", "payer": "company"},
    {"billing_country": "DE", "payer": "parent", "ip_country": "DE", "locale": "de-DE"},
]


@pytest.mark.parametrize("fields", NO_PLACE)
@pytest.mark.parametrize("born", ["1990-01-01", "2020-01-01"])
def test_without_a_durable_place_the_country_is_asked_for(fields: dict[str, str], born: str) -> None:
    decision = check(birth_date=born, **fields)
    assert (decision.outcome, decision.reason, decision.limit) == (INVALID, Reason.INVALID, None)
    assert [(error.field, error.code) for error in decision.errors] == [("country", "missing")]


@pytest.mark.parametrize("born", [None, ""])
def test_without_a_birth_date_it_is_asked_for(born: str | None) -> None:
    decision = check(birth_date=born, country="US")
    assert decision.outcome is INVALID
    assert decision.errors == (FieldError("birth_date", "missing", "give the date of birth"),)


@pytest.mark.parametrize("unknown", ["XX", "xx", "T1", "ZZ", "A1", "AP", "EU", "O1", "-", " ", "", None])
def test_address_that_no_look_up_knows_is_no_answer(unknown: str | None) -> None:
    """The person cannot mend it, and an address never lowers a limit."""
    decision = check(birth_date="1990", country="US", ip_country=unknown)
    assert decision.outcome is Outcome.ADMIT
    assert decision.residence is not None
    assert [place.basis for place in decision.residence.places] == ["declared"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = {"birth_date": "soon", "country": "UK", "billing_country": "EL", "region": "?", "email": "nobody"}
    wrong |= {"phone": "12", "payer": "me", "ip_country": "UK", "device": 5}
    decision = check(**wrong)
    assert sorted(error.field for error in decision.errors) == sorted(wrong)


HINTS = [
    ("UK", "write GB"),
    ("uk ", "write GB"),
    ("EL", "write GR"),
    ("PO", "write PL for Poland, PT for Portugal"),
    ("EU", "write the member state, such as DE"),
    ("us-ca", "that is a subdivision; write the country US, and the subdivision as its region"),
    ("Türkiye", "write TR"),
    ("DEU", "write DE"),
    ("🎂", "write an ISO 3166-1 code such as DE or US"),
]


@pytest.mark.parametrize("name", ["country", "billing_country", "ip_country"])
@pytest.mark.parametrize(("slip", "hint"), HINTS)
def test_slip_of_a_country_gets_a_hint(name: str, slip: str, hint: str) -> None:
    if (name, slip) == ("ip_country", "EU"):  # what a look-up answers, and nobody at the form can mend
        assert check(birth_date="1990", country="US", ip_country=slip).errors == ()
        return
    (error,) = check(**{"birth_date": "1990", "country": "US"} | {name: slip}).errors
    assert error.field == name
    assert error.message == f"{name} is no ISO 3166-1 alpha-2 code; {hint}"


# --- which day it is ------------------------------------------------------------------------------

MIDNIGHTS = [
    # what is given; the limit; the moment at which the birthday of 22 November 2026 begins there, in UTC
    ({"country": "US"}, 13, "2026-11-22T10:00:00"),
    ({"country": "US", "time_zone": "America/New_York"}, 13, "2026-11-22T05:00:00"),
    ({"country": "US", "time_zone": "Pacific/Honolulu"}, 13, "2026-11-22T10:00:00"),
    ({"country": "US", "time_zone": "Asia/Tokyo"}, 13, "2026-11-22T10:00:00"),
    ({"country": "US", "time_zone": "Mars/Olympus"}, 13, "2026-11-22T10:00:00"),
    ({"country": "US", "time_zone": ["America/New_York"]}, 13, "2026-11-22T10:00:00"),
    ({"country": "US", "region": "NY"}, 13, "2026-11-22T10:00:00"),
    ({"billing_country": "US"}, 13, "2026-11-22T10:00:00"),
    ({"phone": PHONES["US"]}, 13, "2026-11-22T10:00:00"),
    ({"country": "GB"}, 13, "2026-11-22T00:00:00"),
    ({"country": "FR"}, 15, "2026-11-21T23:00:00"),
    ({"country": "DE"}, 16, "2026-11-21T23:00:00"),
    ({"country": "DE", "time_zone": "Pacific/Kiritimati"}, 16, "2026-11-21T23:00:00"),
    ({"country": "KR"}, 14, "2026-11-21T15:00:00"),
    ({"country": "IN"}, 13, "2026-11-21T18:30:00"),
    ({"country": "CA", "region": "ON"}, 13, "2026-11-22T08:00:00"),
    ({"country": "CA", "time_zone": "America/Toronto"}, 14, "2026-11-22T05:00:00"),
    # both sides of the date line, and where nobody lives
    ({"country": "KI"}, 13, "2026-11-21T12:00:00"),
    ({"country": "KI", "time_zone": "Pacific/Kiritimati"}, 13, "2026-11-21T10:00:00"),
    ({"country": "WS"}, 13, "2026-11-21T11:00:00"),
    ({"country": "AS"}, 13, "2026-11-22T11:00:00"),
    ({"country": "BV"}, 13, "2026-11-22T12:00:00"),
    # several places; an address is none, whatever limit it raises
    ({"country": "US", "billing_country": "DE"}, 16, "2026-11-22T10:00:00"),
    ({"country": "DE", "billing_country": "GB"}, 16, "2026-11-22T00:00:00"),
    ({"country": "GB", "billing_country": "US", "payer": "school"}, 13, "2026-11-22T00:00:00"),
    ({"country": "GB", "ip_country": "DE"}, 16, "2026-11-22T00:00:00"),
    ({"country": "GB", "ip_country": "US"}, 13, "2026-11-22T00:00:00"),
]


@pytest.mark.parametrize(("fields", "age", "begins"), MIDNIGHTS)
def test_birthday_begins_with_the_persons_own_midnight(fields: dict[str, Any], age: int, begins: str) -> None:
    born, begun = TODAY.replace(year=TODAY.year - age), datetime.fromisoformat(begins).replace(tzinfo=UTC)
    for shift, outcome in ((-1, REFUSE), (0, ADMIT), (1, ADMIT)):
        now = begun + timedelta(seconds=shift)
        decision = check(birth_date=born, now=now, **fields)
        assert decision.outcome is outcome
        assert decision.limit is not None
        assert decision.limit.age == age
        east = now.astimezone(timezone(timedelta(hours=14)))
        assert check(birth_date=born, now=east, **fields).outcome is outcome


@pytest.mark.parametrize(("fields", "age", "begins"), MIDNIGHTS)
def test_a_day_that_is_given_is_taken_as_it_is(fields: dict[str, Any], age: int, begins: str) -> None:
    born = TODAY.replace(year=TODAY.year - age)
    assert check(birth_date=born, today=TODAY, **fields).outcome is ADMIT
    assert check(birth_date=born, today=TODAY - timedelta(days=1), **fields).outcome is REFUSE


@pytest.mark.parametrize("country", ["US", "DE", "KI", "BV"])
def test_who_is_born_today_somewhere_is_no_future_person(country: str) -> None:
    """A birth date that has not come everywhere may be a mistake; it is never an admission."""
    now = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
    assert check(birth_date="2026-11-21", country=country, now=now).outcome is REFUSE
    assert check(birth_date="2026-11-22", country=country, now=now).outcome is not ADMIT
    assert check(birth_date="2026-11-24", country=country, now=now).outcome is INVALID


@given(
    st.datetimes(datetime(2005, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(-200, 200),
    st.sampled_from(("US", "GB", "DE", "JP", "KI", "WS", "AS", "BV")),
    st.sampled_from((None, "America/New_York", "Pacific/Kiritimati", "Europe/Berlin", "Asia/Tokyo")),
)
def test_nobody_is_admitted_before_the_birthday_has_begun_in_the_earliest_zone(
    now: datetime, days: int, country: str, zone: str | None
) -> None:
    earliest = now.astimezone(timezone(timedelta(hours=14))).date()
    born = date(now.year - 13, 6, 15) + timedelta(days=days)
    old_enough = (earliest.year, earliest.month, earliest.day) >= (born.year + 13, born.month, born.day)
    if not old_enough:
        assert check(birth_date=born, country=country, time_zone=zone, now=now).outcome is REFUSE


def test_without_a_day_the_present_decides() -> None:
    present = datetime.now(UTC).date()
    for years, outcome in ((14, ADMIT), (12, REFUSE)):
        born = date(present.year - years, present.month, 1)
        assert GATE.check(Registration(birth_date=born, country="US")).outcome is outcome


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"now": NOW, "today": TODAY}, "not both"),
        ({"now": NOW.replace(tzinfo=None)}, "aware"),
    ],
)
def test_ambiguous_day_is_the_callers_mistake(when: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GATE.check(Registration(birth_date="1990", country="US"), **when)


def test_store_without_keys_is_refused(tmp_path: Any) -> None:
    from agegate.store import Store

    with pytest.raises(ConfigError, match="key ring"):
        AgeGate(store=Store(f"sqlite:///{tmp_path}/one.db", create=True))


# --- how a law counts, and what it names -------------------------------------------------------------------

RULES = """
country = "NO"
name = "Norway"
checked = 2026-07-01
"""
RULE = """
[[rule]]
id = "no-test-{number}"
regime = "data_consent"
age = {age}
gate = "yes"
attain = "{attain}"
basis = "specific"
law = "An Act that exists for a test"
citation = "s. 1"
from = 2020-01-01
status = "in_force"
applies_to = "general online services"
kinds = ["general"]
confidence = "high"
sources = ["https://example.org/act"]
"""
BY_YEAR, BY_DAY = "jan1_of_year", "birthday"

COUNTS = [
    # rules (age, how it is attained); born; the first day of admission
    ([(16, BY_DAY)], "2010-11-22", "2026-11-22"),
    ([(16, BY_YEAR)], "2010-11-22", "2026-01-01"),
    ([(16, BY_YEAR)], "2010-01-01", "2026-01-01"),
    ([(16, BY_YEAR)], "2010-12-31", "2026-01-01"),
    ([(16, BY_YEAR)], "2011-01-01", "2027-01-01"),
    ([(16, BY_YEAR)], "2010", "2026-01-01"),
    ([(16, BY_YEAR)], "2012-02-29", "2028-01-01"),
    # of two the later one: the higher age, or the same that is attained on the birthday
    ([(16, BY_YEAR), (16, BY_DAY)], "2010-11-22", "2026-11-22"),
    ([(16, BY_DAY), (16, BY_YEAR)], "2010-11-22", "2026-11-22"),
    ([(16, BY_YEAR), (15, BY_DAY)], "2010-11-22", "2026-01-01"),
    # the service's own floor counts birthdays
    ([(13, BY_YEAR)], "2013-11-22", "2026-11-22"),
    ([(12, BY_YEAR)], "2013-11-22", "2026-11-22"),
]


def gate_of(folder: Path, *rules: tuple[int, str]) -> AgeGate:
    """A gate for a Norway with the given rules alone."""
    written = RULES + "".join(
        RULE.format(number=number, age=age, attain=attain) for number, (age, attain) in enumerate(rules)
    )
    (folder / "no.toml").write_text(written, encoding="utf-8")
    return AgeGate(rulebook=Rulebook.load(folder))


@pytest.mark.parametrize(("rules", "born", "first"), COUNTS)
def test_age_is_attained_as_the_law_counts(
    tmp_path: Path, rules: list[tuple[int, str]], born: str, first: str
) -> None:
    gate, day = gate_of(tmp_path, *rules), date.fromisoformat(first)
    given = Registration(birth_date=born, country="NO")
    assert gate.check(given, today=day).outcome is ADMIT
    assert gate.check(given, today=day - timedelta(days=1)).outcome is REFUSE


def test_new_year_begins_with_the_persons_own_midnight(tmp_path: Path) -> None:
    gate = gate_of(tmp_path, (16, BY_YEAR))
    given = Registration(birth_date="2010-11-22", country="NO")
    begins = datetime(2025, 12, 31, 23, 0, tzinfo=UTC)
    assert gate.check(given, now=begins).outcome is ADMIT
    assert gate.check(given, now=begins - timedelta(seconds=1)).outcome is REFUSE


@pytest.mark.parametrize(
    ("country", "age", "under_report"),
    [("CO", 18, 13), ("ZA", 18, 13), ("DE", 16, 16), ("US", 13, 13)],
)
def test_law_that_only_says_a_minor_refuses_unless_the_service_only_reports_it(
    country: str, age: int, under_report: int
) -> None:
    for rules, limit in (("enforce", age), ("report", under_report)):
        gate = AgeGate(Service(majority_rules=rules))  # type: ignore[arg-type]
        for years, outcome in ((limit - 1, REFUSE), (limit, ADMIT)):
            given = Registration(birth_date=TODAY.replace(year=TODAY.year - years), country=country)
            decision = gate.check(given, today=TODAY)
            assert decision.outcome is outcome
            assert decision.limit is not None
            assert decision.limit.age == limit


def test_majority_refuses_by_default() -> None:
    fifteen = Registration(birth_date=TODAY.replace(year=TODAY.year - 15), country="CO")
    assert GATE.check(fifteen, today=TODAY).outcome is REFUSE


# --- values that cannot be used ---------------------------------------------------------------------

LONG = "9" * 10_000_000
# fmt: off
WRONG: dict[str, list[Any]] = {
    "birth_date": [
        "0001-01-01", "1", "2300-01-01", "2300", "2026-11-23", "1890-05-01", "2012-02-31", "2013-02-29",
        "2012-13-01", "2012-00-01", "1392-05-01", "٢٠١٢-٠٥-٠١", "２０１２-05-01", "12-05-01", "2012/05/01",
        "01.05.2012", "20120501", "2012-05-01T00:00:00Z", "2012-05-01\x00", "-2012", "not a date", "🎂", LONG,
        2012, 1335830400, 20.12, b"2012-05-01", ["2012-05-01"], {}, date(1, 1, 1), date(2300, 1, 1),
        datetime.max.replace(tzinfo=UTC),
    ],
    "country": [
        "UK", "EU", "XX", "ZZ", "PO", "us-ca", "Türkiye", "Germany", "DEU", "ＤＥ", "🇩🇪", "D\x00E", "D", LONG,
        49, b"DE", ["DE"],
    ],
    "billing_country": ["UK", "EU", "XX", "ΑΤ", "🇦🇹", LONG, 43],
    "ip_country": ["UK", LONG, 1],
    "region": ["Québec", "QUEBEC", "US-QC-1", "CA-QC", "QC", "BY", "--", "\x00", "🍁", LONG, 24],
    "email": [
        "nobody", "a@b", "@example.com", "a b@example.org", "a@example.org\x00", "a@exa\x00mple.org",
        "a@example.org, b@example.org", "\ud800@example.org", "x" * 300 + "@example.org", LONG, 17,
        b"a@example.org",
    ],
    "phone": [
        "1" * 80, "+1", "12", "+1 202 555 012", "+999 1234567", "call me", "+1\x002015550123", "☎", LONG, 5,
        b"1",
    ],
    "device": [5, b"device", ["device"]],
    "payer": ["Learner", "my aunt", LONG, 5, b"learner", ["learner"], {}, True],
}
# fmt: on


def wrong_values() -> list[Any]:
    return [
        pytest.param(field, value, id=f"{field}-{number}")
        for field, values in WRONG.items()
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(("field", "value"), wrong_values())
def test_value_that_cannot_be_used_is_named_and_never_repeated(field: str, value: Any) -> None:
    given: dict[str, Any] = {"birth_date": "1990-01-01", "country": "US"} | {field: value}
    decision = check(**given)
    assert (decision.outcome, decision.reason, decision.limit) == (INVALID, Reason.INVALID, None)
    assert [error.field for error in decision.errors] == [field]
    assert len(decision.errors[0].message) < 200
    if len(str(value)) > 4:  # "XX" may stand in the name of a standard
        assert str(value) not in repr(decision)
        assert repr(value) not in repr(decision)


def test_region_of_no_country_is_asked_for() -> None:
    decision = check(birth_date="1990", region="QC")
    assert [error.field for error in decision.errors] == ["region", "country"]


ODD_BUT_RIGHT = [
    {
        "email": "\u0447\u0438\u0442\u0430\u0442\u0435\u043b\u044c@example.org"
    },  # all of it Cyrillic: an address like any other
    {"email": "Name+Tag@Example.ORG"},
    {"email": ""},
    {"phone": "(201) 555-0123"},
    {"device": "x" * 1_000_000},
    {"device": "\ud800\x00"},
    {"locale": "\x00", "time_zone": "Mars/Olympus"},
]


@pytest.mark.parametrize("fields", ODD_BUT_RIGHT)
def test_odd_values_that_can_be_used_are(fields: dict[str, str]) -> None:
    assert check(birth_date="1990-01-01", country="US", **fields).outcome is ADMIT


def test_longest_field_is_that_of_an_email_address() -> None:
    assert check(birth_date="1990" + " " * (LONGEST - 4), country="US").outcome is ADMIT
    assert check(birth_date="1990" + " " * (LONGEST - 3), country="US").outcome is INVALID


def test_registration_shows_which_fields_are_filled_and_not_with_what() -> None:
    shown = repr(Registration(birth_date="2014-03-09", email="comet@example.net", device="d-77"))
    assert shown == "Registration(birth_date, email, device)"


# --- properties ----------------------------------------------------------------------------------

COUNTRIES = ("US", "GB", "FR", "DE", "KR", "CA", "DK", "BR", "AU", "JP")
DAYS = st.dates(date(1930, 1, 1), TODAY)
BORN = st.one_of(
    DAYS,
    st.dates(date(2008, 1, 1), date(2016, 12, 31)),
    DAYS.map(lambda day: f"{day:%Y-%m-%d}"),
    st.dates(date(2009, 1, 1), TODAY).map(lambda day: f"{day:%Y-%m}"),
    st.integers(1930, 2026).map(str),
    st.tuples(DAYS, st.integers(0, 4000)).map(lambda pair: BirthDate(pair[0], pair[0] + timedelta(pair[1]))),
)
PLACE = st.sampled_from((None, *COUNTRIES))
REGIONS = {"QC": "CA", "ON": "CA", "BY": "DE", "CA": "US"}


def without_foreign_region(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, with a region only where it is one of the country."""
    fits = REGIONS.get(fields.get("region", "")) == fields["country"]
    return fields if fits else {name: value for name, value in fields.items() if name != "region"}


USABLE = st.fixed_dictionaries(
    {"birth_date": BORN, "country": st.sampled_from(COUNTRIES)},
    optional={
        "billing_country": PLACE,
        "phone": st.sampled_from(sorted(PHONES.values())),
        "ip_country": PLACE,
        "payer": st.sampled_from((None, "learner", "company", "school")),
        "region": st.sampled_from(("QC", "ON", "BY", "CA")),
    },
).map(without_foreign_region)
JUNK = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.integers(),
    st.binary(max_size=9),
    st.floats(),
    st.dates(),
    st.datetimes(),
)
NAMES = (
    "birth_date",
    "country",
    "region",
    "billing_country",
    "phone",
    "email",
    "ip",
    "ip_country",
    "payer",
    "device",
    "locale",
    "time_zone",
)


def latest(born: str | date | BirthDate) -> date:
    """The latest day that a generated birth date can mean, worked out on its own."""
    if isinstance(born, BirthDate):
        return born.last
    if isinstance(born, date):
        return born
    if len(born) == 10:
        return date.fromisoformat(born)
    if len(born) == 4:
        return date(int(born), 12, 31)
    year, month = int(born[:4]), int(born[5:])
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


@given(st.dictionaries(st.sampled_from(NAMES), st.one_of(JUNK, st.sampled_from(COUNTRIES), BORN)))
def test_no_value_raises(fields: dict[str, Any]) -> None:
    decision = check(**fields)
    assert (decision.outcome is INVALID) == bool(decision.errors) == (decision.limit is None)


MARK = "zqxw"


@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.tuples(
            st.text(max_size=20), st.sampled_from(("", "@example.org", " +1 201 555 0123", "-2013-01-01"))
        ).map(lambda parts: f"{parts[0]}{MARK}{parts[1]}"),
        min_size=1,
    )
)
def test_no_message_repeats_what_was_given(fields: dict[str, str]) -> None:
    decision = check(**fields)
    assert decision.outcome is INVALID, "no birth date, or none that can be read"
    assert MARK not in repr(decision).lower()


@settings(max_examples=200)
@given(
    USABLE,
    st.fixed_dictionaries(
        {},
        optional={
            "ip_country": st.sampled_from(sorted(ALL_COUNTRIES)),
            "locale": st.sampled_from(("en-US", "de-DE", "ko_KR", "pt-BR", "en", "")),
            "time_zone": st.sampled_from(
                ("America/New_York", "Pacific/Kiritimati", "Europe/Berlin", "UTC", "?")
            ),
            "ip": st.sampled_from(("192.0.2.1", "2001:db8::1", "?")),
        },
    ),
)
def test_what_a_device_or_an_address_says_never_admits_whom_the_gate_refused(
    fields: dict[str, Any], more: dict[str, str]
) -> None:
    alone = {name: value for name, value in fields.items() if name not in more}
    if check(**alone).outcome is REFUSE:
        assert check(**alone | more).outcome is REFUSE


@given(USABLE)
def test_nobody_under_the_floor_is_admitted(fields: dict[str, Any]) -> None:
    decision = check(**fields)
    born = latest(fields["birth_date"])
    under = (born.year + 13, born.month, born.day) > (TODAY.year, TODAY.month, TODAY.day)
    assert not (under and decision.outcome is ADMIT)


@settings(max_examples=200)
@given(USABLE, st.sampled_from(("billing_country", "phone", "ip_country")), st.sampled_from(sorted(PHONES)))
def test_another_place_never_turns_a_refusal_into_an_admission(
    fields: dict[str, Any], kind: str, country: str
) -> None:
    without = {name: value for name, value in fields.items() if name != kind}
    more = without | {kind: PHONES[country] if kind == "phone" else country}
    if check(**without).outcome is REFUSE:
        assert check(**more).outcome is REFUSE


@given(USABLE, st.integers(1, 4000))
def test_who_is_admitted_is_admitted_later_under_the_same_limit(fields: dict[str, Any], days: int) -> None:
    now, later = check(**fields), check(**fields, today=TODAY + timedelta(days=days))
    assert now.limit is not None
    assert later.limit is not None
    if now.outcome is ADMIT and later.limit.age == now.limit.age:
        assert later.outcome is ADMIT


@given(USABLE, st.integers(1, 4000))
def test_who_is_born_earlier_is_admitted_where_a_younger_person_is(fields: dict[str, Any], days: int) -> None:
    born = latest(fields["birth_date"])
    if check(**fields).outcome is ADMIT:
        assert check(**fields | {"birth_date": born - timedelta(days=days)}).outcome is ADMIT
