"""ISO 3166 codes: the countries (3166-1 alpha-2) and their subdivisions (3166-2).

The countries are written out, because every decision looks one up. Names and the about five thousand
subdivisions come from pycountry, which is loaded only where one is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import takewhile
from types import MappingProxyType
from typing import Final

COUNTRIES: Final = frozenset(
    first + second
    for first, seconds in {
        "A": "DEFGILMOQRSTUWXZ",
        "B": "ABDEFGHIJLMNOQRSTVWYZ",
        "C": "ACDFGHIKLMNORUVWXYZ",
        "D": "EJKMOZ",
        "E": "CEGHRST",
        "F": "IJKMOR",
        "G": "ABDEFGHILMNPQRSTUWY",
        "H": "KMNRTU",
        "I": "DELMNOQRST",
        "J": "EMOP",
        "K": "EGHIMNPRWYZ",
        "L": "ABCIKRSTUVY",
        "M": "ACDEFGHKLMNOPQRSTUVWXYZ",
        "N": "ACEFGILOPRUZ",
        "O": "M",
        "P": "AEFGHKLMNRSTWY",
        "Q": "A",
        "R": "EOSUW",
        "S": "ABCDEGHIJKLMNORSTVXYZ",
        "T": "CDFGHJKLMNORTVWZ",
        "U": "AGMSYZ",
        "V": "ACEGINU",
        "W": "FS",
        "Y": "ET",
        "Z": "AMW",
    }.items()
    for second in seconds
)
"""The 249 codes of ISO 3166-1 alpha-2, by first letter."""

COMMON_SLIPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "UK": "GB",
        "EL": "GR",
        "SF": "FI",
        "PO": "PL for Poland, PT for Portugal",
        "EU": "the member state, such as DE",
        "AN": "CW, SX or BQ",
        "CS": "RS or ME",
        "YU": "RS, ME, SI, HR, BA or MK",
    }
)
"""Codes that people write for the right one. For hints in messages only: a slip is never read as a code."""

LONGEST_LOCALE: Final = 35
"""Characters of a language tag that every implementation takes (RFC 5646, section 4.4.1)."""

_REGION: Final = re.compile(r"[A-Z0-9]{1,3}")
_WHOLE: Final = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")


def parse_country(text: str) -> str | None:
    """The country code that a text is (`"de "` is `"DE"`), or `None` where it is no ISO 3166-1 code."""
    code = _tidy(text)
    return code if code in COUNTRIES else None


def locale_country(locale: object) -> str | None:
    """The country that a locale names (`pt-BR`, `zh_Hant_TW`), if any: a device's setting, never an error."""
    if not isinstance(locale, str) or len(locale) > LONGEST_LOCALE:
        return None
    parts = locale.split(".")[0].replace("_", "-").split("-")[1:]
    named = takewhile(lambda part: len(part) > 1, parts)  # a single letter begins an extension
    return next((code for code in map(parse_country, named) if code), None)


def parse_region(text: str, country: str) -> str | None:
    """The region's own part of an ISO 3166-2 code: `"qc"` and `"CA-QC"` are `"QC"` in `"CA"`.

    `None` where the country has no such subdivision.
    """
    code = _tidy(text).removeprefix(f"{country}-")
    return code if _REGION.fullmatch(code) and is_subdivision(subdivision(country, code)) else None


def subdivision(country: str, region: str) -> str:
    """The ISO 3166-2 code of a region (`"CA"`, `"QC"` is `"CA-QC"`), both already parsed."""
    return f"{country}-{region}"


_OWN_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{f"CN-{code}": code for code in ("HK", "MO", "TW")},
        **{f"NL-{code}": code for code in ("AW", "CW", "SX")},
        **{f"NL-BQ{number}": "BQ" for number in (1, 2, 3)},
        **{f"FR-{code}": code for code in ("BL", "MF", "NC", "PF", "PM", "TF", "WF")},
        **dict(
            zip(("FR-971", "FR-972", "FR-973", "FR-974", "FR-976"), ("GP", "MQ", "GF", "RE", "YT"), strict=True)
        ),
        **{f"US-{code}": code for code in ("AS", "GU", "MP", "PR", "UM", "VI")},
        **{"FI-01": "AX", "NO-21": "SJ", "NO-22": "SJ"},
    }
)


def own_code(jurisdiction: str) -> str:
    """The country code of a subdivision that has one of its own (`CN-HK` is `HK`), else the code given."""
    return _OWN_CODES.get(jurisdiction, jurisdiction)


@lru_cache(maxsize=8192)
def is_subdivision(code: str) -> bool:
    """Whether ISO 3166-2 has this code."""
    import pycountry  # reads a file of 5,000 subdivisions: only where a region was named

    return pycountry.subdivisions.get(code=code) is not None  # type: ignore[no-untyped-call]


def country_name(code: str) -> str:
    """The English short name of a country in ISO 3166-1."""
    import pycountry

    found = pycountry.countries.get(alpha_2=code)
    assert found is not None, code
    return str(getattr(found, "common_name", found.name))


def slip_hint(text: str) -> str:
    """What to write instead of a text that is no country code: the right code where it can be guessed."""
    code = _tidy(text)
    if right := COMMON_SLIPS.get(code):
        return f"write {right}"
    if (whole := _WHOLE.fullmatch(code)) and whole[1] in COUNTRIES:
        return f"that is a subdivision; write the country {whole[1]}, and the subdivision as its region"
    if named := _named(text.strip()):
        return f"write {named}"
    return "write an ISO 3166-1 code such as DE or US"


def _named(name: str) -> str | None:
    """The code of a country by its name, such as Türkiye or Germany, or its three letters or digits."""
    import pycountry

    try:
        found = pycountry.countries.lookup(name)
    except LookupError:
        return None
    return str(found.alpha_2)


def _tidy(text: str) -> str:
    """Upper case without the white space around; letters beyond ASCII are left alone, so never match."""
    text = text.strip()
    return text.upper() if text.isascii() else text
