"""The law part: which minimum age holds where a person lives, on a day.

`Rulebook` holds the dated, cited rules of `rules/*.toml`, which `reading` reads and `lint` looks over;
`codes` knows the names of places; `residence` says where a person may live, `zones` whose midnight counts.
All of it is pure: the day is an argument.
"""

from __future__ import annotations

from agegate.law.codes import (
    COUNTRIES,
    country_name,
    locale_country,
    own_code,
    parse_country,
    parse_region,
    slip_hint,
    subdivision,
)
from agegate.law.reading import Country
from agegate.law.rulebook import Rulebook

__all__ = [
    "COUNTRIES",
    "Country",
    "Rulebook",
    "country_name",
    "locale_country",
    "own_code",
    "parse_country",
    "parse_region",
    "slip_hint",
    "subdivision",
]
