"""Where a person may live, by what speaks for it, at the gate and at the sweep."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agegate import AgeGate, Outcome, Registration, Residence
from agegate.law import COUNTRIES
from agegate.law.residence import residence
from agegate.model import PAYERS, Account
from agegate.signup.fields import check_fields
from agegate.sweep.judge import place_of
from tests.conftest import TODAY

CODES = st.sampled_from(sorted(COUNTRIES))
MAYBE = st.none() | CODES
FRENCH_PHONE = "+33 1 42 34 56 78"


def shown(found: Residence) -> list[str]:
    return [f"{place.jurisdiction} {place.basis}" for place in found.places]


def hinted(found: Residence) -> list[str]:
    return [f"{place.jurisdiction} {place.basis}" for place in found.hints]


def given_at_the_gate(**fields: Any) -> Residence:
    """The residence of a registration, by the gate's own reading of its fields."""
    return check_fields(Registration(birth_date="1990", **fields), TODAY).residence


# --- what speaks for a place --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({}, []),
        ({"country": "DE"}, ["DE declared"]),
        ({"phone_region": "FR"}, ["FR phone"]),
        (
            {"ip_country": "BR", "phone_region": "FR", "country": "DE", "billing": "GB"},
            ["GB billing", "DE declared", "FR phone", "BR ip"],
        ),
        # what is named twice is kept once, with the first that named it
        (
            {"billing": "DE", "country": "DE", "phone_region": "DE", "ip_country": "DE"},
            ["DE billing"],
        ),
        ({"country": "DE", "phone_region": "FR", "ip_country": "FR"}, ["DE declared", "FR phone"]),
        # an IP address, a language or a clock alone is no place, and a region without a country neither
        ({"ip_country": "DE"}, []),
        ({"locale_country": "DE"}, []),
        ({"zone_country": "DE"}, []),
        ({"ip_country": "DE", "locale_country": "DE", "zone_country": "DE"}, []),
        ({"region": "QC"}, []),
        ({"region": "QC", "ip_country": "CA"}, []),
        ({"country": "US", "locale_country": "DE", "zone_country": "FR"}, ["US declared"]),
        # the region belongs to the declared country and refines every place of it
        ({"country": "CA", "region": "QC"}, ["CA-QC declared"]),
        ({"country": "CA", "region": "ON", "billing": "CA", "phone_region": "CA"}, ["CA-ON billing"]),
        ({"country": "CA", "region": "ON", "ip_country": "CA"}, ["CA-ON declared"]),
        ({"country": "CA", "region": "ON", "billing": "US"}, ["US billing", "CA-ON declared"]),
        ({"billing": "CA", "region": "ON"}, ["CA billing"]),
    ],
)
def test_places(given: dict[str, str], places: list[str]) -> None:
    assert shown(residence(**given)) == places


def test_a_conflict_is_between_countries() -> None:
    assert not residence(billing="CA", country="CA", region="QC").conflict
    assert residence(billing="US", country="CA", region="QC").conflict
    assert not residence(country="CA", locale_country="US", zone_country="US").conflict


@pytest.mark.parametrize(
    ("given", "conflicts"),
    [
        ({}, ()),
        ({"locale_country": "DE", "zone_country": "FR"}, ()),
        ({"country": "DE", "phone_region": "DE", "locale_country": "DE", "zone_country": "DE"}, ()),
        ({"country": "CA", "region": "QC", "billing": "CA", "zone_country": "CA"}, ()),
        ({"country": "DE", "locale_country": "US"}, ("locale says US",)),
        ({"country": "DE", "zone_country": "US"}, ("time_zone says US",)),
        (
            {
                "billing": "GB",
                "country": "CA",
                "region": "QC",
                "phone_region": "FR",
                "ip_country": "BR",
                "locale_country": "US",
                "zone_country": "JP",
            },
            ("declared says CA-QC", "phone says FR", "ip says BR", "locale says US", "time_zone says JP"),
        ),
        # who pays for another person disagrees with nobody
        ({"billing": "GB", "payer": "school", "country": "DE"}, ()),
    ],
)
def test_what_disagrees_with_the_location_is_named_the_weightiest_first(
    given: dict[str, str], conflicts: tuple[str, ...]
) -> None:
    assert residence(**given).conflicts == conflicts


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "billing": CODES,
            "payer": st.sampled_from(PAYERS),
            "country": CODES,
            "phone_region": CODES,
            "ip_country": CODES,
            "locale_country": CODES,
            "zone_country": CODES,
        },
    )
)
def test_every_sign_keeps_the_day_it_was_seen_on(fields: dict[str, str]) -> None:
    day = date(2024, 2, 29)
    found = residence(**fields, seen_on=day)
    assert {place.seen_on for place in (*found.places, *found.hints)} <= {day}
    assert shown(found) == shown(residence(**fields))
    assert len(found.hints) == len({"locale_country", "zone_country"} & set(fields))


