"""Which school years are the writer's own, and what ages they mean: sentences written for these tables."""

# ruff: noqa: RUF001 - the disguises are what is tested

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agegate.birthdate import BirthDate
from agegate.model import Account, Evidence, Text
from agegate.signals.school_year import OFFSETS, SIGNAL, usual_ages

TODAY = date(2026, 11, 22)


def seen(
    text: str,
    kind: str = "message",
    written_on: date = TODAY,
    fields: dict[str, str] | None = None,
) -> list[Evidence]:
    texts = (Text("posts.body", "1", text, written_on, kind),)
    return list(
        SIGNAL.observe(Account(key="1", created_on=written_on, fields=fields or {}, texts=texts), TODAY)
    )


OWN_YEAR = [
    ("I'm in 4th grade and I love bees", 9, 10, "grade"),
    ("im a 5th grader", 10, 11, "grade"),
    ("I am in sixth grade", 11, 12, "grade"),
    ("I am only in second grade", 7, 8, "grade"),
    ("I am 9 and in fourth grade", 9, 10, "grade"),
    ("I am 10 years old and a fifth grader", 10, 11, "grade"),
    ("I'm in grade 3", 8, 9, "grade"),
    ("I am a grade 10 pupil", 15, 16, "grade"),
    ("I'm going into 4th grade", 8, 10, "grade"),
    ("we moved, going on to 5th grade", 9, 11, "grade"),
    ("I just finished second grade", 7, 9, "grade"),
    ("As a 6th grader, I need more fractions", 11, 12, "grade"),
    ("too easy and that's coming from a 4th grader", 9, 10, "grade"),
    ("i am in forth grade", 9, 10, "grade"),
    ("I'm in 6th grade math and it is hard", 11, 12, "grade"),
    ("I go to 2nd grade", 7, 8, "grade"),
    ("im in year 6", 10, 12, "year"),
    ("I'm a year 4 pupil", 8, 10, "year"),
    ("I am in class 5", 10, 11, "class"),
    ("i am a 7 class pupil", 12, 13, "class"),
    ("I study in class 8", 13, 14, "class"),
    ("I'm in P5", 9, 11, "primary"),
    ("i am in primary 3", 7, 9, "primary"),
    ("I'm in middle school", 10, 15, "stage"),
    ("im an elementary schooler", 5, 12, "stage"),
    ("I'm class of 2036", 8, 9, "class-of"),
]


@pytest.mark.parametrize(("text", "youngest", "oldest", "rule"), OWN_YEAR)
def test_an_own_school_year_is_read(text: str, youngest: int, oldest: int, rule: str) -> None:
    (evidence,) = seen(text)
    assert (evidence.born, evidence.rule) == (BirthDate.aged(youngest, oldest, TODAY), rule)
    assert not evidence.exact


IN_A_PROFILE = [
    ("6th grader @ Hilltop", 11, 12, "grade"),
    ("Grade 4 student", 9, 10, "grade"),
    ("3rd grade student", 8, 9, "grade"),
    ("Year 9, exams soon", 13, 15, "year"),
    ("class 5 student, Pune", 10, 11, "class"),
    ("P6 pupil", 10, 12, "primary"),
    ("Class of 2033", 11, 12, "class-of"),
]


@pytest.mark.parametrize(("text", "youngest", "oldest", "rule"), IN_A_PROFILE)
def test_a_profile_may_be_brief(text: str, youngest: int, oldest: int, rule: str) -> None:
    (evidence,) = seen(text, kind="profile")
    assert (evidence.born, evidence.rule) == (BirthDate.aged(youngest, oldest, TODAY), rule)


