"""A mobile driving licence (ISO/IEC 18013-5), whose `age_over_NN` elements a verifier has accepted.

`data` holds the data elements of the namespace `org.iso.18013.5.1`, by identifier, as the verifier gave them
out. Only `age_over_NN` (NN from 00 to 99, a boolean) is read. Clause 7.2.5 of the 2021 edition, "Age
attestation: nearest 'true' attestation above request", lets a licence answer with another NN than was asked
for: the nearest at or above it that is true, or else the nearest at or below it that is false. So true for NN
means at least NN years old, false means younger, whichever was asked; several may be there. The standard's
text is sold; its title and contents were read in a draft, this clause only as implementers retell it.

`age_in_years`, `age_birth_year` and `birth_date` are not read: ask the holder for less. Who does not release
an element cannot be told from a licence that has none: unknown.

The host's verifier checks the issuer, the device's signature and the validity. `on` is the day on which it
accepted the presentation. The statements were signed earlier: they may be too young by then, never too old.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from agegate.model import AgeSignal
from agegate.signup.age_signals._parts import age_over, attested, fields

METHOD: Final = "iso_18013_5"


def read(data: Mapping[str, object], on: date) -> AgeSignal:
    """What an accepted licence says of its holder's age on a day. Nothing is verified; see the module."""
    return attested(METHOD, on, age_over(fields(data)))
