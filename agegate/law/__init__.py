"""The law part: which minimum age holds where a person lives, on a day.

`Rulebook` holds the dated, cited rules of `rules/*.toml`; `codes` the names of places;
`agegate.law.residence.residence` says where a person may live. All of it is pure: the day is an argument.
"""

from __future__ import annotations

from agegate.law.codes import COMMON_SLIPS, COUNTRIES, parse_country, parse_region, subdivision
from agegate.law.rulebook import Country, Rulebook

__all__ = [
    "COMMON_SLIPS",
    "COUNTRIES",
    "Country",
    "Rulebook",
    "parse_country",
    "parse_region",
    "subdivision",
]