@given(MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
def test_a_device_never_adds_a_place(
    country: str | None, phone: str | None, ip: str | None, locale: str | None, zone: str | None
) -> None:
    alone = residence(country=country, phone_region=phone, ip_country=ip)
    more = residence(
        country=country, phone_region=phone, ip_country=ip, locale_country=locale, zone_country=zone
    )
    assert more.places == alone.places
    assert set(alone.conflicts) <= set(more.conflicts)


@given(MAYBE, MAYBE, CODES)
def test_an_address_only_adds_a_last_place_to_others(billing: str | None, country: str | None, ip: str) -> None:
    without = residence(billing=billing, country=country)
    found = residence(billing=billing, country=country, ip_country=ip)
    assert found.places[: len(without.places)] == without.places
    more = [place.basis for place in found.places[len(without.places) :]]
    named = {place.jurisdiction for place in without.places}
    assert more == (["ip"] if named and ip not in named else [])


# --- who pays -----------------------------------------------------------------------------------------

PAYER_TABLE = [
    # who pays; whether the billing address says where the learner lives
    (None, True),
    ("learner", True),
    ("parent", False),
    ("company", False),
    ("school", False),
    ("other", False),
]


def test_every_payer_is_in_the_table() -> None:
    assert {payer for payer, _ in PAYER_TABLE} == {None, *PAYERS}


@pytest.mark.parametrize(("payer", "counts"), PAYER_TABLE)
def test_only_the_learners_own_billing_address_counts(payer: str | None, counts: bool) -> None:
    assert shown(residence(billing="FR", payer=payer)) == (["FR billing"] if counts else [])
    both = ["FR billing", "US declared"] if counts else ["US declared"]
    assert shown(residence(billing="FR", payer=payer, country="US")) == both
    assert shown(given_at_the_gate(billing_country="FR", payer=payer, country="US")) == both


@pytest.mark.parametrize(("payer", "counts"), PAYER_TABLE)
def test_the_sweep_and_the_gate_agree_on_who_pays(payer: str | None, counts: bool) -> None:
    fields = {"billing_country": "FR", "country": "US"} | ({"payer": payer} if payer else {})
    account = Account("1", date(2026, 1, 15), fields=fields)
    assert shown(place_of(account)) == (["FR billing", "US declared"] if counts else ["US declared"])
    assert shown(place_of(account)) == shown(given_at_the_gate(**fields))


@pytest.mark.parametrize(("payer", "counts"), PAYER_TABLE)
def test_where_nothing_but_anothers_address_is_known_the_country_is_asked_for(
    payer: str | None, counts: bool
) -> None:
    given = Registration(birth_date="1990-01-01", billing_country="FR", payer=payer)
    decision = AgeGate().check(given, today=TODAY)
    assert decision.outcome is (Outcome.ADMIT if counts else Outcome.INVALID)
    assert [(error.field, error.code) for error in decision.errors] == (
        [] if counts else [("country", "missing")]
    )


@pytest.mark.parametrize(("payer", "counts"), PAYER_TABLE)
def test_a_local_number_is_read_as_of_the_learners_own_address_only(payer: str | None, counts: bool) -> None:
    """A company's address that is no evidence must not become one by way of a number without a prefix."""
    fields = {"billing_country": "FR", "phone": "01 42 34 56 78"} | ({"payer": payer} if payer else {})
    assert shown(place_of(Account("1", TODAY, fields=fields))) == (["FR billing"] if counts else [])
    assert shown(given_at_the_gate(**fields)) == (["FR billing"] if counts else [])


@pytest.mark.parametrize(("age", "outcome"), [(13, Outcome.ADMIT), (12, Outcome.REFUSE)])
@pytest.mark.parametrize("payer", [payer for payer, counts in PAYER_TABLE if not counts])
def test_a_school_abroad_neither_raises_nor_lowers_the_limit(payer: str, age: int, outcome: Outcome) -> None:
    born = TODAY.replace(year=TODAY.year - age)
    for billing in ("DE", "US", "KR"):
        given = Registration(birth_date=born, country="US", billing_country=billing, payer=payer)
        assert AgeGate().check(given, today=TODAY).outcome is outcome


@pytest.mark.parametrize(
    "value", ["Learner", "me", "nobody", "x" * 100_000, 5, ["learner"], {"payer": 1}, b"learner"]
)
def test_a_payer_that_is_none_is_named_and_not_repeated(value: Any) -> None:
    given = Registration(birth_date="1990-01-01", country="US", billing_country="FR", payer=value)
    decision = AgeGate().check(given, today=TODAY)
    assert decision.outcome is Outcome.INVALID
    (error,) = decision.errors
    assert (error.field, error.code) == ("payer", "invalid")
    assert error.message == "payer must be one of learner, parent, company, school, other"


# --- what an address raises ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "ip", "limit"),
    [
        ("US", "DE", (16, "DE")),
        ("US", "FR", (15, "FR")),
        ("DE", "US", (16, "DE")),
        ("FR", "US", (15, "FR")),
        ("FR", "DE", (16, "DE")),
        ("US", "CA", (14, "CA-QC")),
        ("US", "US", (13, "US")),
    ],
)
def test_an_address_raises_the_limit_and_never_lowers_it(country: str, ip: str, limit: tuple[int, str]) -> None:
    given = Registration(birth_date="1990-01-01", country=country, ip_country=ip)
    found = AgeGate().check(given, today=TODAY).limit
    assert found is not None
    assert (found.age, found.jurisdiction) == limit


