"""E-mail domains that schools give to their pupils.

A school's domain alone says little: its teachers have one too. A host name for pupils (`students.`,
`pupils.`) under a school's domain says that the holder is at school, not in which year: ages 5 to 19.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from agegate.birthdate import BirthDate
from agegate.model import Account, Evidence, Signal

PUPIL_HOST: Final = re.compile(r"(?:^|[.@-])(?:students?|stu|pupils?|learners?|schueler|eleves?|alumnos?)[.-]")
SCHOOL_DOMAIN: Final = re.compile(
    r"(?:\.k12\.[a-z]{2}\.us|\.sch\.[a-z]{2}|\.school\.(?:nz|za|ge)|isd\.(?:net|org))$"
)

SCHOOL_AGES: Final = (5, 19)
RELIABILITY: Final = 0.9
"""Teachers of a school seldom write from its pupils' host."""


def observe(account: Account, today: date) -> Iterator[Evidence]:
    """Evidence of a pupil, where both the host and the domain say so."""
    email = account.fields.get("email", "").lower()
    host = email.rpartition("@")[2]
    if not (SCHOOL_DOMAIN.search(host) and PUPIL_HOST.search(host)):
        return
    yield Evidence(
        signal="pupil_email",
        rule="pupils-host",
        born=BirthDate.aged(*SCHOOL_AGES, account.created_on),
        reliability=RELIABILITY,
        source="email-host",
        said_on=account.created_on,
        words=host,
    )


SIGNAL = Signal(
    "pupil_email", "an e-mail host that a school keeps for its pupils; medium, ages 5 to 19", observe
)
