"""Google's Play Age Signals, as an Android app got them and sent them to its service.

The library answers an app in Kotlin or Java and defines no text format, so the app writes its names into one
object: since 0.0.4 `ageSignalsStatus` of `requestAgeSignalsAccess` (`SHARED`, `NOT_SHARED`,
`VERIFICATION_REQUIRED`) with `ageRangeSource` (`TIER_A` to `TIER_D`), `ageLower` and `ageUpper` of
`checkAgeSignals`; up to 0.0.3 `userStatus` (`VERIFIED`, `DECLARED`, `SUPERVISED`,
`SUPERVISED_APPROVAL_PENDING`, `SUPERVISED_APPROVAL_DENIED`, `UNKNOWN`) with the two ages. Send the names:
their numbers are not read, because a 0 that a serializer left behind would be `VERIFIED`.

- `ageLower` and `ageUpper` are both included; `ageUpper` is null in the highest band. The bands are 0-12,
  13-15, 16-17 and 18+, or those that the developer set.
- `VERIFIED` without ages, as the first versions gave it, is 18 or older.
- `VERIFICATION_REQUIRED` and `UNKNOWN`: Google does not know the age. A `userStatus` of null is either a
  person who does not share or a place where nothing is given: unknown.
- The signal follows a birthday within two to eight weeks: too young, never too old.
- Whether a parent approved a significant change is no age. Who may not be served for it is the host's to say.

Nothing signs the answer. The documentation asks for the Play Integrity API beside it, so that the service
knows its own app sent it.

Sources, read in November 2026: Android Developers, Play Age Signals API (beta): "Request age signals",
"Understand age signals responses", `AgeSignalsVerificationStatus`, release notes (0.0.4, July 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from agegate.model import AgeSignal, Assurance
from agegate.signup.age_signals._parts import bounded, declined, fields, unknown, word

METHOD: Final = "google_play_age_signals"

ADULT: Final = 18
"""The least age of a `VERIFIED` user."""

ASSURANCES: Final[Mapping[str, Assurance]] = MappingProxyType(
    {
        "TIER_A": Assurance.DECLARED,
        "TIER_B": Assurance.GUARDIAN,
        "TIER_C": Assurance.ESTIMATED,
        "TIER_D": Assurance.CHECKED,
        "VERIFIED": Assurance.ESTIMATED,
        "DECLARED": Assurance.DECLARED,
        "SUPERVISED": Assurance.GUARDIAN,
        "SUPERVISED_APPROVAL_PENDING": Assurance.GUARDIAN,
        "SUPERVISED_APPROVAL_DENIED": Assurance.GUARDIAN,
    }
)
"""Google's tiers and statuses. `TIER_C` and `VERIFIED` may each be a document or an estimate from a selfie.
One that is missing, or that came later, is taken for the person's own word."""


def read(data: Mapping[str, object], on: date) -> AgeSignal:
    """The age band that Google Play gave the app on a day. Nothing is verified; see the module."""
    answer = fields(data)
    access, status = word(answer, "ageSignalsStatus"), word(answer, "userStatus")
    if access == "NOT_SHARED":
        return declined(METHOD, on)
    if access == "VERIFICATION_REQUIRED" or status == "UNKNOWN":
        return unknown(METHOD, on)
    lower, upper = answer.get("ageLower"), answer.get("ageUpper")
    if status == "VERIFIED" and lower is None and upper is None:
        lower = ADULT
    assurance = ASSURANCES.get(word(answer, "ageRangeSource") or status, Assurance.DECLARED)
    return bounded(METHOD, on, lower, upper, assurance)
