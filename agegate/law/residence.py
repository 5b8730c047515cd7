"""Where a person may live: every place that something durable speaks for, the weightiest first.

No statute ranks the signs. A billing address outranks what was declared (privacy policy of the service,
section 2), then comes the telephone number. An IP address is easily forged, so it never is a residence by
itself; it stands last, where the strictest of all places can only be raised by it.
"""

from __future__ import annotations

from agegate.law.codes import parse_region, subdivision
from agegate.model import Place, Residence


def residence(
    *,
    billing: str | None,
    country: str | None,
    region: str | None,
    phone_region: str | None,
    ip_country: str | None = None,
) -> Residence:
    """The residence that already validated, upper-case ISO codes speak for.

    `region` (`"QC"` or `"CA-QC"`) belongs to the declared `country` and refines every place of that
    country; without a declared country it says nothing. A jurisdiction named twice is kept once, with the
    first that named it. An IP address alone is no place: then the residence is empty.
    """
    durable = (("billing", billing), ("declared", country), ("phone", phone_region))
    if not any(code for _, code in durable):
        return Residence(())
    places: dict[str, Place] = {}
    for basis, code in (*durable, ("ip", ip_country)):
        if code:
            jurisdiction = _refined(code, country, region)
            places.setdefault(jurisdiction, Place(jurisdiction, basis))
    return Residence(tuple(places.values()))


def _refined(code: str, country: str | None, region: str | None) -> str:
    """The subdivision, where the region is of this country; else the country, which is read more strictly."""
    part = parse_region(region, code) if region and code == country else None
    return subdivision(code, part) if part else code
