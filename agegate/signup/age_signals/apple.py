"""Apple's Declared Age Range, as an app on iOS, iPadOS or macOS got it and sent it to its service.

The framework (iOS 26.0 and later) answers an app in Swift and defines no text format, so the app writes its
names into an object: `response` is `sharing` or `declinedSharing`; a shared range has `lowerBound` and
`upperBound` (each may be null) and `ageRangeDeclaration`, the name of the case.

- `lowerBound`: the age gate that the person meets or exceeds; null below the lowest gate.
- `upperBound`: null at or above the highest gate. Its reference says that it equals a gate that exceeds the
  person's age, so it is not part of the range; samples of the same documentation compare as if it were.
  Which of them devices do was not verified. It is read as not included: the younger reading.
- The system may go on giving the previous range until the anniversary of the declaration: too young, never
  too old.

Nothing signs the answer. The service must know by other means (App Attest, for one) that its own app sent it.

Sources, read in November 2026: Apple Developer Documentation, Declared Age Range: `AgeRangeService.AgeRange`,
`AgeRangeService.AgeRangeDeclaration`, "Requesting people's age range information in your app".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from agegate.model import AgeSignal, Assurance
from agegate.model.age_signal import is_age
from agegate.signup.age_signals._parts import bounded, declined, fields, unknown, word

METHOD: Final = "apple_declared_age_range"

ASSURANCES: Final[Mapping[str, Assurance]] = MappingProxyType(
    {
        "selfDeclared": Assurance.DECLARED,
        "guardianDeclared": Assurance.GUARDIAN,
        "guardianPaymentChecked": Assurance.GUARDIAN,
        "guardianGovernmentIDChecked": Assurance.GUARDIAN,
        "guardianCheckedByOtherMethod": Assurance.GUARDIAN,
        "paymentChecked": Assurance.CHECKED,
        "governmentIDChecked": Assurance.CHECKED,
        "checkedByOtherMethod": Assurance.CHECKED,
        "confirmed": Assurance.CHECKED,
    }
)
"""Apple's ways to declare. One that is missing, or that came later, is taken for the person's own word."""


def read(data: Mapping[str, object], on: date) -> AgeSignal:
    """The age range that the system shared with the app on a day. Nothing is verified; see the module."""
    answer = fields(data)
    response = word(answer, "response")
    if response == "declinedSharing":
        return declined(METHOD, on)
    if response != "sharing":
        return unknown(METHOD, on)
    upper = answer.get("upperBound")
    oldest = upper - 1 if is_age(upper) else upper
    assurance = ASSURANCES.get(word(answer, "ageRangeDeclaration"), Assurance.DECLARED)
    return bounded(METHOD, on, answer.get("lowerBound"), oldest, assurance)
