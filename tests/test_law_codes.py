"""ISO codes of countries and regions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS

from agegate.law import COMMON_SLIPS, COUNTRIES, parse_country, parse_region, subdivision

NOT_ISO_BUT_DIALLED = {"AC", "TA", "XK"}  # Ascension, Tristan da Cunha and Kosovo have numbers, no codes


def test_the_249_countries_are_all_there() -> None:
    assert len(COUNTRIES) == 249
    assert set(SUPPORTED_REGIONS) - NOT_ISO_BUT_DIALLED <= COUNTRIES


def test_slips_are_no_codes_but_point_at_one() -> None:
    assert COUNTRIES.isdisjoint(COMMON_SLIPS)
    assert COUNTRIES.issuperset(COMMON_SLIPS.values())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"),
        ("de ", "DE"),
        ("\tGb\n", "GB"),
        ("UK", None),
        ("EL", None),
        ("EU", None),
        ("XX", None),
        ("", None),
        ("Germany", None),
        ("DEU", None),
        ("D E", None),
        ("ß", None),  # upper case of it would be SS, South Sudan
        ("\uff44\uff45", None),  # full-width letters
    ],
)
def test_a_country(text: str, code: str | None) -> None:
    assert parse_country(text) == code


@pytest.mark.parametrize(
    ("text", "country", "region"),
    [
        ("QC", "CA", "QC"),
        ("qc", "CA", "QC"),
        (" ca-qc ", "CA", "QC"),
        ("SCT", "GB", "SCT"),
        ("9", "AT", "9"),
        ("AT-9", "AT", "9"),
        ("CA", "US", "CA"),
        ("US-CA", "CA", None),
        ("CA-", "CA", None),
        ("Quebec", "CA", None),
        ("", "CA", None),
        ("Q C", "CA", None),
        ("ß", "DE", None),
        ("٣", "AT", None),
    ],
)
def test_a_region(text: str, country: str, region: str | None) -> None:
    assert parse_region(text, country) == region


def test_a_subdivision() -> None:
    assert subdivision("CA", "QC") == "CA-QC"


@given(st.text(max_size=8), st.sampled_from(sorted(COUNTRIES)))
def test_whatever_is_typed_is_a_code_or_nothing(text: str, country: str) -> None:
    assert parse_country(text) in COUNTRIES | {None}
    region = parse_region(text, country)
    assert region is None or parse_region(subdivision(country, region), country) == region
