"""What counts as the writer's own age, and what does not: sentences written for these tables."""

# ruff: noqa: RUF001 - the disguises are what is tested

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agegate.birthdate import BirthDate
from agegate.model import Account, Evidence, Text
from agegate.signals.stated_age import SIGNAL
from agegate.signals.stated_age.plain import normalised
from agegate.signals.stated_age.rules import RULES, may_match

TODAY = date(2026, 11, 22)


def seen(text: str, kind: str = "message", written_on: date = TODAY) -> list[Evidence]:
    texts = (Text("posts.body", "1", text, written_on, kind),)
    return list(SIGNAL.observe(Account(key="1", created_on=written_on, texts=texts), TODAY))


def only(text: str, kind: str = "message", written_on: date = TODAY) -> Evidence:
    (evidence,) = seen(text, kind, written_on)
    return evidence


OWN_AGE = [
    # the plain statement
    ("I'm 11 and I built this castle", 11, "i-am"),
    ("im 9 lol", 9, "i-am"),
    ("I am 34 and new here", 34, "i-am"),
    ("i am ten", 10, "i-am"),
    ("Hello, I am a 45 year old plumber", 45, "i-am"),
    ("I'm only 8 so my aunt set it up", 8, "i-am"),
    ("im just a 12 yr old kid", 12, "i-am"),
    ("I'm twenty-seven, thanks for asking", 27, "i-am"),
    ("I'm 10 and a half!", 10, "i-am"),
    ("i am 7 years and trains are best", 7, "i-am"),
    ("(I'm 16 btw)", 16, "i-am"),
    ("even if I'm 9 I can solve it", 9, "i-am"),
    ("I know this since I'm literally 12", 12, "i-am"),
    ("I'm 15 5'4 and play goalie", 15, "i-am"),
    ("my dog is 4 and I'm 13", 13, "i-am"),
    ("I am a girl who is 10 and can code", 10, "i-am"),
    ("top game am 7 years old", 7, "am"),
    # disguises
    ("l'm 11 years old", 11, "i-am"),
    ("hi i m 6 yers old", 6, "i-am"),
    ("I’m 12", 12, "i-am"),
    ("I'm １１ ok", 11, "i-am"),
    ("im 1️⃣2️⃣ and i stream", 12, "i-am"),
    ("im 🔟 today", 10, "i-am"),
    ("i am t w e l v e", 12, "i-am"),
    ("im7 and good at chess", 7, "i-am"),
    ("I'm 𝟏𝟏", 11, "i-am"),
    ("i`m 9", 9, "i-am"),
    ("I'm 9½", 9, "i-am"),
    # year-old, of oneself
    ("As a 9 year old, I think the quiz is too easy", 9, "year-old-self"),
    ("Nice, and that's coming from a 10 yr old", 10, "year-old-self"),
    ("this is a 11 year old boy typing", 11, "year-old-self"),
    ("as a 52 year old I find the font small", 52, "year-old-self"),
    ("13 year old boy here, please add cats", 13, "year-old-here"),
    # fields and signatures
    ("Age: 11", 11, "key-value"),
    ("hi! my age is 12", 12, "key-value"),
    ("me = 10", 10, "key-value"),
    ("Please add dark mode - Nia, age 9", 9, "signed"),
    ("More puzzles please! ~ Otis (8)", 8, "signed"),
    ("my name is Otis 10", 10, "introduced"),
    ("I'm Nia, 12, from Leeds", 12, "introduced"),
    # birthdays around the corner
    ("ill be 11 in june", 10, "upcoming"),
    ("I'm almost 10", 9, "upcoming"),
    ("I turn 13 tomorrow!!", 12, "upcoming"),
    ("i'm turning nine soon", 8, "upcoming"),
    ("my 11th birthday is next week", 10, "upcoming"),
    ("I will be 31 in March", 30, "upcoming"),
    ("I just turned 13", 13, "turned"),
    ("i've turned 40 and still play", 40, "turned"),
    # h: the last assertion wins
    ("I'm actually 12, not 22", 12, "i-am"),
    ("I typed 21 but I'm 11", 11, "i-am"),
    ("I'm eight, I mean nine", 9, "corrected"),
    ("I was 6 when I joined but now I am 9", 9, "i-am"),
    ("I'm 37, nearly 38", 37, "i-am"),
    ("I told them I'm 18 but I'm really 11", 11, "i-am"),
    ("I'm 12 and can't have it till I'm 13", 12, "i-am"),
]


@pytest.mark.parametrize(("text", "age", "rule"), OWN_AGE)
def test_an_own_age_is_read(text: str, age: int, rule: str) -> None:
    evidence = only(text)
    assert (evidence.born, evidence.rule) == (BirthDate.aged(age, age, TODAY), rule)
    assert evidence.exact
    assert evidence.source == "posts.body"


