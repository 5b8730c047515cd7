"""Birth dates, full or partial, each an interval of days; and the one place that knows when an age is attained.

A person who told only a month or a year may be born on any day of it, so every question is answered for
the latest day: an age is never said to be attained early. Who is born on 29 February attains an age on
1 March in common years (`docs/decisions/0002-attainment.md`).
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from agegate.errors import BirthDateError

Attain = Literal["birthday", "jan1_of_year"]
"""When a law says that an age is attained: on the birthday, or already on 1 January of its year."""

OLDEST_YEARS: Final = 125
"""No living person is known to be older; anything before is a typing error."""

_SHAPE: Final = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")


def anniversary(day: date, years: int) -> date:
    """The day `years` (may be negative) after `day`; 29 February becomes 1 March in a common year.

    Raises `BirthDateError` when the year leaves the calendar (1 to 9999).
    """
    year = day.year + years
    if not date.min.year <= year <= date.max.year:
        raise BirthDateError(f"the calendar ends: no year {year}; give a year between 1 and 9999")
    if day.month == 2 and day.day == 29 and not calendar.isleap(year):
        return date(year, 3, 1)
    return day.replace(year=year)


@dataclass(frozen=True, slots=True, order=True)
class BirthDate:
    """A birth date as what is known of it: any day from `first` to `last`, both included.

    Raises `BirthDateError` if `last` lies before `first`.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise BirthDateError("a birth date's last day lies before its first; swap them")

    @classmethod
    def on(cls, day: date) -> BirthDate:
        """A birth date known to the day."""
        return cls(day, day)

    @classmethod
    def in_month(cls, year: int, month: int) -> BirthDate:
        """A birth date of which month and year are known."""
        return cls(_day(year, month, 1), _day(year, month, calendar.monthrange(year, month)[1]))

    @classmethod
    def in_year(cls, year: int) -> BirthDate:
        """A birth date of which only the year is known."""
        return cls(_day(year, 1, 1), _day(year, 12, 31))

    @classmethod
    def parse(cls, text: str) -> BirthDate:
        """Read `YYYY`, `YYYY-MM` or `YYYY-MM-DD` (ISO 8601 calendar dates, ASCII digits only).

        Raises `BirthDateError` for any other text; the text is never repeated in the message.
        """
        text = text.strip()
        if len(text) == len("YYYY-MM-DD") and text[4] == text[7] == "-":
            try:
                return cls.on(date.fromisoformat(text))
            except ValueError:
                pass  # what is wrong with it is said below
        if _SHAPE.fullmatch(text) is None:
            raise BirthDateError("not a birth date: write YYYY, YYYY-MM or YYYY-MM-DD")
        if len(text) == len("YYYY"):
            return cls.in_year(int(text))
        month = int(text[5:7])
        if not 1 <= month <= 12:
            raise BirthDateError("not a birth date: there is no such month")
        if len(text) == len("YYYY-MM"):
            return cls.in_month(int(text[:4]), month)
        return cls.on(_day(int(text[:4]), month, int(text[8:])))

    @classmethod
    def aged(cls, youngest: int, oldest: int, on: date) -> BirthDate:
        """The birth dates of everyone who is `youngest` to `oldest` years old on a day."""
        return cls(latest_birth(oldest + 1, on) + timedelta(days=1), latest_birth(youngest, on))

    def attains(self, age: int, attain: Attain = "birthday") -> date:
        """The first day on which this person is `age` for certain: the anniversary of the latest reading.

        Where a law counts by calendar years (`jan1_of_year`) it is 1 January of that year.
        """
        if attain == "jan1_of_year":
            return anniversary(date(self.last.year, 1, 1), age)
        return anniversary(self.last, age)

    def has_attained(self, age: int, on: date, attain: Attain = "birthday") -> bool:
        """Whether this person is at least `age` years old on a day, for certain."""
        return self.attains(age, attain) <= on

    def age_on(self, on: date) -> int:
        """The age in whole years on a day, by the latest reading (the youngest the person can be).

        Negative before birth.
        """
        years = on.year - self.last.year
        return years if anniversary(self.last, years) <= on else years - 1

    def checked(self, today: date) -> BirthDate:
        """This birth date, if a person alive on `today` can have it.

        Raises `BirthDateError` if all of it lies in the future or more than 125 years ago.
        """
        if self.first > today:
            raise BirthDateError("the birth date lies in the future: ask for it again")
        oldest = today.year - OLDEST_YEARS
        if self.last.year <= oldest and self.last < anniversary(today, -OLDEST_YEARS):
            raise BirthDateError(f"the birth date lies more than {OLDEST_YEARS} years ago: ask for it again")
        return self

    def overlaps(self, other: BirthDate) -> bool:
        """Whether both can be true of one person."""
        return self.first <= other.last and other.first <= self.last

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise BirthDateError("not a birth date: there is no such day") from None


def latest_birth(age: int, on: date) -> date:
    """The latest day of birth with which one has attained `age` on a day: born later is younger."""
    latest = anniversary(on, -age)
    # 29 February counted back into a common year lands on 1 March, whose birthday is still to come.
    return latest if anniversary(latest, age) <= on else latest - timedelta(days=1)