# --- what a device hints at ---------------------------------------------------------------------------

LOCALES = [
    # what a device says; the country in it
    ("de-DE", "DE"),
    ("pt-BR", "BR"),
    ("pt_BR", "BR"),
    ("pt_BR.UTF-8", "BR"),
    ("zh_Hant_TW", "TW"),
    ("zh-Hans-CN", "CN"),
    ("zh-yue-Hant-HK", "HK"),
    ("DE-at", "AT"),
    ("ca-ES-valencia", "ES"),
    ("en-US-u-ca-gregory", "US"),
    ("de-CH-1901", "CH"),
    # no country in it
    ("de", None),
    ("DE", None),
    ("es-419", None),
    ("en-001", None),
    ("C", None),
    ("C.UTF-8", None),
    ("POSIX", None),
    ("en-UK", None),
    ("en-u-ca-gregory", None),  # a calendar, not Canada
    ("ar-u-nu-latn", None),  # digits, not Niue
    ("th-x-in-private", None),
    ("", None),
    ("-", None),
    ("-----", None),
    ("\x00", None),
    ("\ud800-\udc00", None),
    ("🇩🇪", None),
    ("x" * 400 + "-DE", None),
    ("-DE" * 1_000_000, None),
    (5, None),
    (b"de-DE", None),
    (["de-DE"], None),
    ({"locale": "de-DE"}, None),
]


@pytest.mark.parametrize(("locale", "country"), [pytest.param(*row, id=repr(row[0])[:30]) for row in LOCALES])
def test_a_locale_hints_at_its_country(locale: Any, country: str | None) -> None:
    found = given_at_the_gate(country="US", locale=locale)
    assert hinted(found) == ([f"{country} locale"] if country else [])
    assert shown(found) == ["US declared"]
    assert found.conflicts == ((f"locale says {country}",) if country not in {None, "US"} else ())


TIME_ZONES = [
    ("Europe/Berlin", "DE"),
    ("Europe/Busingen", "DE"),
    ("America/New_York", "US"),
    ("Pacific/Kiritimati", "KI"),
    ("Asia/Kathmandu", "NP"),
    ("UTC", None),
    ("GMT", None),
    ("Etc/GMT+12", None),
    ("CET", None),
    ("europe/berlin", None),
    ("Mars/Olympus", None),
    ("", None),
    ("../../etc/passwd", None),
    ("\x00", None),
    ("\ud800", None),
    ("x" * 1_000_000, None),
    (5, None),
    (b"Europe/Berlin", None),
    (["Europe/Berlin"], None),
    ({"Europe/Berlin"}, None),
]


@pytest.mark.parametrize(("zone", "country"), [pytest.param(*row, id=repr(row[0])[:30]) for row in TIME_ZONES])
def test_a_time_zone_hints_at_its_country(zone: Any, country: str | None) -> None:
    found = given_at_the_gate(country="US", time_zone=zone)
    assert hinted(found) == ([f"{country} time_zone"] if country else [])
    assert shown(found) == ["US declared"]