IN_A_PROFILE = [
    ("Otis, 10, drummer", 10, "signed"),
    ("11yo builder of bridges", 11, "headline"),
    ("ten-year-old kite flyer", 10, "headline"),
    ("they/them | 12 | draws frogs", 12, "bare"),
    ("19 • night shift nurse", 19, "bare"),
    ("aged 10", 10, "key-value"),
    ("soon to be 12, loves bees", 11, "upcoming"),
]


@pytest.mark.parametrize(("text", "age", "rule"), IN_A_PROFILE)
def test_a_profile_may_be_brief(text: str, age: int, rule: str) -> None:
    evidence = only(text, kind="profile")
    assert (evidence.born, evidence.rule) == (BirthDate.aged(age, age, TODAY), rule)
    assert seen(text, kind="message") == []


def test_a_bare_number_is_weaker_than_a_statement() -> None:
    assert only("12 | artist", "profile").reliability < 0.7 < only("I'm 12", "profile").reliability
    assert only("I'm 31 | 12 | artist", "profile").rule == "i-am"


LIMITS = [
    ("I'm not 13 yet", 4, 12, "below"),
    ("no accounts for me till im 13", 4, 12, "below"),
    ("I don't turn 16 until May", 4, 15, "below"),
    ("i'm under 13 so dad reads along", 4, 12, "below"),
    ("I'm in my late 40s", 40, 49, "decade"),
    ("I'm over 60 and it is easy", 60, 110, "above"),
    ("I'm a kid and I like maths", 4, 17, "child"),
]


@pytest.mark.parametrize(("text", "youngest", "oldest", "rule"), LIMITS)
def test_a_limit_is_an_interval_and_not_exact(text: str, youngest: int, oldest: int, rule: str) -> None:
    evidence = only(text)
    assert (evidence.born, evidence.rule) == (BirthDate.aged(youngest, oldest, TODAY), rule)
    assert not evidence.exact


BIRTHS = [
    ("I was born in 2015", "message", BirthDate.in_year(2015)),
    ("i was born 2016 not 1996", "message", BirthDate.in_year(2016)),
    ("im born in may 2014", "message", BirthDate.in_month(2014, 5)),
    ("my date of birth is 3 March 2013", "message", BirthDate.on(date(2013, 3, 3))),
    ("DOB: 04/05/2014", "message", BirthDate.in_year(2014)),
    ("I was born on June 14th, 1988", "message", BirthDate.on(date(1988, 6, 14))),
    ("I was born on 31 June 2014", "message", BirthDate.in_month(2014, 6)),
    ("born in 2014, draws dragons", "profile", BirthDate.in_year(2014)),
    ("b. 2 Aug 2015 - skater", "profile", BirthDate.on(date(2015, 8, 2))),
]


@pytest.mark.parametrize(("text", "kind", "born"), BIRTHS)
def test_a_birth_is_read_as_far_as_it_is_sure(text: str, kind: str, born: BirthDate) -> None:
    assert only(text, kind).born == born


NOT_OWN_AGE = [
    # a: a unit other than years of life
    "I'm 5'11 and still growing",
    "I am 6 1 and thin",
    "I'm 12 weeks pregnant",
    "I am 10 minutes from the station",
    "I'm 9 days late with this",
    "I'm 9 and a half weeks into the course",
    "i'm 10% done",
    "I'm 7th in the queue",
    "I am 11 chapters into the book",
    "I'm 7-2 at darts",
    "I am 12 km away",
    "I'm 5/7 in that raid",
    "I'm 9.5 in these shoes",
    "I'm 14k in debt",
    "I'm 6 foot tall",
    "I am 10 stamps short of a set",
    # b: another's
    "my 9 year old drew on the walls",
    "my son is 10 and plays daily",
    "We have a 7 year old and a 10 year old",
    "I'm a 10 year old's mother",
    "dad of a 12 year old here",
    "my niece, age 8, drew this",
    "my son typed: I'm 9",
    "Age 5, works fine",
    "I'm a child psychologist",
    "from a 5 year old perspective it is fine",
    "He said: she was born in 2014",
    "My daughter is turning 9 tomorrow",
    "9 year old enjoys it",
    "As a 6 year old, he read everything",
    "Our company turned 10",
    # c: then or one day
    "I was 11 when we moved",
    "when I'm 30 I want a boat",
    "The day I turned 16 it rained",
    "I've played since I was 9",
    "as a 5 year old I was afraid of dogs",
    "I learned to swim at age 7",
    "23 y/o in 1998 when I began",
    "I turned 18 in 1999",
    "I'll be 40 in ten years",
    # d: seeming and wishing
    "teach me like I'm 6",
    "I feel like I'm 12",
    "the app thinks I'm 9",
    "people say I'm 10",
    "pretend I'm 11 and try again",
    "if I'm 12 is that allowed?",
    "I'm not 12",
    "as if I'm 8",
    "I'm 12 at heart",
    "I'm 8 in dog years",
    # e: duration
    "I'm 8 years clean",
    "I am 11 years into teaching",
    "I have 12 years of experience",
    "I'm 10 years in and still learning",
    "I've been married for 12 years",
    # f: comparison
    "I'm 10 years older than her",
    "she is 4 years younger than me",
    # g: rule text and bands
    "I am 14 or older, so let me in",
    "I'm 13+ and agree",
    "Nobody under 16 may join",
    "ages 9-12",
    "Age: 6-8",
    "U12 coach",
    "for kids aged 10 and up",
    # not ages of anyone who writes
    "I'm 2",
    "I'm 400 years old",
    "I was born in 2025",
    "I was born in 1850",
    "nothing to see here",
    "",
]