NOT_OWN_YEAR = [
    # teachers and staff
    "I teach 4th grade",
    "I'm a 4th grade teacher",
    "I am a year 6 teacher",
    "I'm in charge of 5th grade trips",
    "Lead for Year 8",
    "I am a grade 3 classroom assistant",
    "I'm an elementary school librarian",
    "proud aunt, to the class of 2036",
    # parents and siblings
    "my 3rd grader loves it",
    "my daughter is in 2nd grade",
    "My son says: I'm in 4th grade",
    "As a second grader, he sings well",
    "for my brother in grade 5",
    # course content
    "7th grade math is missing",
    "add grade 9 please",
    "the text has a 5th grade level",
    "good for class 8 to 10",
    "faster than a fourth grader",
    # then, seeming, elsewhere
    "I have used it since 9th grade",
    "I was in 4th grade back then",
    "if I'm in 6th grade can I join?",
    "when i'm in 7th grade I will quit",
    "I'm in year 3 of my degree",
    "I'm not in 5th grade",
    "Class of 2009",
    "I'm class of 2029",
    "this year 6 people came",
    "grade A eggs",
    "I'm in class 5 days a week",
    "I am a first class traveller",
    "I'm in the class of 2034 parents group",
    "",
]


@pytest.mark.parametrize("kind", ["message", "profile"])
@pytest.mark.parametrize("text", NOT_OWN_YEAR)
def test_what_only_names_a_school_year_is_not_read(text: str, kind: str) -> None:
    assert seen(text, kind) == []


COUNTRIES = [
    ("I'm in year 6", {"country": "GB"}, 10, 11),
    ("I'm in year 6", {"country": "AU"}, 11, 12),
    ("I'm in year 6", {"country": "AU", "billing_country": "GB"}, 10, 11),
    ("I'm in year 6", {"country": "FR"}, 10, 12),
    ("I'm in P4", {"country": "SG"}, 9, 10),
    ("I'm in grade 6", {"country": "US"}, 11, 12),
    ("I'm in grade 6", {"country": "PL"}, 11, 13),
    ("I'm in class 6", {"country": "IN"}, 11, 12),
    ("I'm in class 6", {"country": "DE"}, 11, 13),
]


@pytest.mark.parametrize(("text", "fields", "youngest", "oldest"), COUNTRIES)
def test_the_ages_are_those_of_the_country(
    text: str, fields: dict[str, str], youngest: int, oldest: int
) -> None:
    (evidence,) = seen(text, fields=fields)
    assert evidence.born == BirthDate.aged(youngest, oldest, TODAY)


@pytest.mark.parametrize(
    ("written_on", "youngest", "oldest"),
    [(date(2026, 7, 31), 8, 9), (date(2026, 8, 1), 9, 10), (date(2027, 7, 31), 9, 10)],
)
def test_a_class_of_counts_by_school_years(written_on: date, youngest: int, oldest: int) -> None:
    (evidence,) = seen("Class of 2035", "profile", written_on)
    assert evidence.born == BirthDate.aged(youngest, oldest, written_on)
    assert evidence.said_on == written_on


def test_the_last_school_year_wins() -> None:
    (evidence,) = seen("I'm in third grade. No wait, I'm in fourth grade")
    assert evidence.born == BirthDate.aged(9, 10, TODAY)


@pytest.mark.parametrize("word", OFFSETS)
@pytest.mark.parametrize("year", [0, 14])
def test_there_is_no_such_school_year(word: str, year: int) -> None:
    assert usual_ages(word, year, None) is None


@pytest.mark.parametrize("word", OFFSETS)
def test_a_country_has_an_order_of_ages(word: str) -> None:
    for country in OFFSETS[word]:
        youngest, oldest = OFFSETS[word][country]
        assert youngest <= oldest


PIECES = [
    "I'm ", "in ", "the ", "4th ", "grade", " grader", "year ", "class of ", "2034", "６", "P", "my ",
    "finished ", "student at ", "elementary ", "|", "’", "İ", "going into ",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join),
    st.sampled_from(["profile", "message"]),
)
def test_any_text_is_read_without_an_error_and_spans_fit(text: str, kind: str) -> None:
    for evidence in seen(text, kind):
        assert evidence.span is not None
        assert evidence.words == text[slice(*evidence.span)] != ""


@pytest.mark.parametrize(
    "piece", ["I'm in the ", "grade 4 ", "class of ", "student at a ", "i am only just now "]
)
def test_time_grows_with_length_only(piece: str) -> None:
    started = time.process_time()
    seen(piece * (40_000 // len(piece)), kind="profile")
    assert time.process_time() - started < 5
