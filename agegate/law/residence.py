"""Where a person may live: every place that something durable speaks for, the weightiest first.

No statute ranks the signs. A billing address outranks what was declared (privacy policy of the service,
section 2), unless somebody else pays; then comes the telephone number. An IP address is easily forged, so
it never is a residence by itself; it stands last, where the strictest of all places can only be raised by
it. A device's language and clock are kept beside as hints: most of the world's devices speak American
English, so they would refuse adults and catch nobody.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from agegate.law.codes import own_code, subdivision
from agegate.model import LEARNER, Place, Residence


@lru_cache(maxsize=4096)
def residence(
    *,
    billing: str | None = None,
    payer: str | None = None,
    country: str | None = None,
    region: str | None = None,
    phone_region: str | None = None,
    ip_country: str | None = None,
    locale_country: str | None = None,
    zone_country: str | None = None,
    seen_on: date | None = None,
) -> Residence:
    """The residence that already validated, upper-case ISO codes speak for.

    `region` (`"QC"`) belongs to the declared `country` and refines every place of that country; without a
    declared country it says nothing. One with a country code of its own (Hong Kong, Puerto Rico) is that
    country. A billing country says nothing where the `payer` is not the learner (`None` is the learner).
    A jurisdiction named twice is kept once, with the first that named it. `seen_on` is the day on which
    all of it was said.
    """
    own = billing if payer in {None, LEARNER} else None
    hints = tuple(
        Place(code, basis, seen_on)
        for basis, code in (("locale", locale_country), ("time_zone", zone_country))
        if code
    )
    durable = (("billing", own), ("declared", country), ("phone", phone_region))
    if not any(code for _, code in durable):
        return Residence((), hints)
    places: dict[str, Place] = {}
    for basis, code in (*durable, ("ip", ip_country)):
        if code:
            jurisdiction = own_code(subdivision(code, region)) if region and code == country else code
            places.setdefault(jurisdiction, Place(jurisdiction, basis, seen_on))
    return Residence(tuple(places.values()), hints)
