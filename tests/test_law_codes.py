"""ISO codes of countries and regions: what is one, and what to say of what is none."""

from __future__ import annotations

from importlib.resources import files

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS

from agegate.law import COUNTRIES, country_name, parse_country, parse_region, slip_hint, subdivision
from agegate.law.codes import COMMON_SLIPS

NOT_ISO_BUT_DIALLED = {"AC", "TA", "XK"}  # Ascension, Tristan da Cunha and Kosovo have numbers, no codes

SUBDIVISIONS = sorted(found.code for found in pycountry.subdivisions)

GENERAL = "write an ISO 3166-1 code such as DE or US"


def iana_countries() -> set[str]:
    """The codes of the time zone database's own table of ISO 3166."""
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    return {line.split("\t")[0] for line in table.splitlines() if not line.startswith("#")}


# --- the countries ------------------------------------------------------------------------------------


def test_the_249_countries_are_those_of_the_standard() -> None:
    assert len(COUNTRIES) == 249
    assert {country.alpha_2 for country in pycountry.countries} == COUNTRIES


def test_the_countries_are_those_of_the_time_zone_database() -> None:
    assert iana_countries() == COUNTRIES


def test_every_country_that_can_be_dialled_is_there() -> None:
    assert set(SUPPORTED_REGIONS) - NOT_ISO_BUT_DIALLED <= COUNTRIES


def test_every_country_has_a_name_of_its_own_in_a_line() -> None:
    names = {code: country_name(code) for code in COUNTRIES}
    assert [code for code, name in names.items() if not name.strip() or "\n" in name or name == code] == []
    assert len(set(names.values())) == len(COUNTRIES)


@pytest.mark.parametrize(
    ("code", "name"),
    [("DE", "Germany"), ("TR", "Türkiye"), ("CZ", "Czechia"), ("TW", "Taiwan"), ("CI", "Côte d'Ivoire")],
)
def test_a_name_is_the_common_one(code: str, name: str) -> None:
    assert country_name(code) == name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"),
        ("de ", "DE"),
        ("\tGb\n", "GB"),
        ("UK", None),
        ("EL", None),
        ("EU", None),
        ("PO", None),
        ("XX", None),
        ("XK", None),
        ("", None),
        ("Germany", None),
        ("DEU", None),
        ("276", None),
        ("us-ca", None),
        ("D E", None),
        ("DE\x00", None),
        ("ß", None),  # upper case of it would be SS, South Sudan
        ("\uff44\uff45", None),  # full-width letters
        ("🇩🇪", None),
    ],
)
def test_a_country(text: str, code: str | None) -> None:
    assert parse_country(text) == code


# --- slips --------------------------------------------------------------------------------------------

HINTS = [
    # what people write; what they are told to write
    ("UK", "write GB"),
    ("uk ", "write GB"),
    ("EL", "write GR"),
    ("el", "write GR"),
    ("SF", "write FI"),
    ("EU", "write the member state, such as DE"),
    ("PO", "write PL for Poland, PT for Portugal"),
    ("AN", "write CW, SX or BQ"),
    ("us-ca", "that is a subdivision; write the country US, and the subdivision as its region"),
    (" CA-QC\n", "that is a subdivision; write the country CA, and the subdivision as its region"),
    ("Türkiye", "write TR"),
    ("Germany", "write DE"),
    (" germany ", "write DE"),
    ("Federal Republic of Germany", "write DE"),
    ("DEU", "write DE"),
    ("deu", "write DE"),
    ("276", "write DE"),
    ("🇩🇪", "write DE"),
    ("XX", GENERAL),
    ("ZZ", GENERAL),
    ("zz-ca", GENERAL),
    ("us-", GENERAL),
    ("Atlantis", GENERAL),
    ("🎂", GENERAL),
    ("🏴", GENERAL),
    ("", GENERAL),
    ("\x00", GENERAL),
    ("\ud800", GENERAL),
]


