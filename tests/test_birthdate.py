"""Birth dates: what can be read, on which day an age is attained, and who is how old."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agegate.birthdate import OLDEST_YEARS, BirthDate, anniversary, latest_birth
from agegate.errors import BirthDateError

DAYS = st.dates(date(1880, 1, 1), date(2200, 12, 31))
LEAP_DAYS = DAYS.filter(lambda day: day.month == 2 and day.day == 29)
AGES = st.integers(0, 130)


@st.composite
def birth_dates(draw: st.DrawFn) -> BirthDate:
    """Full dates, months, years and the intervals that signals make."""
    day = draw(st.one_of(DAYS, LEAP_DAYS))
    later = day + timedelta(days=draw(st.integers(0, 2000)))
    shapes = (BirthDate.on(day), BirthDate.in_month(day.year, day.month), BirthDate.in_year(day.year))
    return draw(st.sampled_from((*shapes, BirthDate(day, later))))


# --- reading ------------------------------------------------------------------------------------------

READ = {
    "2016": ("2016-01-01", "2016-12-31"),
    "2016-02": ("2016-02-01", "2016-02-29"),
    "2015-02": ("2015-02-01", "2015-02-28"),
    "1900-02": ("1900-02-01", "1900-02-28"),
    "2000-02": ("2000-02-01", "2000-02-29"),
    "2016-02-29": ("2016-02-29", "2016-02-29"),
    "0001": ("0001-01-01", "0001-12-31"),
    "9999-12-31": ("9999-12-31", "9999-12-31"),
    " 2016-03-01\n": ("2016-03-01", "2016-03-01"),
    "\t2016 ": ("2016-01-01", "2016-12-31"),
}


@pytest.mark.parametrize("text", READ)
def test_what_is_read(text: str) -> None:
    first, last = map(date.fromisoformat, READ[text])
    assert BirthDate.parse(text) == BirthDate(first, last)


NO_SHAPE = (
    "",
    " ",
    "16",
    "99-03-01",
    "16-03-01",
    "201",
    "20160",
    "20160301",
    "2016-3-1",
    "2016-03-1",
    "2016-3",
    "2016-",
    "2016-03-",
    "2016-03-01-",
    "2016-W10",
    "2016-061",
    "2016/03/01",
    "2016.03.01",
    "01-03-2016",
    "03/01/2016",
    "-2016",
    "+2016",
    "2016 -03-01",
    "2016-03-01T00:00:00",
    "2016-03-01 00:00",
    "2016-03-01\n2016-03-01",
    "2016-03-01\x00",
    "\u0662\u0660\u0661\u0666-\u0660\u0663-\u0660\u0661",  # Arabic digits
    "\u0968\u0966\u0967\u096c",  # Devanagari digits
    "\uff12\uff10\uff11\uff16",  # full-width digits
    "2016\u201303\u201301",
    "yesterday",
    "2016" * 2500,
    "x" * 10_240,
)
NO_DAY = ("0000", "0000-01", "0000-01-01", "2016-00", "2016-13", "2016-13-01", "2016-00-10", "2016-99-99")
NO_DAY += ("2016-02-30", "2016-02-31", "2015-02-29", "1900-02-29", "2016-04-31", "2016-01-00", "2016-01-32")


@pytest.mark.parametrize("text", [pytest.param(text, id=ascii(text)[:24]) for text in NO_SHAPE])
def test_what_has_no_shape_is_refused_with_the_shapes_that_do(text: str) -> None:
    with pytest.raises(BirthDateError, match=r"write YYYY, YYYY-MM or YYYY-MM-DD$"):
        BirthDate.parse(text)


@pytest.mark.parametrize("text", NO_DAY)
def test_what_is_on_no_calendar_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(BirthDateError, match=r"there is no such (day|month)$") as refused:
        BirthDate.parse(text)
    assert not any(character.isdigit() for character in str(refused.value))
    assert "\n" not in str(refused.value)


@given(st.one_of(st.text(), st.from_regex(r"[0-9]{4}(-[0-9]{1,2}){0,2}", fullmatch=True)))
def test_any_text_is_a_birth_date_or_one_clear_error(text: str) -> None:
    try:
        found = BirthDate.parse(text)
    except BirthDateError as error:
        said = str(error)
        assert said.isascii()
        assert not any(character.isdigit() for character in said)
    else:
        assert text.strip() in {str(found.first)[:4], str(found.first)[:7], str(found.first)}


@given(DAYS)
def test_each_shape_holds_the_finer_ones(day: date) -> None:
    exact, month, year = (BirthDate.parse(day.isoformat()[:end]) for end in (10, 7, 4))
    assert exact == BirthDate.on(day)
    assert month == BirthDate.in_month(day.year, day.month)
    assert year == BirthDate.in_year(day.year)
    assert year.first <= month.first <= exact.first == exact.last <= month.last <= year.last


@pytest.mark.parametrize(("year", "month"), [(0, 1), (10_000, 1), (2016, 0), (2016, 13), (2016, -1)])
def test_months_and_years_beside_the_calendar(year: int, month: int) -> None:
    with pytest.raises(BirthDateError, match="no such day"):
        BirthDate.in_month(year, month)
    if not 1 <= year <= 9999:
        with pytest.raises(BirthDateError, match="no such day"):
            BirthDate.in_year(year)


def test_interval_runs_forward() -> None:
    assert BirthDate(date(2016, 1, 1), date(2016, 1, 1)).first == date(2016, 1, 1)
    with pytest.raises(BirthDateError, match="swap them"):
        BirthDate(date(2016, 1, 2), date(2016, 1, 1))


# --- attaining an age ---------------------------------------------------------------------------------

ATTAINS = (
    # birth date, age, the first day on which it is attained for certain
    ("2013-11-22", 13, "2026-11-22"),
    ("2013-11", 13, "2026-11-30"),
    ("2013", 13, "2026-12-31"),
    ("2012-02-29", 13, "2025-03-01"),
    ("2012-02-29", 16, "2028-02-29"),
    ("2012-02", 13, "2025-03-01"),
    ("2012-02", 16, "2028-02-29"),
    ("2013-02", 13, "2026-02-28"),
    ("2013-02", 15, "2028-02-28"),
    ("1888-02-29", 12, "1900-03-01"),
    ("1988-02-29", 12, "2000-02-29"),
    ("2012-02-28", 13, "2025-02-28"),
    ("2012-03-01", 13, "2025-03-01"),
    ("2012-12-31", 18, "2030-12-31"),
    ("2016-05-05", 0, "2016-05-05"),
)


@pytest.mark.parametrize(("text", "age", "day"), ATTAINS)
def test_attained_on_the_day_and_not_on_the_day_before(text: str, age: int, day: str) -> None:
    born, on = BirthDate.parse(text), date.fromisoformat(day)
    yesterday, tomorrow = on - timedelta(days=1), on + timedelta(days=1)
    assert born.attains(age) == on
    assert [born.has_attained(age, when) for when in (yesterday, on, tomorrow)] == [False, True, True]
    assert [born.age_on(when) for when in (yesterday, on, tomorrow)] == [age - 1, age, age]


@given(birth_dates(), AGES, DAYS, st.integers(1, 800))
def test_never_lost_by_waiting_nor_by_a_lower_limit(born: BirthDate, age: int, on: date, days: int) -> None:
    if born.has_attained(age, on):
        assert born.has_attained(age, on + timedelta(days=days))
        assert born.has_attained(age - 1, on)
    else:
        assert not born.has_attained(age, on - timedelta(days=days))
        assert not born.has_attained(age + 1, on)


@given(birth_dates(), AGES, st.data())
def test_partial_date_attains_no_earlier_than_any_of_its_days(
    born: BirthDate, age: int, data: st.DataObject
) -> None:
    day = data.draw(st.dates(born.first, born.last))
    assert day in born
    assert born.attains(age) >= BirthDate.on(day).attains(age)
    assert born.attains(age) == BirthDate.on(born.last).attains(age)


@given(birth_dates(), DAYS)
def test_age_is_the_highest_that_is_attained(born: BirthDate, on: date) -> None:
    age = born.age_on(on)
    assert born.has_attained(age, on)
    assert not born.has_attained(age + 1, on)
    assert (age < 0) == (on < born.last)


@given(st.one_of(DAYS, LEAP_DAYS), st.integers(-200, 200))
def test_anniversary_keeps_month_and_day_or_moves_on_by_one(day: date, years: int) -> None:
    found = anniversary(day, years)
    assert found.year == day.year + years
    moved = (found.month, found.day) != (day.month, day.day)
    assert not moved or (day.month, day.day, found.month, found.day) == (2, 29, 3, 1)


ATTAINS_BY_YEAR = (
    # birth date, age, the first day on which it is attained where the law counts calendar years
    ("2010-01-01", 16, "2026-01-01"),
    ("2010-06-15", 16, "2026-01-01"),
    ("2010-12-31", 16, "2026-01-01"),
    ("2011-01-01", 16, "2027-01-01"),
    ("2012-02-29", 13, "2025-01-01"),
    ("2012-02-29", 16, "2028-01-01"),
    ("2010-11", 16, "2026-01-01"),
    ("2010", 16, "2026-01-01"),
    ("2016-05-05", 0, "2016-01-01"),
)


@pytest.mark.parametrize(("text", "age", "day"), ATTAINS_BY_YEAR)
def test_attained_with_the_year_and_not_on_the_last_day_before(text: str, age: int, day: str) -> None:
    born, on = BirthDate.parse(text), date.fromisoformat(day)
    days = (on - timedelta(days=1), on, date(on.year, 12, 31))
    assert born.attains(age, "jan1_of_year") == on
    assert [born.has_attained(age, when, "jan1_of_year") for when in days] == [False, True, True]


def test_days_of_two_years_count_from_the_later_one() -> None:
    born = BirthDate(date(2010, 12, 31), date(2011, 1, 1))
    assert born.attains(16, "jan1_of_year") == date(2027, 1, 1)
    assert born.attains(16) == date(2027, 1, 1)


@given(birth_dates(), AGES)
def test_counting_by_years_is_early_by_less_than_a_year(born: BirthDate, age: int) -> None:
    by_year, by_day = born.attains(age, "jan1_of_year"), born.attains(age, "birthday")
    assert (by_year.month, by_year.day) == (1, 1)
    assert by_year <= by_day
    assert by_year.year == by_day.year
    assert by_day == born.attains(age)


@given(birth_dates(), AGES, DAYS)
def test_who_is_old_enough_by_the_birthday_is_so_by_the_year(born: BirthDate, age: int, on: date) -> None:
    by_year = born.has_attained(age, on, "jan1_of_year")
    assert by_year >= born.has_attained(age, on)
    assert by_year == (on.year - born.last.year >= age)


@given(birth_dates(), AGES, st.data())
def test_partial_date_attains_by_the_year_of_its_latest_day(
    born: BirthDate, age: int, data: st.DataObject
) -> None:
    day = BirthDate.on(data.draw(st.dates(born.first, born.last)))
    assert born.attains(age, "jan1_of_year") >= day.attains(age, "jan1_of_year")


# --- the other way: who is of an age ------------------------------------------------------------------

EDGES = ("2026-02-28", "2026-03-01", "2026-03-02", "2028-02-28", "2028-02-29", "2028-03-01")
EDGES += ("2026-01-01", "2026-12-31", "2027-02-28", "2025-03-01", "2100-02-28", "2100-03-01")


@pytest.mark.parametrize("day", EDGES)
@pytest.mark.parametrize(("youngest", "oldest"), [(0, 0), (10, 10), (12, 12), (13, 13), (10, 14), (0, 3)])
def test_aged_holds_exactly_those_of_that_age(day: str, youngest: int, oldest: int) -> None:
    on = date.fromisoformat(day)
    born = BirthDate.aged(youngest, oldest, on)
    for edge in (born.first, born.last):
        for shift in range(-40, 41):
            some = edge + timedelta(days=shift)
            assert (some in born) == (youngest <= BirthDate.on(some).age_on(on) <= oldest)


@given(st.integers(0, 100), st.integers(0, 20), st.one_of(DAYS, LEAP_DAYS), DAYS)
def test_aged_agrees_with_age_everywhere(youngest: int, more: int, on: date, day: date) -> None:
    of_that_age = youngest <= BirthDate.on(day).age_on(on) <= youngest + more
    assert (day in BirthDate.aged(youngest, youngest + more, on)) == of_that_age


@given(AGES, st.one_of(DAYS, LEAP_DAYS))
def test_latest_birth_is_the_last_to_have_attained(age: int, on: date) -> None:
    latest = latest_birth(age, on)
    assert BirthDate.on(latest).has_attained(age, on)
    assert not BirthDate.on(latest + timedelta(days=1)).has_attained(age, on)


@pytest.mark.parametrize(
    ("age", "on", "latest"),
    [
        (13, "2026-11-22", "2013-11-22"),
        (13, "2025-02-28", "2012-02-28"),  # who was born a day later waits until 1 March
        (13, "2025-03-01", "2012-03-01"),
        (13, "2028-02-29", "2015-02-28"),  # the birthday of 1 March is still to come
        (12, "2028-02-29", "2016-02-29"),
        (0, "2028-02-29", "2028-02-29"),
    ],
)
def test_latest_birth_around_leap_days(age: int, on: str, latest: str) -> None:
    assert latest_birth(age, date.fromisoformat(on)) == date.fromisoformat(latest)


def test_aged_from_old_to_young_is_refused() -> None:
    with pytest.raises(BirthDateError, match="swap them"):
        BirthDate.aged(14, 10, date(2026, 11, 22))


# --- what a living person can have --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "today", "fault"),
    [
        ("2026-11-22", "2026-11-22", None),
        ("2026-11-23", "2026-11-22", "future"),
        ("2026-11", "2026-11-22", None),
        ("2026-12", "2026-11-22", "future"),
        ("2026", "2026-11-22", None),
        ("2027", "2026-11-22", "future"),
        ("1901-11-22", "2026-11-22", None),
        ("1901-11-21", "2026-11-22", "125 years"),
        ("1901-11", "2026-11-30", None),
        ("1901-10", "2026-11-22", "125 years"),
        ("1901", "2026-12-31", None),
        ("1900", "2026-01-01", "125 years"),
        ("1903-02-28", "2028-02-29", "125 years"),
        ("1903-03-01", "2028-02-29", None),
        ("9999", "2026-11-22", "future"),
        ("0001", "2026-11-22", "125 years"),
    ],
)
def test_future_and_past_that_nobody_alive_was_born_in(text: str, today: str, fault: str | None) -> None:
    born = BirthDate.parse(text)
    if fault is None:
        assert born.checked(date.fromisoformat(today)) is born
        return
    with pytest.raises(BirthDateError, match=fault) as refused:
        born.checked(date.fromisoformat(today))
    assert text not in str(refused.value)
    assert str(OLDEST_YEARS) in str(refused.value) or fault == "future"


# --- the calendar's ends, and sets of days ------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda: BirthDate.parse("9999").attains(1),
        lambda: BirthDate.parse("9999").attains(1, "jan1_of_year"),
        lambda: BirthDate.parse("9999-12-31").has_attained(1, date.max),
        lambda: anniversary(date.min, -1),
        lambda: latest_birth(1, date.min),
        lambda: BirthDate.aged(0, 13, date(13, 6, 1)),
    ],
)
def test_leaving_the_calendar_is_our_own_error(ask: object) -> None:
    with pytest.raises(BirthDateError, match="give a year between 1 and 9999"):
        ask()  # type: ignore[operator]


def test_calendar_holds_to_its_last_day() -> None:
    born = BirthDate.parse("9986")
    assert born.attains(13) == date.max
    assert (born.age_on(date.max), BirthDate.on(date.max).age_on(date.min)) == (13, -9999)
    assert latest_birth(0, date.min) == date.min


@given(birth_dates(), birth_dates())
def test_overlap_is_a_common_day(one: BirthDate, other: BirthDate) -> None:
    both = max(one.first, other.first)
    assert one.overlaps(other) == other.overlaps(one) == (both in one and both in other)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("2016", "2016-12-31", True),
        ("2016-03", "2016-04", False),
        ("2016-03-31", "2016-04-01", False),
        ("2016-03-31", "2016-03", True),
        ("2016", "2016", True),
    ],
)
def test_overlap_at_the_edges(one: str, other: str, overlap: bool) -> None:
    assert BirthDate.parse(one).overlaps(BirthDate.parse(other)) is overlap
    assert BirthDate.parse(other).overlaps(BirthDate.parse(one)) is overlap


def test_days_inside_and_beside() -> None:
    month = BirthDate.parse("2016-02")
    inside = [day in month for day in map(date.fromisoformat, ("2016-01-31", "2016-02-01", "2016-02-29"))]
    assert inside == [False, True, True]
    assert date(2016, 3, 1) not in month
