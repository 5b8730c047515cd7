"""Where a person may live, by what speaks for it."""

from __future__ import annotations

import pytest

from agegate.law.residence import residence


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
        # an IP address alone is no place, and a region without a country neither
        ({"ip_country": "DE"}, []),
        ({"region": "QC"}, []),
        ({"region": "QC", "ip_country": "CA"}, []),
        # the region belongs to the declared country and refines every place of it
        ({"country": "CA", "region": "QC"}, ["CA-QC declared"]),
        ({"country": "CA", "region": "CA-QC"}, ["CA-QC declared"]),
        ({"country": "CA", "region": "ON", "billing": "CA", "phone_region": "CA"}, ["CA-ON billing"]),
        ({"country": "CA", "region": "ON", "ip_country": "CA"}, ["CA-ON declared"]),
        ({"country": "CA", "region": "ON", "billing": "US"}, ["US billing", "CA-ON declared"]),
        # where the region does not fit, the whole country stays, which is read more strictly
        ({"billing": "CA", "region": "ON"}, ["CA billing"]),
        ({"country": "CA", "region": "US-NY"}, ["CA declared"]),
    ],
)
def test_places(given: dict[str, str], places: list[str]) -> None:
    asked = dict.fromkeys(("billing", "country", "region", "phone_region"), None) | given
    found = residence(**asked)
    assert [f"{place.jurisdiction} {place.basis}" for place in found.places] == places


def test_a_conflict_is_between_countries() -> None:
    same = residence(billing="CA", country="CA", region="QC", phone_region=None)
    assert not same.conflict
    assert residence(billing="US", country="CA", region="QC", phone_region=None).conflict