@pytest.mark.parametrize("text", NOT_OWN_AGE)
def test_what_only_looks_like_an_own_age_is_not_read(text: str) -> None:
    assert seen(text) == []


NOT_IN_A_PROFILE = [
    "Mama of three: 6, 9 and 12",
    "mum to Otis | 9 | and a dog",
    "teacher | 12 years in class",
    "Coach, ages 9-12",
    "born in 2015, we make soap",
    "10 year old's dad",
    "level 12 wizard",
    "alive after covid-19",
    "Otis (almost 6) and his nan",
    "Room, 12",
    "5 years old startup",
    "match day 12/10",
]


@pytest.mark.parametrize("text", NOT_IN_A_PROFILE)
def test_a_profile_is_not_read_into(text: str) -> None:
    assert seen(text, kind="profile") == []


def test_the_age_is_that_on_the_day_of_writing() -> None:
    evidence = only("I'm 12", written_on=date(2020, 1, 1))
    assert evidence.said_on == date(2020, 1, 1)
    assert evidence.speaks_for_under(13, date(2020, 1, 1))
    assert evidence.speaks_against_under(18, TODAY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hey, I'm 11 years old!", "I'm 11 years old"),
        ("ok im e l e v e n", "im e l e v e n"),
        ("😀😀 I’m １２.", "I’m １２"),
        ("wow - Nia, age 9!", "Nia, age 9"),
    ],
)
def test_the_span_points_into_the_text_as_written(text: str, words: str) -> None:
    evidence = only(text)
    assert evidence.span is not None
    assert evidence.words == text[slice(*evidence.span)] == words


@st.composite
def spoken(draw: st.DrawFn) -> str:
    """Text made of what the grammar looks for, so that rules and vetoes meet in every order."""
    pieces = st.sampled_from(
        ["I'm", "im", "am", "a", "12", "９", "1️⃣", "e l e v e n", "ten", "year", "old", "yo", "-", ",", "|",
         "½", "İ", "born", "in", "2014", "31", "feb", "not", "yet", "till", "turned", "my", "son", "age", "ﬁ"]
    )  # fmt: skip
    return draw(st.sampled_from([" ", ""])).join(draw(st.lists(pieces | st.text(max_size=3), max_size=12)))


@given(st.text(max_size=200) | spoken(), st.sampled_from(["profile", "message"]))
@example("I'm 29 feb", "message")
@example("b. 31 feb 2014", "profile")
def test_any_text_is_read_without_an_error_and_spans_fit(text: str, kind: str) -> None:
    for evidence in seen(text, kind):
        assert evidence.span is not None
        start, end = evidence.span
        assert 0 <= start < end <= len(text)
        assert evidence.words == text[start:end] != ""


@given(st.text(max_size=200) | spoken())
def test_every_plain_character_knows_its_origin(text: str) -> None:
    plain = normalised(text)
    if plain.origin is not None:
        assert len(plain.origin) == len(plain.text)
        assert list(plain.origin) == sorted(plain.origin)


@given(st.text(max_size=200) | spoken())
def test_no_hint_hides_what_a_rule_would_find(text: str) -> None:
    plain = normalised(text).text
    for rule in RULES:
        if rule.pattern.search(plain):
            assert any(hint in plain for hint in rule.hints), rule.name


@pytest.mark.parametrize(("text", "age", "rule"), OWN_AGE)
def test_the_cheap_look_lets_statements_through(text: str, age: int, rule: str) -> None:
    assert may_match(text)


@pytest.mark.parametrize(
    "piece",
    [
        "I'm ",
        "i am only just ",
        "12 years ",
        "12 | ",
        "- a, ",
        "age ",
        "I'm in my ",
        "born on ",
        "1 ",
        "e l e v e n ",
        "as a ",
    ],
)
def test_time_grows_with_length_only(piece: str) -> None:
    started = time.process_time()
    seen(piece * (40_000 // len(piece)) + "x", kind="profile")
    assert time.process_time() - started < 5
