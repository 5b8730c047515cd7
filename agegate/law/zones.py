"""Whose midnight it is: the date where a person lives, never early.

No law that we read fixes a time zone. The zones of the places where a person may live decide; a zone that
the person's device names is believed only within its own country.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from agegate.model import Residence

LAST_ZONE: Final = timezone(timedelta(hours=-12))
"""Where a day begins last: before it has begun there, a birthday may not have come where a person lives."""


def zone_country(name: object) -> str | None:
    """The country of a time zone of the IANA database (`Europe/Paris` is in `FR`), or `None`."""
    return _countries().get(name) if isinstance(name, str) else None


def local_day(moment: datetime, residence: Residence, time_zone: str | None = None) -> date:
    """The date where a person lives at an aware moment; of several zones, that of the latest midnight.

    `time_zone` is the device's: it decides within a country that has it, and says nothing elsewhere.
    Without a place the date is that of UTC-12. An IP address is no place here.
    """
    minute = moment.replace(second=0, microsecond=0)
    named = time_zone if time_zone and zone_country(time_zone) else None
    places = residence.places
    if len(places) == 1:
        return _day_in(places[0].jurisdiction[:2], minute, named)
    days = [_day_in(place.jurisdiction[:2], minute, named) for place in places if place.basis != "ip"]
    return min(days, default=minute.astimezone(LAST_ZONE).date())


@lru_cache(maxsize=1024)
def _day_in(country: str, minute: datetime, time_zone: str | None) -> date:
    """The date by the clocks of a country where midnight comes last, or by the one that is named.

    Remembered, for many people may come in the same minute from a country of many clocks. Midnights fall on
    whole minutes of UTC; they did not everywhere before 1972, when nobody signed up.
    """
    own = _clocks(country).get(time_zone) if time_zone else None
    if own is not None:
        return minute.astimezone(own).date()
    days = [minute.astimezone(clock).date() for clock in _clocks(country).values()]
    return min(days, default=minute.astimezone(LAST_ZONE).date())


@cache
def _clocks(country: str) -> Mapping[str, ZoneInfo]:
    """The clocks of a country by name, held here because zoneinfo itself keeps only a few of them open."""
    return MappingProxyType({zone: ZoneInfo(zone) for zone in _zones().get(country, ())})


@cache
def _countries() -> Mapping[str, str]:
    """The country of each zone; the table gives each zone to one, and older names are links to it."""
    return MappingProxyType({zone: country for country, zones in _zones().items() for zone in zones})


@cache
def _zones() -> Mapping[str, tuple[str, ...]]:
    """The zones of each country, from the database's own table."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _lines(files("tzdata") / "zoneinfo" / "zone.tab"):
        country, _, zone = line.split("\t")[:3]
        found[country] = (*found.get(country, ()), zone, *_older_names().get(zone, ()))
    return MappingProxyType(found)


@cache
def _older_names() -> Mapping[str, tuple[str, ...]]:
    """The names that devices still send for a zone that was renamed (`Asia/Calcutta`), from the same source.

    Only of zones that one country has for itself: the database links the names of countries with the same
    clock to one zone, so `Iceland` is a name of Abidjan's.
    """
    folder = files("tzdata") / "zoneinfo"
    rows = [line.split("\t") for line in _lines(folder / "zone1970.tab")]
    alone = {zone for countries, _, zone, *_ in rows if "," not in countries}
    tabled = {line.split("\t")[2] for line in _lines(folder / "zone.tab")}
    found: dict[str, tuple[str, ...]] = {}
    for line in _lines(folder / "tzdata.zi"):
        kind, _, rest = line.partition(" ")
        if kind == "L":
            zone, name = rest.split()
            if zone in alone and name not in tabled:
                found[zone] = (*found.get(zone, ()), name)
    return found


def _lines(file: Traversable) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