@pytest.mark.parametrize(("text", "hint"), HINTS)
def test_a_slip_is_no_code_and_gets_a_hint(text: str, hint: str) -> None:
    assert parse_country(text) is None
    assert slip_hint(text) == hint


@pytest.mark.parametrize("text", ["x" * 1_000_000, "Germany" * 200_000, "US-" * 300_000, "é" * 1_000_000])
def test_a_very_long_text_gets_the_general_hint(text: str) -> None:
    assert slip_hint(text) == GENERAL


def test_no_slip_is_a_code_and_every_code_in_a_hint_is_one() -> None:
    assert COUNTRIES.isdisjoint(COMMON_SLIPS)
    words = {word.strip(",") for right in COMMON_SLIPS.values() for word in right.split()}
    codes = {word for word in words if word.isupper()}
    assert codes
    assert codes <= COUNTRIES


def test_every_country_is_hinted_at_by_its_name_and_its_three_letters() -> None:
    said = {
        (country.alpha_2, slip_hint(text))
        for country in pycountry.countries
        for text in (country_name(country.alpha_2), country.alpha_3)
    }
    assert said == {(code, f"write {code}") for code in COUNTRIES}


@given(st.one_of(st.text(max_size=40), st.from_regex(r"\A[A-Za-z]{2}-[A-Za-z0-9]{1,3}\Z")))
def test_a_hint_is_a_line_of_known_words(text: str) -> None:
    said = slip_hint(text)
    assert "\n" not in said
    assert any(code in said for code in COUNTRIES)
    assert len(said) < 100


# --- regions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "country", "region"),
    [
        ("QC", "CA", "QC"),
        ("qc", "CA", "QC"),
        (" ca-qc ", "CA", "QC"),
        ("SCT", "GB", "SCT"),
        ("9", "AT", "9"),
        ("AT-9", "AT", "9"),
        ("us-ca", "US", "CA"),
        ("US-CA", "US", "CA"),
        ("ca", "US", "CA"),
        # of another country, or of none
        ("QC", "DE", None),
        ("CA-QC", "DE", None),
        ("BY", "FR", None),
        ("US-CA", "CA", None),
        ("CA-CA-QC", "CA", None),
        ("CA", "CA", None),
        ("ZZ", "US", None),
        ("UKM", "GB", None),
        # no code
        ("CA-", "CA", None),
        ("-QC", "CA", None),
        ("Quebec", "CA", None),
        ("", "CA", None),
        ("Q C", "CA", None),
        ("QC\x00", "CA", None),
        ("ß", "DE", None),
        ("٣", "AT", None),
        ("9" * 1_000_000, "AT", None),
    ],
)
def test_a_region(text: str, country: str, region: str | None) -> None:
    assert parse_region(text, country) == region


@given(st.sampled_from(SUBDIVISIONS), st.booleans(), st.booleans())
def test_every_subdivision_of_the_standard_is_a_region_of_its_country(
    code: str, whole: bool, lower: bool
) -> None:
    country, region = code.split("-", 1)
    text = code if whole else region
    assert parse_region(text.lower() if lower else text, country) == region


@given(st.sampled_from(SUBDIVISIONS), st.sampled_from(sorted(COUNTRIES)))
def test_a_whole_code_is_a_region_of_no_other_country(code: str, country: str) -> None:
    if not code.startswith(f"{country}-"):
        assert parse_region(code, country) is None


def test_a_subdivision() -> None:
    assert subdivision("CA", "QC") == "CA-QC"


@given(st.text(max_size=8), st.sampled_from(sorted(COUNTRIES)))
def test_whatever_is_typed_is_a_code_or_nothing(text: str, country: str) -> None:
    assert parse_country(text) in COUNTRIES | {None}
    region = parse_region(text, country)
    assert region is None or subdivision(country, region) in SUBDIVISIONS
