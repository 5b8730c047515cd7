"""A wallet's presentation over OpenID4VP: the EU's proof of age, or an age statement of an identity credential.

`data` holds the claims of one presented credential as the verifier gave them out after it accepted it:

- an mdoc by namespace: `{"eu.europa.ec.av.1": {"age_over_18": True}}`, the EU age verification profile, whose
  proof of age speaks of 18; also `eu.europa.ec.eudi.pid.1` and `org.iso.18013.5.1`;
- an SD-JWT VC: `{"age_equal_or_over": {"18": True}}`. The EU's rulebook for the identity credential (PID) took
  its age statements out in version 1.1 (September 2025); national ones, Germany's among them, have them.

True for an age means at least that old, false means younger, as in ISO/IEC 18013-5, clause 7.2.5. No other
claim is read. An error response `{"error": "access_denied"}` is declined: OpenID4VP 1.0, section 8.5, has this
one code for a holder who does not agree, a wallet that has no such credential and one that did not recognise
its holder.

The host's verifier checks the issuer against the trusted list, the holder's key, the nonce and the validity.
`on` is the day on which it accepted the presentation.

Sources, read in November 2026: EU Age Verification technical specification, Annex A; OpenID for Verifiable
Presentations 1.0; ARF Annex 3.01, PID Rulebook. That `age_equal_or_over` is keyed by the age as a text was
read in implementations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from agegate.model import AgeSignal
from agegate.signup.age_signals._parts import Statement, age_over, attested, declined, fields, word

METHOD: Final = "openid4vp"

NAMESPACES: Final = ("eu.europa.ec.av.1", "eu.europa.ec.eudi.pid.1", "org.iso.18013.5.1")
"""Namespaces of mdocs that have `age_over_NN`."""

_AGE: Final = re.compile(r"[0-9]{1,3}")


def read(data: Mapping[str, object], on: date) -> AgeSignal:
    """What an accepted presentation says of its holder's age on a day. Nothing is verified; see the module."""
    claims = fields(data)
    if word(claims, "error") == "access_denied":
        return declined(METHOD, on)
    return attested(METHOD, on, _statements(claims))


def _statements(claims: Mapping[str, object]) -> Iterable[Statement]:
    for namespace in NAMESPACES:
        yield from age_over(fields(claims.get(namespace)))
    for age, holds in fields(claims.get("age_equal_or_over")).items():
        yield (int(age) if isinstance(age, str) and _AGE.fullmatch(age) else None), holds
