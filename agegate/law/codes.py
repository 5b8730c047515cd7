"""ISO 3166 codes: the countries (3166-1 alpha-2) and the shape of a subdivision's code (3166-2).

The countries are written out, because a code that is not one must be asked for again. The about five
thousand subdivisions are not: an unknown one inherits its country's rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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

COMMON_SLIPS: Final[Mapping[str, str]] = MappingProxyType({"UK": "GB", "EL": "GR"})
"""Codes that people write for the right one. For hints in messages only: a slip is never read as a code."""

_REGION: Final = re.compile(r"[A-Z0-9]{1,3}")


def parse_country(text: str) -> str | None:
    """The country code that a text is (`"de "` is `"DE"`), or `None` where it is no ISO 3166-1 code."""
    code = _tidy(text)
    return code if code in COUNTRIES else None


def parse_region(text: str, country: str) -> str | None:
    """The region's own part of an ISO 3166-2 code: `"qc"` and `"CA-QC"` are `"QC"` in `"CA"`.

    Only the shape is checked. `None` where the text has another shape or names another country.
    """
    code = _tidy(text).removeprefix(f"{country}-")
    return code if _REGION.fullmatch(code) else None


def subdivision(country: str, region: str) -> str:
    """The ISO 3166-2 code of a region (`"CA"`, `"QC"` is `"CA-QC"`), both already parsed."""
    return f"{country}-{region}"


def _tidy(text: str) -> str:
    """Upper case without the white space around; letters beyond ASCII are left alone, so never match."""
    text = text.strip()
    return text.upper() if text.isascii() else text
