"""The moment of a question: the present, or what a caller says it is."""

from __future__ import annotations

from datetime import UTC, date, datetime

from agegate.law.zones import LAST_ZONE


def aware_moment(now: datetime | None, today: date | None) -> datetime:
    """`now`, by default the present; of a `today` alone too.

    Raises `ValueError` if both are given or `now` is naive, `TypeError` if `today` is a moment.
    """
    if now is not None and today is not None:
        raise ValueError("give now or today, not both")
    if isinstance(today, datetime):
        raise TypeError("today must be a date where the person lives; give a moment as now")
    moment = now or datetime.now(UTC)
    if moment.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    return moment


def earliest_day(moment: datetime) -> date:
    """The date where the day begins last; no birth date after it is believed."""
    return moment.astimezone(LAST_ZONE).date()
