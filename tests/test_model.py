"""The domain types: keys that come back whole, values out of range, and records that show no person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agegate.birthdate import BirthDate
from agegate.errors import ConfigError
from agegate.model import (
    STATUTORY_KINDS,
    Account,
    Assessment,
    Band,
    Evidence,
    Limit,
    Place,
    Registration,
    Report,
    Residence,
    Rule,
    Service,
    Text,
    Weighed,
    account_key,
    key_values,
)

# --- account keys -------------------------------------------------------------------------------------

PARTS = st.one_of(st.integers(), st.text(), st.uuids())


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_key_of_any_type_comes_back(values: list[object]) -> None:
    key = account_key(values)
    back = key_values(key)
    assert back == tuple(str(value) if isinstance(value, UUID) else value for value in values)
    assert account_key(back) == key


@given(st.lists(PARTS, min_size=1, max_size=3), st.lists(PARTS, min_size=1, max_size=3))
def test_two_accounts_never_share_a_key(one: list[object], other: list[object]) -> None:
    same = [str(part) if isinstance(part, UUID) else part for part in one] == [
        str(part) if isinstance(part, UUID) else part for part in other
    ]
    assert (account_key(one) == account_key(other)) == same


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([17], "17"),
        ([-1], "-1"),
        ([2**63], "9223372036854775808"),
        (["17"], '"17"'),
        (["né"], '"né"'),
        (['a "quote", a comma'], '"a \\"quote\\", a comma"'),
        ([UUID(int=5)], '"00000000-0000-0000-0000-000000000005"'),
        (["school", 5], '["school",5]'),
        (["", ""], '["",""]'),
    ],
)
def test_key_is_canonical_json(values: list[object], key: str) -> None:
    assert account_key(values) == key
    assert json.loads(key) is not None


NO_KEYS = ("", " ", "abc", "[]", "null", "1.5", "NaN", "{}", '{"id":1}', "[1,null]", "[[1]]", "[1.0]", '"open')
NO_KEYS += ("true", "[1,false]", "[" * 100_000)


@pytest.mark.parametrize("text", [pytest.param(text, id=text[:12] or "empty") for text in NO_KEYS])
def test_text_that_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(not an account key|.*: line 1 column \d+ .*)$"):
        key_values(text)


# --- the service --------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", [1, 13, 16, 18, 21])
def test_floors_that_can_be(floor: int) -> None:
    assert Service(floor=floor).floor == floor


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"floor": 0}, "service.floor"),
        ({"floor": -1}, "service.floor"),
        ({"floor": 22}, "service.floor"),
        ({"kinds": frozenset()}, "service.kinds holds nothing"),
        ({"kinds": frozenset({"general", "zoo"})}, "service.kinds holds zoo"),
        ({"audience": "everybody"}, "service.audience"),
    ],
)
def test_service_that_cannot_be(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        Service(**values)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


@given(st.sets(st.sampled_from(STATUTORY_KINDS), min_size=1))
def test_any_of_the_kinds_that_laws_know(kinds: set[str]) -> None:
    assert Service(kinds=frozenset(kinds)).kinds == kinds


# --- nothing about a person in a record's text --------------------------------------------------------

SECRET = "zyzzyva"
BORN = BirthDate.parse("2016-03-01")


def test_registration_shows_what_is_filled_and_not_with_what() -> None:
    names = [name for name in Registration.__slots__ if name != "birth_date"]
    full = Registration(birth_date="2016-03-01", **dict.fromkeys(names, SECRET))
    for text in (repr(full), str(full), f"{full}"):
        assert SECRET not in text
        assert "2016" not in text
        assert all(name in text for name in Registration.__slots__)
    assert repr(Registration(email=SECRET, country="")) == "Registration(country, email)"
    assert repr(Registration()) == "Registration()"


def evidence(born: BirthDate = BORN) -> Evidence:
    return Evidence("s", "r", born, 0.9, "profiles.bio", date(2026, 1, 1), words=SECRET)


@pytest.mark.parametrize(
    "record",
    [
        Text("profiles.bio", "1", SECRET, date(2026, 1, 1)),
        Report(1, "parent", date(2026, 1, 1), BORN, 10),
        Account("1", date(2026, 1, 1), BORN, {"email": SECRET, SECRET: "x"}, texts=()),
        Account("1", date(2026, 1, 1), texts=(Text("profiles.bio", "1", SECRET, date(2026, 1, 1)),)),
        Account("1", date(2026, 1, 1), reports=(Report(1, "parent", date(2026, 1, 1), BORN, 10),)),
        evidence(),
        Weighed(evidence(), 1.5),
        Assessment(0.5, 0.5, BORN, Band.WATCH, (Weighed(evidence(), 1.5),)),
    ],
    ids=lambda record: type(record).__name__,
)
def test_record_shows_neither_words_nor_birth_date(record: object) -> None:
    assert SECRET not in repr(record)
    assert "2016" not in repr(record)


def test_assessment_is_explained_by_rules_and_not_by_words() -> None:
    assessment = Assessment(0.5, 0.5, BORN, Band.WATCH, (Weighed(evidence(), 1.25), Weighed(evidence(), -2)))
    assert assessment.explain() == [
        "s/r in profiles.bio, said 2026-01-01, weight +1.2",
        "s/r in profiles.bio, said 2026-01-01, weight -2.0",
    ]


# --- evidence -----------------------------------------------------------------------------------------

ON = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("born", "age", "under", "over"),
    [
        ("2013-11-22", 13, False, True),
        ("2013-11-23", 13, True, False),
        ("2013-11", 13, False, False),  # the month's first days are 13, its last are not
        ("2013-12", 13, True, False),
        ("2013-10", 13, False, True),
        ("2013", 13, False, False),
        ("2012", 13, False, True),
        ("2014", 13, True, False),
    ],
)
def test_evidence_speaks_only_when_its_whole_interval_does(
    born: str, age: int, under: bool, over: bool
) -> None:
    found = evidence(BirthDate.parse(born))
    assert found.speaks_for_under(age, ON) is under
    assert found.speaks_against_under(age, ON) is over


@given(st.dates(date(1950, 1, 1), date(2026, 1, 1)), st.integers(0, 900), st.integers(1, 21))
def test_evidence_never_speaks_for_both(first: date, days: int, age: int) -> None:
    last = date.fromordinal(first.toordinal() + days)
    found = evidence(BirthDate(first, last))
    assert not (found.speaks_for_under(age, ON) and found.speaks_against_under(age, ON))
    if days == 0:
        assert found.speaks_for_under(age, ON) or found.speaks_against_under(age, ON)


# --- rules, limits, places ----------------------------------------------------------------------------

RULE = Rule(
    id="xx-1",
    jurisdiction="XX",
    regime="consent",
    age=14,
    gate="yes",
    basis="specific",
    law="Act on Services",
    citation="section 3",
    start=date(2020, 1, 1),
    until=date(2020, 12, 31),
    status="in_force",
    kinds=frozenset({"general"}),
    confidence="high",
    sources=("https://example.org",),
    checked=date(2026, 1, 1),
)


@pytest.mark.parametrize(
    ("change", "day", "holds"),
    [
        ({}, "2019-12-31", False),
        ({}, "2020-01-01", True),
        ({}, "2020-12-31", True),
        ({}, "2021-01-01", False),
        ({"start": None}, "0001-01-01", True),
        ({"start": None}, "2021-01-01", False),
        ({"until": None}, "9999-12-31", True),
        ({"until": None}, "2019-12-31", False),
        ({"start": None, "until": None}, "2026-11-22", True),
        ({"status": "enjoined"}, "2020-06-01", False),
        ({"status": "enacted"}, "2020-06-01", False),
        ({"status": "proposed"}, "2020-06-01", False),
    ],
)
def test_rule_holds_on_its_first_and_last_day(change: dict[str, object], day: str, holds: bool) -> None:
    assert replace(RULE, **change).in_force(date.fromisoformat(day)) is holds


def test_rule_says_whether_a_source_was_read() -> None:
    assert RULE.sourced
    assert not replace(RULE, sources=()).sourced


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        (Limit(14, "XX", RULE, True), "Act on Services, section 3 (XX)"),
        (Limit(13, "XX", None, True), "the service's own terms; no higher limit in XX"),
        (Limit(13, "XX", None, False), "the service's own terms; the law of XX has not been researched"),
    ],
)
def test_limit_says_what_set_it(limit: Limit, why: str) -> None:
    assert limit.why == why


@pytest.mark.parametrize(
    ("places", "located", "conflict"),
    [
        ((), None, False),
        (("US",), "US", False),
        (("US-CA", "US"), "US-CA", False),
        (("US-CA", "US-UT"), "US-CA", False),
        (("FR", "US"), "FR", True),
    ],
)
def test_residence_is_the_first_place_and_says_when_countries_differ(
    places: tuple[str, ...], located: str | None, conflict: bool
) -> None:
    residence = Residence(tuple(Place(place, "declared") for place in places))
    assert (residence.located.jurisdiction if residence.located else None) == located
    assert residence.conflict is conflict
