"""What the gate decides, without a store: the limit of the place, on the day, of what was given."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
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


@pytest.mark.parametrize("unknown", ["XX", "T1", "", None])
def test_address_that_no_look_up_knows_is_no_answer(unknown: str | None) -> None:
    """The person cannot mend it, and an address never lowers a limit."""
    decision = check(birth_date="1990", country="US", ip_country=unknown)
    assert decision.outcome is Outcome.ADMIT
    assert decision.residence is not None
    assert [place.basis for place in decision.residence.places] == ["declared"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    decision = check(birth_date="soon", country="UK", email="nobody", phone="12", ip_country="UK", region="?")
    named = [error.field for error in decision.errors]
    assert named == ["birth_date", "country", "ip_country", "region", "email", "phone"]


@pytest.mark.parametrize(("slip", "right"), [("UK", "GB"), ("uk ", "GB"), ("EL", "GR")])
def test_common_slip_of_a_country_gets_a_hint(slip: str, right: str) -> None:
    (error,) = check(birth_date="1990", country=slip).errors
    assert error.field == "country"
    assert error.message.endswith(f"it is {right}")


# --- which day it is ------------------------------------------------------------------------------

MOMENTS = [
    # A day has come for everybody once it has begun at UTC-12, at noon in London.
    (datetime(2026, 11, 22, 11, 59, 59, tzinfo=UTC), REFUSE),
    (datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC), ADMIT),
    (datetime(2026, 11, 22, 0, 0, 0, tzinfo=timezone(timedelta(hours=14))), REFUSE),
    (datetime(2026, 11, 22, 23, 59, 0, tzinfo=timezone(timedelta(hours=14))), REFUSE),
    (datetime(2026, 11, 21, 23, 59, 59, tzinfo=timezone(timedelta(hours=-12))), REFUSE),
    (datetime(2026, 11, 22, 0, 0, 0, tzinfo=timezone(timedelta(hours=-12))), ADMIT),
    (datetime(2026, 11, 23, 1, 59, 59, tzinfo=timezone(timedelta(hours=14))), REFUSE),
    (datetime(2026, 11, 23, 2, 0, 0, tzinfo=timezone(timedelta(hours=14))), ADMIT),
]


@pytest.mark.parametrize(("now", "outcome"), MOMENTS)
def test_birthday_has_come_when_it_has_come_everywhere(now: datetime, outcome: Outcome) -> None:
    assert check(birth_date="2013-11-22", country="US", now=now).outcome is outcome


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
        "UK", "EU", "XX", "ZZ", "Türkiye", "Germany", "DEU", "ＤＥ", "🇩🇪", "D\x00E", "D", LONG, 49, b"DE",
    ],
    "billing_country": ["UK", "EU", "XX", "ΑΤ", "🇦🇹", LONG, 43],
    "ip_country": ["EU", "UK", "A1", LONG, 1],
    "region": ["Québec", "QUEBEC", "US-QC-1", "CA-QC", "--", "\x00", "🍁", LONG, 24],
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
    {"email": "kіd@example.org"},  # a Cyrillic letter: an address of its own, and a valid one
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
USABLE = st.fixed_dictionaries(
    {"birth_date": BORN, "country": st.sampled_from(COUNTRIES)},
    optional={
        "billing_country": PLACE,
        "phone": st.sampled_from(sorted(PHONES.values())),
        "ip_country": PLACE,
        "region": st.sampled_from(("QC", "ON", "BY", "CA")),
    },
)
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
    "ip_country",
    "device",
    "locale",
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
