"""What parents, schools, moderators and the holder told staff about an account's age.

A stated age in a report is near knowledge: it reaches a person at once. It is no more than a claim, and
a report alone never restricts an account.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from agegate.model import Account, Evidence, Signal

RELIABILITY: Final = {"holder": 0.97, "parent": 0.95, "school": 0.95, "moderator": 0.92, "other": 0.9}
"""By who reports. Reports are also a weapon against teachers, so none reaches certainty alone."""


def observe(account: Account, today: date) -> Iterator[Evidence]:
    """Each report as evidence from its own kind of reporter; two parents are one source."""
    for report in account.reports:
        yield Evidence(
            signal="reports",
            rule=report.said_by,
            born=report.born,
            reliability=RELIABILITY[report.said_by],
            source=f"report:{report.said_by}",
            said_on=report.said_on,
            exact=True,
            words=f"{report.number}:{report.about_age}",
        )


SIGNAL = Signal("reports", "an age that somebody reported to staff; strong, always waits for a person", observe)