@given(
    st.one_of(
        st.text(), st.integers(), st.binary(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
    ),
    st.one_of(
        st.text(), st.integers(), st.binary(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
    ),
)
def test_whatever_a_device_says_is_no_error_and_no_place(locale: Any, zone: Any) -> None:
    given = Registration(birth_date="1990-01-01", country="US", locale=locale, time_zone=zone)
    decision = AgeGate().check(given, today=TODAY)
    assert decision.outcome is Outcome.ADMIT
    assert decision.residence is not None
    assert shown(decision.residence) == ["US declared"]


@pytest.mark.parametrize(
    "fields",
    [
        {"ip_country": "US"},
        {"ip": "192.0.2.1"},
        {"locale": "en-US"},
        {"time_zone": "America/New_York"},
        {"ip_country": "US", "locale": "en-US", "time_zone": "America/New_York"},
        {"region": "CA", "ip_country": "US"},
    ],
)
@pytest.mark.parametrize("born", ["1990-01-01", "2020-01-01"])
def test_an_address_and_a_device_alone_are_no_place(fields: dict[str, str], born: str) -> None:
    decision = AgeGate().check(Registration(birth_date=born, **fields), today=TODAY)
    assert decision.outcome is Outcome.INVALID
    assert ("country", "missing") in [(error.field, error.code) for error in decision.errors]
    assert {error.field for error in decision.errors} <= {"country", "region"}


# --- regions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "region", "places"),
    [
        ("CA", "QC", ["CA-QC declared"]),
        ("CA", "ca-qc", ["CA-QC declared"]),
        ("US", "us-ca", ["US-CA declared"]),
        ("DE", "QC", None),
        ("DE", "CA-QC", None),
        ("CA", "US-CA", None),
        ("US", "QC", None),
        ("FR", "BY", None),
    ],
)
def test_a_region_of_another_country_is_an_error_of_its_field(
    country: str, region: str, places: list[str] | None
) -> None:
    given = Registration(birth_date="1990-01-01", country=country, region=region)
    decision = AgeGate().check(given, today=TODAY)
    assert [error.field for error in decision.errors] == ([] if places else ["region"])
    assert decision.outcome is (Outcome.ADMIT if places else Outcome.INVALID)
    assert decision.residence is not None
    assert shown(decision.residence) == (places or [f"{country} declared"])


# --- at the sweep -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({}, []),
        ({"country": "de"}, ["DE declared"]),
        ({"country": "UK"}, []),
        ({"country": "UK", "billing_country": "GB"}, ["GB billing"]),
        ({"country": "CA", "region": "ca-qc"}, ["CA-QC declared"]),
        ({"country": "CA", "region": "BY"}, ["CA declared"]),
        ({"billing_country": "CA", "region": "QC"}, ["CA billing"]),
        ({"phone": FRENCH_PHONE}, ["FR phone"]),
        ({"country": "FR", "phone": "01 42 34 56 78"}, ["FR declared"]),
        (
            {"country": "US", "phone": FRENCH_PHONE, "billing_country": "GB"},
            ["GB billing", "US declared", "FR phone"],
        ),
        ({"phone": "call me", "country": "US"}, ["US declared"]),
        ({"phone": "9" * 100_000, "country": "US"}, ["US declared"]),
    ],
)
def test_the_sweep_passes_over_what_is_no_place(fields: dict[str, str], places: list[str]) -> None:
    assert shown(place_of(Account("1", TODAY, fields=fields))) == places


def test_the_sweep_keeps_what_a_device_hints_at_beside_the_places() -> None:
    fields = {"country": "US", "phone": FRENCH_PHONE, "locale": "de-DE", "time_zone": "Asia/Tokyo"}
    found = place_of(Account("1", date(2024, 2, 29), fields=fields))
    assert (shown(found), hinted(found)) == (["US declared", "FR phone"], ["DE locale", "JP time_zone"])
    assert {place.seen_on for place in (*found.places, *found.hints)} == {None}, (
        "nobody knows since when the host has them"
    )
    odd = place_of(Account("1", TODAY, fields={"country": "US", "locale": "\x00-?", "time_zone": "../etc"}))
    assert (shown(odd), hinted(odd)) == (["US declared"], [])


@pytest.mark.parametrize(
    ("country", "region", "code"),
    [
        ("CN", "HK", "HK"),
        ("CN", "CN-TW", "TW"),
        ("NL", "AW", "AW"),
        ("NL", "BQ1", "BQ"),
        ("FR", "971", "GP"),
        ("FR", "PM", "PM"),
        ("US", "PR", "PR"),
        ("FI", "01", "AX"),
        ("NO", "21", "SJ"),
        ("CA", "QC", "CA-QC"),
    ],
)
def test_a_subdivision_with_a_country_code_of_its_own_is_that_country(
    country: str, region: str, code: str
) -> None:
    account = Account("1", TODAY, fields={"country": country, "region": region})
    assert shown(place_of(account)) == [f"{code} declared"]
