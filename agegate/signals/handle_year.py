"""A birth year in a handle or in the local part of an e-mail address.

Weak: of the four-digit years in user names that could be checked, about half were birth years, and of
those from 2000 on about one in seven.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from agegate.birthdate import OLDEST_YEARS, BirthDate
from agegate.model import Account, Evidence, Signal

YEAR: Final = re.compile(r"(?<![0-9])(19[0-9]{2}|20[0-9]{2})(?![0-9])")
RELIABILITY_19XX: Final = 0.5
RELIABILITY_20XX: Final = 0.14
LEAST_AGE: Final = 4


def observe(account: Account, today: date) -> Iterator[Evidence]:
    """At most one year each from the handle and from the e-mail's local part."""
    places = (account.fields.get("handle", ""), account.fields.get("email", "").rpartition("@")[0])
    for text in places:
        found = YEAR.findall(text)
        if len(found) != 1:
            continue
        year = int(found[0])
        if not today.year - OLDEST_YEARS < year <= account.created_on.year - LEAST_AGE:
            continue
        yield Evidence(
            signal="handle_year",
            rule="four-digits",
            born=BirthDate.in_year(year),
            reliability=RELIABILITY_20XX if year >= 2000 else RELIABILITY_19XX,
            source="name-year",  # an address is often made from the handle: one source, not two
            said_on=account.created_on,
            words=str(year),
        )


SIGNAL = Signal("handle_year", "a year in the handle or e-mail address; weak, adds to other evidence", observe)
