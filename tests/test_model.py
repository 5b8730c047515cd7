"""The domain types: keys that come back whole, values out of range, and records that show no person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
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
    OwnRule,
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
    with pytest.raises(ValueError, match="not an account key: write it as JSON"):
        key_values(text)


# --- the service --------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", [1, 13, 16, 18, 21])
def test_floors_that_can_be(floor: int) -> None:
    assert Service(floor=floor).floor == floor


def own(age: int, place: str = "DE", reason: str = "our lawyers say so") -> OwnRule:
    return OwnRule(place, age, date(2026, 1, 1), reason)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"floor": 0}, "service.floor"),
        ({"floor": -1}, "service.floor"),
        ({"floor": 22}, "service.floor"),
        ({"kinds": frozenset()}, "service.kinds holds nothing"),
        ({"kinds": frozenset({"general", "zoo"})}, "service.kinds holds zoo"),
        ({"audience": "everybody"}, "service.audience"),
        ({"majority_rules": "sometimes"}, "service.majority_rules is unknown; choose from enforce, report"),
        ({"parental_flow": "letter"}, "service.parental_flow: there is no such flow; write none"),
        ({"stricter": (own(13),)}, "service.stricter DE: 13 is not above the floor of 13"),
        ({"floor": 16, "stricter": (own(15),)}, "service.stricter DE: 15 is not above the floor of 16"),
        ({"stricter": (own(14), own(16))}, "service.stricter DE: set twice; keep one"),
    ],
)
def test_service_that_cannot_be(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        Service(**values)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


def test_service_sets_one_age_of_its_own_for_each_place() -> None:
    assert Service(stricter=(own(14), own(16, "DE-BY"))).stricter[1].age == 16


@pytest.mark.parametrize(
    ("age", "reason", "said"),
    [
        (0, "why", "service.stricter DE: 0 is no minimum age; write one from 1 to 21"),
        (22, "why", "service.stricter DE: 22 is no minimum age"),
        (16, "", "service.stricter DE: no reason; say why in a line"),
        (16, " \t", "service.stricter DE: no reason"),
    ],
)
def test_own_rule_that_cannot_be(age: int, reason: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        own(age, reason=reason)


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
    regime="data_consent",
    age=14,
    gate="yes",
    basis="specific",
    law="Act on Services",
    citation="section 3",
    start=date(2020, 1, 1),
    until=date(2020, 12, 31),
    status="in_force",
    applies_to="online services",
    kinds=frozenset({"general"}),
    confidence="high",
    sources=("https://example.org",),
    checked=date(2026, 1, 1),
)


def rule(**changes: object) -> Rule:
    """The rule of 2020 with changes; days may be written as text."""
    days = {"start", "until", "new_from", "existing_from"}
    values = {
        key: date.fromisoformat(value) if key in days and isinstance(value, str) else value
        for key, value in changes.items()
    }
    return replace(RULE, **values)


@pytest.mark.parametrize(
    ("changes", "day", "status"),
    [
        ({}, "2019-12-31", "enacted"),
        ({}, "2020-01-01", "in_force"),
        ({}, "2020-12-31", "in_force"),
        ({}, "2021-01-01", "ended"),
        ({"start": None}, "0001-01-01", "in_force"),
        ({"start": None}, "2021-01-01", "ended"),
        ({"until": None}, "9999-12-31", "in_force"),
        ({"until": None}, "2019-12-31", "enacted"),
        ({"start": None, "until": None}, "2026-11-22", "in_force"),
        # law that begins on its first day, and never where nobody knows it
        ({"status": "enacted"}, "2019-12-31", "enacted"),
        ({"status": "enacted"}, "2020-01-01", "in_force"),
        ({"status": "enacted"}, "2020-12-31", "in_force"),
        ({"status": "enacted"}, "2021-01-01", "ended"),
        ({"status": "enacted", "start": None}, "2020-06-01", "enacted"),
        ({"status": "enacted", "start": None, "until": None}, "9999-12-31", "enacted"),
        ({"status": "enjoined"}, "2020-06-01", "enjoined"),
        ({"status": "enjoined"}, "2021-01-01", "ended"),
        ({"status": "proposed"}, "2020-06-01", "proposed"),
        ({"status": "proposed", "start": None, "until": None}, "2026-11-22", "proposed"),
    ],
)
def test_rule_holds_from_its_first_to_its_last_day(changes: dict[str, object], day: str, status: str) -> None:
    found, on = rule(**changes), date.fromisoformat(day)
    assert found.status_on(on) == status
    assert found.in_force(on) is (status == "in_force")


@pytest.mark.parametrize(
    ("changes", "sourced"),
    [
        ({}, True),
        ({"sources": ()}, False),
        ({"unverified": True}, False),  # the pages were read for another part of it
        ({"sources": (), "unverified": True}, False),
    ],
)
def test_rule_says_whether_its_age_was_read_in_a_source(changes: dict[str, object], sourced: bool) -> None:
    assert rule(**changes).sourced is sourced


@pytest.mark.parametrize(
    ("changes", "acts"),
    [
        ({}, True),
        ({"confidence": "medium"}, True),
        ({"confidence": "low"}, False),
        ({"basis": "guidance"}, True),
        ({"basis": "majority"}, False),
        ({"gate": "policy"}, False),
        ({"gate": "no"}, False),
        ({"sources": ()}, False),
        ({"unverified": True}, False),
        ({"status": "enacted"}, False),
        ({"status": "enjoined"}, False),
        ({"status": "proposed"}, False),
    ],
)
def test_rule_may_act_only_where_somebody_saw_it_in_force(changes: dict[str, object], acts: bool) -> None:
    assert rule(**changes).may_act is acts


@pytest.mark.parametrize(
    ("changes", "created_on", "first"),
    [
        # whoever was there before is reached with the law, unless it says otherwise
        ({}, "2015-01-01", "2020-01-01"),
        ({}, "2020-06-01", "2020-06-01"),
        ({"new_from": "2020-03-01"}, "2015-01-01", "2020-03-01"),
        ({"new_from": "2020-03-01"}, "2020-02-29", "2020-03-01"),
        ({"existing_from": "2020-05-01"}, "2019-12-31", "2020-05-01"),
        ({"existing_from": "2020-05-01"}, "2020-01-01", "2020-01-01"),
        ({"new_from": "2020-03-01", "existing_from": "2020-05-01"}, "2020-02-29", "2020-05-01"),
        ({"new_from": "2020-03-01", "existing_from": "2020-05-01"}, "2020-03-01", "2020-03-01"),
        ({"new_from": "2020-03-01", "existing_from": "2020-02-01"}, "2019-01-01", "2020-03-01"),
        # without a first day: from the day on which it was seen
        ({"start": None}, "2026-01-01", "2026-01-01"),
        ({"start": None}, "2025-12-31", None),
    ],
)
def test_rule_reaches_an_account_from_a_day_on(
    changes: dict[str, object], created_on: str, first: str | None
) -> None:
    found, made = rule(**changes), date.fromisoformat(created_on)
    if first is None:
        assert not found.reaches(made, date.max)
        return
    day = date.fromisoformat(first)
    assert found.reaches(made, day)
    assert found.reaches(made, date.max)
    if day > made:  # on the day it was made, no day before can be asked about
        assert not found.reaches(made, day - timedelta(days=1))


OWN = own(16, "XX", "a promise to parents")


@pytest.mark.parametrize(
    ("limit", "name", "strictness", "why"),
    [
        (Limit(14, "XX", RULE, True), "xx-1", (14, True), "Act on Services, section 3 (XX)"),
        (
            Limit(14, "XX", rule(attain="jan1_of_year"), True),
            "xx-1",
            (14, False),
            "Act on Services, section 3 (XX)",
        ),
        (
            Limit(16, "XX", None, False, OWN),
            "own:XX",
            (16, True),
            "the service's own rule for XX: a promise to parents",
        ),
        (
            Limit(13, "XX", None, True),
            "floor",
            (13, True),
            "the service's own terms; no higher limit in XX",
        ),
        (
            Limit(13, "XX", None, False),
            "floor",
            (13, True),
            "the service's own terms; the law of XX has not been researched",
        ),
    ],
)
def test_limit_says_what_set_it(limit: Limit, name: str, strictness: tuple[int, bool], why: str) -> None:
    assert (limit.name, limit.strictness, limit.why) == (name, strictness, why)


@pytest.mark.parametrize(
    ("found", "first"),
    [
        (None, "2024-06-15"),
        (RULE, "2024-06-15"),
        (rule(attain="jan1_of_year"), "2024-01-01"),
    ],
    ids=["floor", "birthday", "jan1_of_year"],
)
def test_limit_is_attained_as_its_rule_counts(found: Rule | None, first: str) -> None:
    limit, born, day = Limit(14, "XX", found, True), BirthDate.parse("2010-06-15"), date.fromisoformat(first)
    assert limit.is_attained(born, day)
    assert not limit.is_attained(born, day - timedelta(days=1))


@pytest.mark.parametrize(
    ("places", "hints", "located", "conflict", "conflicts"),
    [
        ("", "", None, False, ()),
        ("", "US:locale", None, False, ()),
        ("US:declared", "", "US", False, ()),
        ("US-CA:declared US:phone", "", "US-CA", False, ()),
        ("US-CA:billing US-UT:declared", "US:locale", "US-CA", False, ()),
        ("FR:billing US:declared", "", "FR", True, ("declared says US",)),
        # a device says something worth telling, and no more: it is no place
        ("FR:declared", "US:locale FR:time_zone", "FR", False, ("locale says US",)),
        (
            "FR:billing FR-IDF:declared DE:phone BR:ip",
            "US:locale",
            "FR",
            True,
            ("phone says DE", "ip says BR", "locale says US"),
        ),
    ],
)
def test_residence_is_the_first_place_and_says_what_disagrees(
    places: str, hints: str, located: str | None, conflict: bool, conflicts: tuple[str, ...]
) -> None:
    said = [tuple(Place(*one.split(":")) for one in listed.split()) for listed in (places, hints)]
    residence = Residence(*said)
    assert (residence.located.jurisdiction if residence.located else None) == located
    assert residence.conflict is conflict
    assert residence.conflicts == conflicts
