"""Whose midnight it is: the date where a person lives, never early."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agegate import Residence
from agegate.law import COUNTRIES
from agegate.law.residence import residence
from agegate.law.zones import local_day, zone_country

NOWHERE = Residence(())
SECOND = timedelta(seconds=1)


def table_of_zones() -> dict[str, list[str]]:
    """The zones of each country by the database's table, read here again on its own."""
    found: dict[str, list[str]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            code, _, zone, *_ = line.split("\t")
            found.setdefault(code, []).append(zone)
    return found


ZONES = table_of_zones()


def lives_in(*countries: str) -> Residence:
    """Somebody for whom a billing address, a declared country and a phone name up to three countries."""
    return residence(**dict(zip(("billing", "country", "phone_region"), countries, strict=False)))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- when a day begins --------------------------------------------------------------------------------

BEGINS = [
    # countries; time zone of the device; a day; the moment at which it begins there, in UTC
    (["DE"], None, "2026-11-22", "2026-11-21T23:00:00"),
    (["GB"], None, "2026-11-22", "2026-11-22T00:00:00"),
    (["IN"], None, "2026-11-22", "2026-11-21T18:30:00"),
    (["NP"], None, "2026-11-22", "2026-11-21T18:15:00"),
    (["JP"], None, "2026-11-22", "2026-11-21T15:00:00"),
    # of several zones the latest midnight, unless the device is in one of them
    (["US"], None, "2026-11-22", "2026-11-22T10:00:00"),
    (["US"], "America/New_York", "2026-11-22", "2026-11-22T05:00:00"),
    (["US"], "America/Los_Angeles", "2026-11-22", "2026-11-22T08:00:00"),
    (["US"], "Pacific/Honolulu", "2026-11-22", "2026-11-22T10:00:00"),
    (["FR"], None, "2026-11-22", "2026-11-21T23:00:00"),
    (["PF"], None, "2026-11-22", "2026-11-22T10:00:00"),
    (["PT"], None, "2026-11-22", "2026-11-22T01:00:00"),
    (["PT"], "Europe/Lisbon", "2026-11-22", "2026-11-22T00:00:00"),
    (["RU"], "Asia/Kamchatka", "2026-11-22", "2026-11-21T12:00:00"),
    (["RU"], None, "2026-11-22", "2026-11-21T22:00:00"),
    (["NZ"], "Pacific/Auckland", "2026-11-22", "2026-11-21T11:00:00"),
    (["NZ"], "Pacific/Chatham", "2026-11-22", "2026-11-21T10:15:00"),
    # a time zone of another country, or of none, says nothing
    (["US"], "Asia/Tokyo", "2026-11-22", "2026-11-22T10:00:00"),
    (["DE"], "Pacific/Honolulu", "2026-11-22", "2026-11-21T23:00:00"),
    (["DE"], "Pacific/Kiritimati", "2026-11-22", "2026-11-21T23:00:00"),
    (["US"], "UTC", "2026-11-22", "2026-11-22T10:00:00"),
    (["US"], "Etc/GMT-14", "2026-11-22", "2026-11-22T10:00:00"),
    (["US"], "Mars/Olympus", "2026-11-22", "2026-11-22T10:00:00"),
    (["US"], "america/new_york", "2026-11-22", "2026-11-22T10:00:00"),
    (["US"], "", "2026-11-22", "2026-11-22T10:00:00"),
    # of several places the latest
    (["DE", "US"], None, "2026-11-22", "2026-11-22T10:00:00"),
    (["US", "DE"], None, "2026-11-22", "2026-11-22T10:00:00"),
    (["DE", "GB"], None, "2026-11-22", "2026-11-22T00:00:00"),
    (["JP", "KR"], None, "2026-11-22", "2026-11-21T15:00:00"),
    (["DE", "US"], "America/New_York", "2026-11-22", "2026-11-22T05:00:00"),
    (["GB", "US"], "Europe/London", "2026-11-22", "2026-11-22T10:00:00"),
    (["JP", "GB", "US"], "America/New_York", "2026-11-22", "2026-11-22T05:00:00"),
    # no place, and places without a zone: where the day begins last
    ([], None, "2026-11-22", "2026-11-22T12:00:00"),
    ([], "Europe/Berlin", "2026-11-22", "2026-11-22T12:00:00"),
    (["BV"], None, "2026-11-22", "2026-11-22T12:00:00"),
    (["HM"], None, "2026-11-22", "2026-11-22T12:00:00"),
    (["BV"], "Europe/Oslo", "2026-11-22", "2026-11-22T12:00:00"),
    (["NO", "BV"], None, "2026-11-22", "2026-11-22T12:00:00"),
    # both sides of the date line
    (["KI"], None, "2026-11-22", "2026-11-21T12:00:00"),
    (["KI"], "Pacific/Tarawa", "2026-11-22", "2026-11-21T12:00:00"),
    (["KI"], "Pacific/Kanton", "2026-11-22", "2026-11-21T11:00:00"),
    (["KI"], "Pacific/Kiritimati", "2026-11-22", "2026-11-21T10:00:00"),
    (["WS"], None, "2026-11-22", "2026-11-21T11:00:00"),
    (["AS"], None, "2026-11-22", "2026-11-22T11:00:00"),
    (["WS", "AS"], None, "2026-11-22", "2026-11-22T11:00:00"),
    (["UM"], None, "2026-11-22", "2026-11-22T11:00:00"),
    # summer and winter
    (["DE"], None, "2026-07-01", "2026-06-30T22:00:00"),
    (["DE"], None, "2026-03-29", "2026-03-28T23:00:00"),
    (["DE"], None, "2026-03-30", "2026-03-29T22:00:00"),
    (["DE"], None, "2026-10-25", "2026-10-24T22:00:00"),
    (["DE"], None, "2026-10-26", "2026-10-25T23:00:00"),
    (["US"], "America/New_York", "2026-03-08", "2026-03-08T05:00:00"),
    (["US"], "America/New_York", "2026-03-09", "2026-03-09T04:00:00"),
    (["US"], "America/New_York", "2026-11-01", "2026-11-01T04:00:00"),
    (["US"], "America/New_York", "2026-11-02", "2026-11-02T05:00:00"),
    (["CU"], None, "2026-03-08", "2026-03-08T05:00:00"),  # no midnight: the day begins at one
    (["CU"], None, "2026-11-01", "2026-11-01T04:00:00"),  # two midnights: the first
    (["LB"], None, "2026-03-29", "2026-03-28T22:00:00"),  # no midnight
    (["LB"], None, "2026-10-25", "2026-10-24T22:00:00"),  # at the first midnight the clock goes back to eleven
    # a leap day, and the turn of a year
    (["US"], "America/New_York", "2028-02-29", "2028-02-29T05:00:00"),
    (["US"], "America/New_York", "2028-03-01", "2028-03-01T05:00:00"),
    (["JP"], None, "2027-01-01", "2026-12-31T15:00:00"),
]


@pytest.mark.parametrize(("countries", "zone", "day", "begins"), BEGINS)
def test_a_day_begins_with_the_persons_own_midnight(
    countries: list[str], zone: str | None, day: str, begins: str
) -> None:
    where, on, at = lives_in(*countries), date.fromisoformat(day), moment(begins)
    assert local_day(at, where, zone) == on
    assert local_day(at - SECOND, where, zone) == on - timedelta(days=1)


def test_samoa_went_from_one_day_to_the_next_but_one() -> None:
    skipped = moment("2011-12-30T10:00:00")
    assert local_day(skipped - SECOND, lives_in("WS")) == date(2011, 12, 29)
    assert local_day(skipped, lives_in("WS")) == date(2011, 12, 31)


@pytest.mark.parametrize("ip", ["AS", "US", "KI"])
def test_an_address_moves_no_midnight(ip: str) -> None:
    where = residence(country="DE", ip_country=ip)
    assert "ip" in {place.basis for place in where.places}
    begins = moment("2026-11-21T23:00:00")
    assert local_day(begins, where) == date(2026, 11, 22)
    assert local_day(begins - SECOND, where) == date(2026, 11, 21)


def test_a_device_moves_no_midnight_by_what_it_hints_at() -> None:
    where = residence(country="DE", locale_country="US", zone_country="US")
    assert local_day(moment("2026-11-21T23:00:00"), where) == date(2026, 11, 22)


def test_a_subdivision_has_the_zones_of_its_country() -> None:
    where = residence(country="US", region="NY")
    assert local_day(moment("2026-11-22T09:59:59"), where) == date(2026, 11, 21)
    assert local_day(moment("2026-11-22T09:59:59"), where, "America/New_York") == date(2026, 11, 22)


# --- which country has a zone ---------------------------------------------------------------------------


def test_every_zone_of_the_table_has_the_country_that_it_stands_with() -> None:
    stands_with = {zone: code for code, zones in ZONES.items() for zone in zones}
    assert len(stands_with) > 400
    assert {zone: zone_country(zone) for zone in stands_with} == stands_with
    assert set(stands_with.values()) <= COUNTRIES
    assert COUNTRIES - set(stands_with.values()) == {"BV", "HM"}


ODD: list[Any] = [
    "UTC",
    "Etc/GMT+12",
    "EST5EDT",
    "europe/berlin",
    "Europe/Berlin ",
    "Europe",
    "",
    "\x00",
    "\ud800",
    "/etc/localtime",
    "../../../etc/passwd",
    "x" * 1_000_000,
    None,
    True,
    0,
    -5.5,
    float("nan"),
    b"Europe/Berlin",
    ["Europe/Berlin"],
    {"Europe/Berlin"},
    {"Europe/Berlin": 1},
    ZoneInfo("Europe/Berlin"),
    UTC,
    object(),
]


@pytest.mark.parametrize("name", [pytest.param(name, id=repr(name)[:20]) for name in ODD])
def test_what_is_no_zone_is_of_no_country_and_says_nothing(name: Any) -> None:
    assert zone_country(name) is None
    begins = moment("2026-11-22T10:00:00")
    assert local_day(begins, lives_in("US"), name) == date(2026, 11, 22)
    assert local_day(begins - SECOND, lives_in("US"), name) == date(2026, 11, 21)
    assert local_day(begins, NOWHERE, name) == date(2026, 11, 21)


# --- properties -----------------------------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
PLACES = st.lists(st.sampled_from(sorted(COUNTRIES)), min_size=1, max_size=3, unique=True)
NAMED = st.sampled_from(sorted(zone for zones in ZONES.values() for zone in zones))
DEVICE = st.one_of(st.none(), NAMED, st.text(max_size=20), st.integers(), st.lists(st.text(max_size=3)))


def day_in(zone: str, at: datetime) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


@given(MOMENTS, PLACES, DEVICE)
def test_never_a_later_date_than_in_any_zone_unless_the_device_names_one(
    at: datetime, countries: list[str], device: Any
) -> None:
    found = local_day(at, lives_in(*countries), device)
    for country in countries:
        zones = ZONES.get(country, [])
        if device in zones:
            assert found <= day_in(device, at)
        else:
            assert all(found <= day_in(zone, at) for zone in zones)


@given(MOMENTS, PLACES, DEVICE)
def test_the_date_is_that_of_one_of_the_zones(at: datetime, countries: list[str], device: Any) -> None:
    """Never earlier than all of them, either: nobody waits longer than where their day begins last."""
    last = at.astimezone(timezone(timedelta(hours=-12))).date()
    days = {day_in(zone, at) for country in countries for zone in ZONES.get(country, [])}
    if not all(country in ZONES for country in countries):
        days.add(last)
    assert local_day(at, lives_in(*countries), device) in days


@given(MOMENTS, st.sampled_from(sorted(ZONES)), st.data())
def test_a_device_in_the_country_says_which_of_its_days_it_is(
    at: datetime, country: str, data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(ZONES[country]))
    assert local_day(at, lives_in(country), zone) == day_in(zone, at)


@given(MOMENTS, PLACES, st.sampled_from(sorted(COUNTRIES)), DEVICE)
def test_another_place_never_makes_a_day_come_earlier(
    at: datetime, countries: list[str], more: str, device: Any
) -> None:
    fewer, both = lives_in(*countries[:2]), lives_in(*countries[:2], more)
    assert local_day(at, both, device) <= local_day(at, fewer, device)


@given(MOMENTS, PLACES, DEVICE, st.integers(-14 * 60, 14 * 60))
def test_the_zone_that_the_moment_is_written_in_does_not_matter(
    at: datetime, countries: list[str], device: Any, minutes: int
) -> None:
    elsewhere = at.astimezone(timezone(timedelta(minutes=minutes)))
    assert local_day(elsewhere, lives_in(*countries), device) == local_day(at, lives_in(*countries), device)


@given(MOMENTS, PLACES, DEVICE, st.integers(0, 4000))
def test_time_only_goes_on(at: datetime, countries: list[str], device: Any, days: int) -> None:
    """But for clocks that are turned back across midnight, by three hours at most (Casey station)."""
    where = lives_in(*countries)
    later = at + timedelta(days=days, hours=4)
    assert local_day(later, where, device) >= local_day(at, where, device)
